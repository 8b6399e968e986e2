"""Which addresses of this host are in use: routes, name servers, and runtimes' own networks."""

import contextlib
import ipaddress
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from provision.errors import RuntimeFailure
from provision.labels import CLUSTER

ROUTES = ["ip", "-json", "-4", "route", "show", "table", "main"]
ROUTES_TIMEOUT = 5.0
"""Seconds."""


class NetworkHere(Protocol):
    """A network of this host, as a runtime lists it; ``subnets`` are CIDR texts."""

    @property
    def name(self) -> str:
        """Its name on this host."""

    @property
    def labels(self) -> Mapping[str, str]:
        """What it was marked with."""

    @property
    def subnets(self) -> tuple[str, ...]:
        """Its address ranges."""


@dataclass(frozen=True, slots=True)
class HostAddresses:
    """Routes as ``(subnet, device)`` without the default one, and name servers."""

    routes: tuple[tuple[str, str], ...]
    nameservers: tuple[str, ...]


def read_host() -> HostAddresses:
    """Those of this host (``ip route`` and /etc/resolv.conf)."""
    try:
        done = subprocess.run(ROUTES, capture_output=True, check=True, timeout=ROUTES_TIMEOUT)
        rows = json.loads(done.stdout or b"[]")
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise RuntimeFailure(
            f"the host's routes cannot be read ({error})", "sudo apt-get install -y iproute2"
        ) from error
    text = ""
    with contextlib.suppress(OSError):
        text = Path("/etc/resolv.conf").read_text(errors="replace")
    routes = ((row.get("dst", ""), row.get("dev", "")) for row in rows)
    return HostAddresses(
        tuple((dst, dev) for dst, dev in routes if dst and dst != "default"),
        nameservers(text),
    )


def nameservers(resolv_conf: str) -> tuple[str, ...]:
    """Addresses of the ``nameserver`` lines of resolv.conf(5)."""
    words = [line.split() for line in resolv_conf.splitlines()]
    return tuple(line[1] for line in words if len(line) > 1 and line[0] == "nameserver")


def taken(
    subnet: str, networks: Sequence[NetworkHere], here: HostAddresses, adopt: str = ""
) -> str:
    """Who uses part of ``subnet``, as a clause; '' where nobody does.

    The network ``adopt`` of exactly that subnet, and its route, count for nobody.
    """
    wanted = ipaddress.IPv4Network(subnet)
    adopted = False
    for network in networks:
        ranges = [_network(text) for text in network.subnets]
        if network.name == adopt and wanted in ranges:
            adopted = True
            continue
        if any(other and other.overlaps(wanted) for other in ranges):
            owner = network.labels.get(CLUSTER)
            whose = f" of the cluster {owner}" if owner else ""
            used = ", ".join(network.subnets)
            return f"{subnet} overlaps {used}, the network {network.name}{whose}"
    for destination, device in here.routes:
        other = _network(destination)
        if other and other.overlaps(wanted) and not (adopted and other == wanted):
            return f"{subnet} overlaps this host's route to {destination} on {device}"
    for server in here.nameservers:
        address = _network(server)
        if address and address.overlaps(wanted):
            return f"{subnet} contains this host's name server {server}"
    return ""


def _network(text: str) -> ipaddress.IPv4Network | None:
    """IPv4 network or single address as a network; None for anything else (IPv6)."""
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None
