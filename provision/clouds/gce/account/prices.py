"""What a plan costs an hour, from a small dated table of list prices (``prices.json`` names its source).

What is not in the table is unknown: other regions, spot machines, other families, GPUs and local SSDs.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from provision import costs
from provision.cloud import Cost
from provision.clouds.gce.settings import resolve
from provision.costs import MONTH, Hardware
from provision.errors import RefusedError
from provision.plan import Plan
from provision.spec.clouds import GceCloud

_TYPE = re.compile(r"(?P<family>[a-z0-9]+)-(?P<shape>standard|highmem|highcpu)-(?P<vcpus>\d+)")


@cache
def table() -> Any:
    """The prices, in US dollars."""
    return json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


def region_of(cloud: GceCloud, environment: Mapping[str, str]) -> str:
    """The region that a spec or its surroundings name, '' for none; a project need not be named."""
    try:
        settings = resolve(
            environment, Path.home(), project=cloud.project or "any", region=cloud.region,
            zones=cloud.zones,
        )  # fmt: skip
    except RefusedError:
        return cloud.region or ""
    return settings.region


class ListPrices:
    """The table, as any cloud's costs are counted by one."""

    @property
    def region(self) -> str:
        """The one that is known."""
        return str(table()["region"])

    @property
    def date(self) -> str:
        """When they were looked up."""
        return str(table()["date"])

    def machine_hour(self, kind: str) -> float | None:
        """See :func:`machine_hour`."""
        return machine_hour(kind)

    def disk_hour(self, kind: str, gib: int) -> float | None:
        """See :func:`disk_hour`."""
        return disk_hour(kind, gib)


def cost_of(plan: Plan, region: str) -> Cost:
    """What all of the plan costs while it is up in that region ('' where none is named)."""
    cloud = plan.cloud
    assert isinstance(cloud, GceCloud), "a plan for this cloud"
    controller = Hardware(cloud.controller_type, cloud.disk_type, cloud.disk_gb)
    return costs.cost_of(plan, controller, ListPrices(), region)


def machine_hour(kind: str) -> float | None:
    """US dollars an hour for a machine type on demand; None where the table does not tell.

    E2's shared cores are billed as a share of a vCPU. Types with more than vCPUs and memory
    (``-lssd``, ``-metal``, GPUs) and custom ones have other prices.
    """
    prices = table()
    if kind in prices["shared_core"]:
        family, share = "e2", prices["shared_core"][kind]
        vcpus, gib = share["vcpu"], share["gib"]
    else:
        found = _TYPE.fullmatch(kind)
        if found is None or found["family"] not in prices["families"]:
            return None
        family, vcpus = found["family"], float(found["vcpus"])
        per_vcpu = prices["gib_per_vcpu"][found["shape"]]
        gib = prices["gib"].get(kind, vcpus * per_vcpu.get(family, per_vcpu[""]))
    price = prices["families"][family]
    return float(vcpus * price["vcpu_hour"] + gib * price["gib_hour"])


def disk_hour(kind: str, gib: int) -> float | None:
    """US dollars an hour for a disk of so many GiB; None where the table does not tell."""
    month = table()["disks_gib_month"].get(kind)
    return None if month is None else gib * month / MONTH
