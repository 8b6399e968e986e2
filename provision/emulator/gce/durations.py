"""How long Google's operations take, by kind of resource and method, in seconds.

Google publishes no figures. What stands here was read from the output of Terraform in public
repositories (``google_compute_firewall.x: Creation complete after 12s``, dozens of runs of 2024 to
2026): its provider looks at an operation at once and then every 10 s, so 12 s means within ten and 22 s
within twenty. Seen so: a network 11 to 23 s, its removal 11 to 31; subnetworks 11 to 23, removal 12;
firewall rules 11 to 22, removal 11; routers 3 to 22; an address 3 and 4; instance templates 3 and 13; a
VM 13 to 28, removal 21; a small instance group with its VMs 23. The rest are guesses of ours: what
instance groups take to accept a change (the VMs come after), and everything under ``*``.
"""

GOOGLE = {
    "networks": {"insert": "9..20", "delete": "9..25"},
    "subnetworks": {"insert": "5..15", "delete": "5..12"},
    "firewalls": {"insert": "4..15", "patch": "4..10", "delete": "4..10"},
    "routers": {"insert": "2..12", "delete": "2..12"},
    "addresses": {"insert": "1..4", "delete": "1..4"},
    "instanceTemplates": {"insert": "1..5", "delete": "1..5"},
    "instances": {"insert": "8..20", "delete": "10..20", "stop": "10..20", "start": "5..15"},
    "instanceGroupManagers": {"insert": "3..10", "delete": "5..15", "*": "1..5"},
    "*": {"*": "1..5"},
}
"""A regional kind is written as its zonal one."""
REGIONAL = {"regionInstanceGroupManagers": "instanceGroupManagers", "regionInstances": "instances",
            "regionInstanceTemplates": "instanceTemplates"}  # fmt: skip


def google(resource: str, verb: str) -> str:
    """What an operation of that method takes, as a dial is written."""
    kind = GOOGLE.get(REGIONAL.get(resource, resource), GOOGLE["*"])
    return kind.get(verb) or kind.get("*") or GOOGLE["*"]["*"]
