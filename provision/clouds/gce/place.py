"""Where a cluster stands on GCE, with everything looked up that a spec leaves open."""

import ipaddress
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provision.errors import Finding, RefusedError
from provision.speccloud import GceCloud

if TYPE_CHECKING:
    from provision.clouds.gce.client import Gce
    from provision.clouds.gce.settings import Settings

ECHO = "https://api.ipify.org"
"""Answers with the address a request came from; asked only where ``ssh_from`` is not given."""
ECHO_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """``zones`` are those the controller may stand in, in order; ``image`` is a link from ``projects/`` on.

    ``ssh_from`` is the range (CIDR) that may reach the controller's SSH.
    """

    cloud: GceCloud
    project: str
    region: str
    zones: tuple[str, ...]
    ssh_from: str

    @property
    def nat(self) -> bool:
        """Whether workers reach the internet by NAT."""
        return self.cloud.egress == "nat"

    @property
    def image(self) -> str:
        """The image, with its project before it where it is ours."""
        image = self.cloud.image
        if image.startswith("projects/"):
            return image
        return f"projects/{self.project}/global/images/{image}"


def zones_of(gce: "Gce") -> tuple[str, ...]:
    """The zones of the settings' region, by name."""
    from google.cloud import compute_v1

    region = gce.call(
        f"read the region {gce.settings.region}", gce.client(compute_v1.RegionsClient).get
    )
    return tuple(sorted(link.rpartition("/")[2] for link in region.zones))


def callers_range(settings: "Settings") -> str:
    """The address that this machine has to the outside, as a range of one.

    Raises:
        RefusedError: it cannot be found out.
    """
    if settings.plain:
        return "127.0.0.1/32"  # an emulator's own host
    try:
        with urllib.request.urlopen(ECHO, timeout=ECHO_SECONDS) as answer:
            return f"{ipaddress.IPv4Address(answer.read(64).decode().strip())}/32"
    except (OSError, ValueError) as error:
        problem = f"this machine's public IPv4 address cannot be found out ({error})"
        fix = "say who may reach the controller's SSH: cloud: {ssh_from: 203.0.113.7/32}"
        raise RefusedError([Finding("cloud.ssh_from", problem, fix)]) from error
