"""Quota: limits by place and metric over what an account uses, and the VMs that a zone has room for.

A place is a region or ``global``; a metric's name may carry ``:dimension``. Limits are the first
ones unless a dial says otherwise.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

from provision.emulator.dials import Dials
from provision.emulator.world import Account

GLOBAL, REGIONS = "global", "regions"
Charges = Mapping[tuple[str, str], float]
"""Amounts by place and metric."""


@dataclass(frozen=True, slots=True)
class Exceeded(Exception):
    """One charge does not fit; ``place`` is a region or ``global``."""

    metric: str
    limit: float
    place: str


class Quota:
    """``limits`` are the first ones: by ``global`` and ``regions`` (each of them), and by metric."""

    def __init__(
        self, limits: Mapping[str, Mapping[str, float]], dials: Callable[[], Dials]
    ) -> None:
        self._limits, self._dials = limits, dials

    def limit(self, place: str, metric: str) -> float | None:
        """The limit, None where there is none."""
        plain = metric.partition(":")[0]
        kind = GLOBAL if place == GLOBAL else REGIONS
        for table in (self._dials().quota, self._limits):
            for name in dict.fromkeys((place, kind)):
                for key in (metric, plain):
                    if key in table.get(name, {}):
                        return table[name][key]
        return None

    def charge(self, account: Account, charges: Charges) -> None:
        """Count all of them, or none. Raises :class:`Exceeded` for the first that does not fit."""
        usage = account.usage
        for (place, metric), amount in charges.items():
            limit = self.limit(place, metric)
            if limit is not None and usage.get((place, metric), 0) + amount > limit:
                raise Exceeded(metric.partition(":")[0], limit, place)
        for key, amount in charges.items():
            usage[key] = usage.get(key, 0) + amount

    def release(self, account: Account, charges: Charges) -> None:
        """Give back what was charged."""
        for key, amount in charges.items():
            account.usage[key] = account.usage.get(key, 0) - amount

    def listed(
        self, account: Account, place: str, hidden: Container[str] = ()
    ) -> Iterator[tuple[str, float, float]]:
        """Metrics of a place with their limits and what is used of them, sorted by name."""
        kind = GLOBAL if place == GLOBAL else REGIONS
        names = dict.fromkeys(self._limits[kind])
        for table in (kind, place):
            names.update(dict.fromkeys(self._dials().quota.get(table, {})))
        for metric in sorted(names):
            limit = self.limit(place, metric)
            if limit is not None and metric.partition(":")[0] not in hidden:
                used = account.usage.get((place, metric), 0.0)
                yield metric, float(limit), max(0.0, used)


class Capacity:
    """How many VMs zones hold, by machine type; ``*`` stands for all types together."""

    def __init__(self, dials: Callable[[], Dials]) -> None:
        self._dials = dials
        self._there: Counter[tuple[str, str]] = Counter()

    def full(self, zone: str, kind: str) -> bool:
        """Whether the zone has no room for one more of that type."""
        limits = self._dials().capacity.get(zone, {})
        return any(key in limits and self._there[zone, key] >= limits[key] for key in (kind, "*"))

    def take(self, zone: str, kind: str) -> None:
        """One more stands there."""
        for key in (kind, "*"):
            self._there[zone, key] += 1

    def give(self, zone: str, kind: str) -> None:
        """One less stands there."""
        for key in (kind, "*"):
            self._there[zone, key] -= 1
