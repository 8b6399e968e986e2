"""What a plan asks for against what a cloud offers where it is to stand, with the nearest that there is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from provision.errors import Finding
from provision.failures import ServiceFailure
from provision.suggest import meant, nearest

Offered = Mapping[tuple[str, str], Any]
"""By name of a type and zone: what the cloud shows of it, None where the zone has none."""
Known = Callable[[], set[str]]
"""All names that there are; may raise ServiceFailure."""


def lacking(
    noun: str, name: str, where: str, zones: Sequence[str], region: str, offered: Offered,
    known: Known, see: str,
) -> Iterator[Finding]:  # fmt: skip
    """What some zone or all of them lack; ``see`` says where all are listed.

    A zone whose answer is missing altogether could not be asked: that is told elsewhere.
    """
    asked = [zone for zone in zones if (name, zone) in offered]
    there = [zone for zone in asked if offered[name, zone] is not None]
    if not asked or there == asked:
        return
    if there:
        without = ", ".join(zone for zone in asked if zone not in there)
        yield Finding(
            where,
            f"the {noun} {name} is not in {without}",
            f"choose another, or the zones that have it: cloud.zones: [{', '.join(there)}]",
        )
        return
    fix = meant(nearest_offered(name, known), "{}") or f"see {see}"
    yield Finding(where, f"there is no {noun} {name} in {region}", fix)


def nearest_offered(name: str, known: Known) -> str:
    """The one that begins alike, or is spelled alike; '' for none, and where nobody can be asked."""
    try:
        names = sorted(known())
    except ServiceFailure:
        return ""
    longer = [each for each in names if each.startswith(name)]
    return min(longer, key=len) if longer else nearest(name, names)


def told_once(
    failures: Sequence[ServiceFailure], place_of: Callable[[ServiceFailure], str]
) -> Iterator[Finding]:
    """What could not be read, each reason once: one that meets everything is not told ten times."""
    told: set[tuple[type[ServiceFailure], str]] = set()
    for failure in failures:
        mark = (type(failure), failure.said.words)
        if mark not in told:
            told.add(mark)
            yield failure.finding(place_of(failure))
