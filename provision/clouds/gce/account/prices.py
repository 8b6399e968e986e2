"""What a plan costs an hour, from a small dated table of list prices (``prices.json`` names its source).

What is not in the table is unknown: other regions, spot machines, other families, GPUs and local SSDs.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from provision.cloud import Cost
from provision.clouds.gce.settings import resolve
from provision.errors import RefusedError
from provision.plan import Plan
from provision.spec.clouds import GceCloud

MONTH = 730.0
"""Hours of a month, as Google's own price pages count it."""
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


def cost_of(plan: Plan, region: str) -> Cost:
    """What all of the plan costs while it is up in that region ('' where none is named)."""
    cloud = plan.cloud
    assert isinstance(cloud, GceCloud), "a plan for this cloud"
    counts, hourly, unknown = Counter[str](), 0.0, _unknown(plan, region)
    wanted = [(cloud.controller_type, 1, cloud.disk_type, cloud.disk_gb)]
    wanted += [(g.machine_types[0], len(g.machines), g.disk_type, g.disk_gb) for g in plan.groups]
    for kind, count, disk_type, disk_gb in wanted:
        counts[kind] += count
        machine, disk = machine_hour(kind), disk_hour(disk_type, disk_gb)
        unknown += [f"there is no price of {kind} here"] if machine is None else []
        unknown += [f"there is no price of {disk_type} here"] if disk is None else []
        hourly += count * ((machine or 0.0) + (disk or 0.0))
    if unknown:
        return Cost(dict(counts), None, f"unknown ({'; '.join(dict.fromkeys(unknown))})")
    prices = table()
    words = f"list prices of {prices['region']}, {prices['date']}; without network traffic"
    if any(len(group.machine_types) > 1 for group in plan.groups):
        words += "; with each group's first machine type"
    return Cost(dict(counts), round(hourly, 4), f"about ${hourly:,.2f} an hour ({words})")


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


def _unknown(plan: Plan, region: str) -> list[str]:
    known = table()["region"]
    if not region:
        return ["no region is named"]
    unknown = [] if region == known else [f"only prices of {known} are known, not of {region}"]
    if any(group.spot for group in plan.groups):
        unknown.append("prices of spot machines change from day to day")
    return unknown
