"""Where a cluster stands on GCE, with everything looked up that a spec leaves open."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provision.clouds.common.settings import callers_range
from provision.errors import Finding, RefusedError
from provision.events import Emit, Noted, Warned, ignore
from provision.spec.clouds import ANYWHERE, GceCloud
from provision.suggest import did_you_mean

if TYPE_CHECKING:
    from provision.clouds.gce.client import Gce

EVERYONE = "0.0.0.0/0"
PLAIN = re.compile(r"[a-z]+-[a-z]+\d+-[a-z]")
"""Zones that a spec can name."""


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


def place_of(
    gce: "Gce", cloud: GceCloud, wrong: list[Finding], types: Collection[str] = (),
    emit: Emit = ignore,
) -> Place | None:  # fmt: skip
    """The place of a cluster of that spec; what is wrong with it is added to ``wrong``.

    Where the spec names no zones, it is those of the region that have all machine ``types``. None where
    there is no such region. Raises ServiceFailure where it cannot be looked up.
    """
    settings = gce.settings
    zones = zones_of(gce, wrong)
    if not zones:
        return None
    good = [zone for zone in settings.zones if zone in zones]
    for zone in settings.zones:
        if zone not in zones:
            fix = f"choose among {', '.join(zones)}"
            wrong.append(Finding("cloud.zones", f"{zone} is not there or not up", fix))
    if cloud.ssh_from == ANYWHERE:
        text = "the whole internet may reach the controller's SSH (cloud.ssh_from: anywhere)"
        emit(Warned(text=text))
    try:
        ssh_from = EVERYONE if cloud.ssh_from == ANYWHERE else cloud.ssh_from
        ssh_from = ssh_from or callers_range(settings.endpoint)
    except RefusedError as error:
        ssh_from = ""
        wrong += error.findings
    if not settings.zones:
        good = offering(gce, types, zones, emit)
    return Place(cloud, settings.project, settings.region, tuple(good) or zones, ssh_from)


def offering(gce: "Gce", types: Collection[str], zones: Sequence[str], emit: Emit) -> list[str]:
    """Zones that have all of the types, by one list; custom types are in none."""
    from provision.clouds.gce.api.compute import compute_v1

    wanted = {name for name in types if "custom" not in name}
    if not wanted:
        return list(zones)
    method = gce.client(compute_v1.MachineTypesClient).aggregated_list
    doing, names = "look which zones have the machine types", "|".join(sorted(wanted))
    rows = gce.rows(doing, method, filter=f'name eq "({names})"')
    there = {
        scope.rpartition("/")[2]: {t.name for t in found.machine_types} for scope, found in rows
    }
    good = [zone for zone in zones if wanted <= there.get(zone, set())]
    if good and len(good) < len(zones):
        emit(
            Noted(
                text=f"only {', '.join(good)} {'has' if len(good) == 1 else 'have'} all machine types"
            )
        )
    return good


def zones_of(gce: "Gce", wrong: list[Finding]) -> tuple[str, ...]:
    """The zones of the settings' region, by name; none where there is no such region.

    Those with longer names than ``us-central1-a`` are for accelerators alone, and left out.
    """
    from provision.clouds.gce.api.compute import compute_v1
    from provision.failures import NotFound

    client, name = gce.client(compute_v1.RegionsClient), gce.settings.region
    try:
        region = gce.call(f"read the region {name}", client.get)
    except NotFound as failure:
        if "/regions/" not in failure.resource:
            raise
        known = [each.name for each in gce.rows("list regions", client.list)]
        fix = did_you_mean(name, known, "see 'gcloud compute regions list'", "{}")
        wrong.append(Finding("cloud.region", f"there is no region {name}", fix))
        return ()
    names = (link.rpartition("/")[2] for link in region.zones)
    return tuple(sorted(each for each in names if PLAIN.fullmatch(each)))
