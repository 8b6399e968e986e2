"""What a plan costs an hour, by a cloud's dated table of list prices: pure, for any cloud.

What is not in the table is unknown and said to be: other regions, spot machines, other types.
"""

from collections import Counter
from typing import NamedTuple, Protocol

from provision.cloud import Cost
from provision.plan import Plan

MONTH = 730.0
"""Hours of a month, as clouds' own price pages count it."""


class Prices(Protocol):
    """List prices of one region, in US dollars, and when they were looked up."""

    @property
    def region(self) -> str:
        """The region that they are of."""

    @property
    def date(self) -> str:
        """The day, as ISO 8601 writes it."""

    def machine_hour(self, kind: str) -> float | None:
        """For a machine type on demand; None where the table does not tell."""

    def disk_hour(self, kind: str, gib: int) -> float | None:
        """For a disk of so many GiB; None where the table does not tell."""


class Hardware(NamedTuple):
    """What machines are made of: their type, and their boot disk."""

    machine_type: str
    disk_type: str
    disk_gb: int


def cost_of(plan: Plan, controller: Hardware, prices: Prices, region: str) -> Cost:
    """What all of the plan costs while it is up in that region ('' where none is named)."""
    counts, hourly, unknown = Counter[str](), 0.0, _unknown(plan, prices, region)
    wanted = [(controller, 1)]
    wanted += [
        (Hardware(group.machine_types[0], group.disk_type, group.disk_gb), len(group.machines))
        for group in plan.groups
    ]
    for kind, count in wanted:
        counts[kind.machine_type] += count
        machine = prices.machine_hour(kind.machine_type)
        disk = prices.disk_hour(kind.disk_type, kind.disk_gb)
        unknown += [f"there is no price of {kind.machine_type} here"] if machine is None else []
        unknown += [f"there is no price of {kind.disk_type} here"] if disk is None else []
        hourly += count * ((machine or 0.0) + (disk or 0.0))
    if unknown:
        return Cost(dict(counts), None, f"unknown ({'; '.join(dict.fromkeys(unknown))})")
    words = f"list prices of {prices.region}, {prices.date}; without network traffic"
    if any(len(group.machine_types) > 1 for group in plan.groups):
        words += "; with each group's first machine type"
    return Cost(dict(counts), round(hourly, 4), f"about ${hourly:,.2f} an hour ({words})")


def _unknown(plan: Plan, prices: Prices, region: str) -> list[str]:
    if not region:
        return ["no region is named"]
    known = prices.region
    unknown = [] if region == known else [f"only prices of {known} are known, not of {region}"]
    if any(group.spot for group in plan.groups):
        unknown.append("prices of spot machines change from day to day")
    return unknown
