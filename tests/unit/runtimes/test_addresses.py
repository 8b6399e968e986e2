"""Whose addresses a subnet would take."""

import pytest

from provision.runtimes import addresses
from provision.runtimes.addresses import HostAddresses
from provision.runtimes.container.engine import EngineNetwork

HOST = HostAddresses((("192.0.2.0/24", "eth0"), ("10.9.0.0/24", "podman1")), ("10.255.255.53",))
NETWORKS = [
    EngineNetwork("podman", {}, ("10.88.0.0/16",)),
    EngineNetwork("demo", {"provision-cluster": "demo"}, ("10.9.0.0/24", "fd00::/64")),
]


@pytest.mark.parametrize(
    ("subnet", "owner"),
    [
        ("10.90.0.0/24", ""),
        ("10.88.4.0/24", "10.88.4.0/24 overlaps 10.88.0.0/16, the network podman"),
        ("10.9.0.0/16", "the network demo of the cluster demo"),
        ("192.0.2.128/25", "192.0.2.128/25 overlaps this host's route to 192.0.2.0/24 on eth0"),
        ("10.255.0.0/16", "10.255.0.0/16 contains this host's name server 10.255.255.53"),
    ],
)
def test_the_owner_is_named(subnet: str, owner: str) -> None:
    answer = addresses.taken(subnet, NETWORKS, HOST)
    assert answer.endswith(owner)
    assert bool(answer) == bool(owner)


def test_ones_own_network_and_its_route_are_no_one() -> None:
    assert addresses.taken("10.9.0.0/24", NETWORKS, HOST, adopt="demo") == ""
    assert addresses.taken("10.9.0.0/25", NETWORKS, HOST, adopt="demo") != ""
    assert addresses.taken("10.9.0.0/24", NETWORKS, HOST, adopt="podman") != ""


def test_name_servers_of_resolv_conf() -> None:
    text = "# nameserver 1.1.1.1\nsearch x\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\n"
    assert addresses.nameservers(text) == ("10.0.0.2", "fe80::1%eth0")
    odd = HostAddresses((), addresses.nameservers(text))
    assert "10.0.0.2" in addresses.taken("10.0.0.0/24", [], odd)
