"""What else can be dialled in of GCE; and only what names something of Google's can be turned.

A pattern that matches no method and a limit that nothing counts in would be turned and do nothing.
"""

import fnmatch
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from provision.emulator import dials as shared
from provision.emulator.dials import Dial, DialError, Duration, duration, merged
from provision.emulator.gce import urls
from provision.emulator.gce.catalogue import Catalogue, catalogue
from provision.suggest import did_you_mean

GOOGLE = "google"


def _operation(value: str | float) -> str | float:
    return value if value == GOOGLE else duration(value)


Operation = Annotated[str | float, AfterValidator(_operation)]


class Rates(Dial):
    """Requests per minute and project, and per region where regional; None is no limit.

    Google's documented defaults (https://cloud.google.com/compute/api-quota).
    """

    queries: Annotated[int, Field(ge=0)] | None = 1500
    reads: Annotated[int, Field(ge=0)] | None = 1500
    lists: Annotated[int, Field(ge=0)] | None = 1500
    operation_reads: Annotated[int, Field(ge=0)] | None = 1500
    waits: Annotated[int, Field(ge=0)] | None = 1500
    global_queries: Annotated[int, Field(ge=0)] | None = 1500
    global_reads: Annotated[int, Field(ge=0)] | None = 1500


class Dials(shared.Dials):
    """Everything, with the values an emulator of GCE starts with."""

    operation: Operation = GOOGLE
    """From an operation's acceptance to DONE, of every kind; ``google`` is as long as Google's take."""
    rates: Rates = Rates()
    max_duration_floor: Duration = 30.0
    """Least ``maxRunDuration`` that is accepted; Google's is 30 s."""


def turned(dials: Dials, change: Mapping[str, Any]) -> Dials:
    """The dials with a change; raises DialError where it is none that can do anything."""
    new, offered = merged(dials, change), catalogue()
    wrong = [*_methods(new), *_capacity(new, offered), *_quota(new, offered)]
    if wrong:
        raise DialError("; ".join(wrong))
    return new


def _methods(dials: Dials) -> Iterator[str]:
    patterns = [(f"faults.{turn}.method", fault.method) for turn, fault in enumerate(dials.faults)]
    patterns += [(f"denied.{turn}", pattern) for turn, pattern in enumerate(dials.denied)]
    patterns += [
        (f"operations.{kind}.{verb}", f"{kind}.{verb}")
        for kind, verbs in dials.operations.items()
        for verb in verbs
    ]
    if not patterns:
        return
    known = [name.removeprefix("compute.") for name in urls.load().methods]
    for place, pattern in patterns:
        plain = pattern.removeprefix("compute.")
        # A pattern may also match the whole id, as '*.insert' and 'compute.*' do.
        names = (f"{prefix}{name}" for name in known for prefix in ("", "compute."))
        if not any(fnmatch.fnmatchcase(name, pattern) for name in names):
            yield f"{place}: no method is called {pattern}{_meant(plain, known)}"


def _capacity(dials: Dials, offered: Catalogue) -> Iterator[str]:
    for zone, types in dials.capacity.items():
        if zone not in offered.zones:
            yield f"capacity.{zone}: there is no such zone{_meant(zone, offered.zones)}"
        for name in types:
            if name != "*" and "custom" not in name and name not in offered.machine_types:
                meant = _meant(name, offered.machine_types)
                yield f"capacity.{zone}.{name}: there is no such machine type{meant}"


def _quota(dials: Dials, offered: Catalogue) -> Iterator[str]:
    limits = offered.data["quotas"]
    for place, metrics in dials.quota.items():
        if place not in limits and place not in offered.regions:
            meant = _meant(place, [*limits, *offered.regions])
            yield f"quota.{place}: there is no such region{meant}"
            continue
        known = limits[place if place == "global" else "regions"]
        for metric in metrics:
            if metric not in known and metric.partition(":")[0] not in known:
                yield f"quota.{place}.{metric}: nothing counts in it{_meant(metric, known)}"


def _meant(word: str, known: Collection[str]) -> str:
    near = did_you_mean(word, known)
    return f"; {near}" if near else ""
