"""Firewall rules: remembered and shown; traffic between machines here is not filtered."""

from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.world import GLOBAL, Document, Json, Project

KEPT = (
    "description", "allowed", "denied", "sourceRanges", "destinationRanges", "sourceTags",
    "targetTags", "sourceServiceAccounts", "targetServiceAccounts", "disabled", "priority",
    "direction", "logConfig",
)  # fmt: skip


def make(cloud: Cloud, project: Project, name: str, network: str, body: Json) -> Document:
    """Put a rule there."""
    world = cloud.world
    data: Json = {
        "kind": "compute#firewall",
        "id": world.fresh_id(),
        "creationTimestamp": world.stamp(),
        "name": name,
        "network": network,
        "priority": 1000,
        "direction": "INGRESS",
        "disabled": False,
        "logConfig": {"enable": False},
        "selfLink": world.link(project.name, GLOBAL, "firewalls", name),
        **{key: body[key] for key in KEPT if key in body},
    }
    if data["direction"] == "INGRESS" and not any(
        key in data for key in ("sourceRanges", "sourceTags", "sourceServiceAccounts")
    ):
        data["sourceRanges"] = ["0.0.0.0/0"]
    rule = Document(name, data)
    project.table("firewalls").put(GLOBAL, rule)
    return rule
