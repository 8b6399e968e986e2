"""A plan's demand against what is left of a cloud's quotas: rows, the largest that fits, and sentences.

Pure, and for any cloud: what a plan takes of which metric is the cloud's own to say (:class:`Demand`).
"""

import bisect
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from provision.cloud import Limit
from provision.errors import Finding
from provision.names import ENDLESS, machine_number
from provision.plan import Plan
from provision.spec.models import NODES_MAX

Key = tuple[str, str]
"""Where a metric counts (a region, or all), and the metric."""
Sizes = Mapping[str, int]
"""Nodes of each group."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A quota: its limit, and how much of it is used."""

    limit: float
    used: float


class Demand(Protocol):
    """What a plan takes beyond what is there, at any size."""

    @property
    def plan(self) -> Plan:
        """The plan that it is of."""

    def at(self, sizes: Sizes) -> Mapping[Key, float]:
        """What it takes of each metric with so many nodes in each group."""


def sizes_of(plan: Plan) -> dict[str, int]:
    """Nodes of each group as planned."""
    return {group.name: len(group.machines) for group in plan.groups}


class Present:
    """Which nodes of a plan are there, by their numbers: those that are not ``missing``."""

    def __init__(self, plan: Plan, missing: Collection[str]) -> None:
        self._numbers = {
            group.name: [
                machine_number(m.name, plan.name, group.name, plan.cloud.traits.per_group)
                for m in group.machines
                if m.name not in missing
            ]
            for group in plan.groups
        }

    @property
    def count(self) -> int:
        """All of them."""
        return sum(map(len, self._numbers.values()))

    def lacking(self, group: str, size: int) -> int:
        """How many are to be made for a group of that size: numbers beyond it are nobody's."""
        return size - bisect.bisect_right(self._numbers[group], size)


def limits(wanted: Demand, quotas: Mapping[Key, Amount], page: str) -> list[Limit]:
    """A row for each metric; what the account does not list is unknown, never assumed.

    ``page`` is where more is asked for.
    """
    rows = []
    for (where, metric), need in wanted.at(sizes_of(wanted.plan)).items():
        amount = quotas.get((where, metric))
        if amount is None:
            rows.append(Limit(metric, where, need, fix=page))
            continue
        most = largest(wanted, (where, metric), max(0.0, amount.limit - amount.used))
        rows.append(Limit(metric, where, need, amount.limit, amount.used, most, page))
    return rows


def largest(wanted: Demand, key: Key, left: float) -> int:
    """With how many nodes in all that much suffices, the last group shrunk or grown; 0 for none."""
    *others, last = wanted.plan.groups
    before = sum(len(group.machines) for group in others)

    def fit(size: int) -> bool:
        return wanted.at({**sizes_of(wanted.plan), last.name: size})[key] <= left

    low, high = 0, NODES_MAX - before
    if fit(high):
        return ENDLESS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fit(middle) else (low, middle)
    return before + low if low else 0


def fitting(plan: Plan, limits: Sequence[Limit]) -> dict[str, int] | None:
    """The largest sizes of the groups that fit: the last one shrinks, the others stay as they are.

    None where not even one node of it fits. Limits that are not known count for nothing.
    """
    sizes = sizes_of(plan)
    most = min((each.largest for each in limits if each.largest is not None), default=ENDLESS)
    last = plan.groups[-1].name
    others = sum(sizes.values()) - sizes[last]
    sizes[last] = min(sizes[last], most - others)
    return sizes if sizes[last] > 0 else None


def shortages(plan: Plan, rows: Sequence[Limit]) -> Iterator[Finding]:
    """What does not fit: the numbers, the largest cluster that does, and where to ask for more."""
    most = fitting(plan, rows)
    for row in rows:
        if row.short:
            yield Finding(
                f"quota {row.metric} in {row.where}",
                f"limit {row.limit:g}, used {row.used:g}, needed {row.need:g}: {_words(plan, most)}",
                f"{_smaller(plan, most)}ask for more at {row.fix}",
            )


def _words(plan: Plan, sizes: Sizes | None) -> str:
    if sizes is None:
        return "not even one node fits"
    total = sum(sizes.values())
    text = f"{total} node{'s' if total > 1 else ''} fit{'' if total > 1 else 's'}"
    last = plan.groups[-1].name
    return text if len(sizes) == 1 else f"{text} in all, {sizes[last]} of them in {last}"


def _smaller(plan: Plan, sizes: Sizes | None) -> str:
    if sizes is None:
        return ""
    last = plan.groups[-1].name
    count = f"{sizes[last]}" if len(sizes) == 1 else f"{last}={sizes[last]}"
    return f"give --nodes {count} or --shrink-to-fit, or "
