"""Quota: what a project may have, what it has, and what a VM counts for.

Metrics and families: clouds.md 1.6 and the discovery document's ``Quota.metric``. Limits are the
catalogue's unless a dial says otherwise.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from provision.emulator.dials import Dials
from provision.emulator.gce.catalogue import Catalogue
from provision.emulator.gce.world import GLOBAL, Json, Project

Charges = Mapping[tuple[str, str], float]
"""Amounts by place (a region, or ``global``) and metric."""

HIDDEN = frozenset({"CPUS_PER_VM_FAMILY", "INSTANCES_PER_NETWORK_GLOBAL"})
"""Metrics that ``regions.get`` and ``projects.get`` do not list; a name may carry ``:dimension``."""


@dataclass(frozen=True, slots=True)
class Exceeded(Exception):
    """One charge does not fit; ``place`` is a region or ``global``."""

    metric: str
    limit: float
    place: str

    @property
    def where(self) -> str:
        """As Google's sentence ends."""
        return "globally" if self.place == GLOBAL else f"in region {self.place}"


class Quota:
    """Limits by place and metric, over usage that stands in each project."""

    def __init__(self, catalogue: Catalogue, dials: Callable[[], Dials]) -> None:
        self._dials = dials
        self._defaults: Mapping[str, Mapping[str, float]] = catalogue.data["quotas"]

    def limit(self, place: str, metric: str) -> float | None:
        """The limit, None where there is none."""
        plain = metric.partition(":")[0]
        kind = GLOBAL if place == GLOBAL else "regions"
        for table in (self._dials().quota, self._defaults):
            for name in dict.fromkeys((place, kind)):
                for key in (metric, plain):
                    if key in table.get(name, {}):
                        return table[name][key]
        return None

    def charge(self, project: Project, charges: Charges) -> None:
        """Count all of them, or none. Raises :class:`Exceeded` for the first that does not fit."""
        usage = project.usage
        for (place, metric), amount in charges.items():
            limit = self.limit(place, metric)
            if limit is not None and usage.get((place, metric), 0) + amount > limit:
                raise Exceeded(metric.partition(":")[0], limit, place)
        for key, amount in charges.items():
            usage[key] = usage.get(key, 0) + amount

    def release(self, project: Project, charges: Charges) -> None:
        """Give back what was charged."""
        for key, amount in charges.items():
            project.usage[key] = project.usage.get(key, 0) - amount

    def room(self, project: Project, charges: Charges) -> int:
        """How many times these charges still fit; a large number where nothing limits them."""
        rooms = [10**9]
        for (place, metric), amount in charges.items():
            limit = self.limit(place, metric)
            if limit is not None and amount > 0:
                rooms.append(int((limit - project.usage.get((place, metric), 0)) // amount))
        return max(0, min(rooms))

    def shown(self, project: Project, place: str) -> list[Json]:
        """``quotas`` of ``regions.get`` or ``projects.get``."""
        return [
            {
                "metric": metric,
                "limit": limit,
                "usage": max(0.0, project.usage.get((place, metric), 0.0)),
            }
            for metric, limit in self._listed(place)
        ]

    def _listed(self, place: str) -> Iterator[tuple[str, float]]:
        kind = GLOBAL if place == GLOBAL else "regions"
        names = dict.fromkeys(self._defaults[kind])
        for table in (kind, place):
            names.update(dict.fromkeys(self._dials().quota.get(table, {})))
        for metric in sorted(names):
            limit = self.limit(place, metric)
            if limit is not None and metric.partition(":")[0] not in HIDDEN:
                yield metric, float(limit)
