"""What kinds share that every zone offers: one list for all zones, from the catalogue."""

from collections.abc import Callable, Sequence

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, Scopes
from provision.emulator.gce.world import Json

Render = Callable[[str, str], Json]
"""The JSON of a name in a zone (or region)."""


def of_scope(call: Call, field: str, kind: str, names: Sequence[str], render: Render) -> Rows:
    """The offers of the call's scope; ``field`` is their name in URLs."""
    scope = call.scope
    place = scope.partition("/")[2]
    path = f"projects/{call.path['project']}/{scope}/{field}"
    return Rows(f"compute#{kind}List", sorted(names), lambda name: render(place, name), path)


def everywhere(call: Call, field: str, kind: str, names: Sequence[str], render: Render) -> Scopes:
    """The offers of all zones."""
    keys = sorted(names)

    def of(zone: str) -> Rows:
        return Rows("", keys, lambda name: render(zone, name), "")

    groups = {f"zones/{zone}": of(zone) for zone in call.cloud.catalogue.zones}
    path = f"projects/{call.path['project']}/aggregated/{field}"
    return Scopes(f"compute#{kind}AggregatedList", field, groups, path)


def one(call: Call, field: str, name: str, known: bool, render: Render) -> Json:
    """One offer. Raises ApiError 404 where it is not known."""
    scope = call.scope
    if not known:
        raise errors.not_found(f"projects/{call.path['project']}/{scope}/{field}/{name}")
    return render(scope.partition("/")[2], name)
