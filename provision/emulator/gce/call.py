"""One request as the methods see it, and what they may answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provision.emulator.gce import errors
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.urls import Method
from provision.emulator.gce.world import GLOBAL, Json, Project, Table


@dataclass(slots=True)
class Call:
    """A request that passed Google's schema. ``path`` and ``query`` are parameters by name."""

    cloud: Cloud
    method: Method
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Json
    user: str = ""

    @property
    def project(self) -> Project:
        """The project of the URL."""
        return self.cloud.world.project(self.path["project"])

    @property
    def scope(self) -> str:
        """``global``, ``regions/R`` or ``zones/Z`` of the URL."""
        return self.place()

    def place(self) -> str:
        """The scope. Raises ApiError 400 for a zone or region that there is not."""
        for kind in ("zone", "region"):
            name = self.path.get(kind)
            if name is not None:
                known = (
                    self.cloud.catalogue.zones if kind == "zone" else self.cloud.catalogue.regions
                )
                if name not in known:
                    raise errors.invalid(kind, name, f"Unknown {kind}.")
                return f"{kind}s/{name}"
        return GLOBAL

    def own_path(self, name: str, kind: str = "") -> str:
        """``projects/P/SCOPE/KIND/NAME`` of a resource beside this call's own kind."""
        kind = kind or collection(self.method.resource)
        return f"projects/{self.path['project']}/{self.scope}/{kind}/{name}"

    def table(self, kind: str = "") -> Table:
        """The project's table of that kind (this call's own kind where none is given)."""
        return self.project.table(kind or collection(self.method.resource))

    def found(self, parameter: str, kind: str = "") -> Any:
        """The resource that a path parameter names. Raises ApiError 404."""
        name = self.path[parameter]
        resource = self.table(kind).get(self.scope, name)
        if resource is None:
            raise errors.not_found(self.own_path(name, kind))
        return resource

    def new_name(self, kind: str = "") -> str:
        """The body's ``name``, given, well formed and not taken. Raises ApiError."""
        name = self.body.get("name")
        if not name:
            raise errors.required("resource.name")
        check_name(name)
        if self.table(kind).get(self.scope, name) is not None:
            raise errors.already_exists(self.own_path(name, kind))
        return str(name)


NAME = "(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)"
"""RFC 1035, as Compute states it in its errors."""
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_TAIL = _LETTERS | frozenset("0123456789-")


def check_name(name: str, field: str = "resource.name") -> None:
    """Refuse what RFC 1035 refuses."""
    good = (
        0 < len(name) <= 63
        and name[0] in _LETTERS
        and set(name) <= _TAIL
        and not name.endswith("-")
    )
    if not good:
        raise errors.invalid(field, name, f"Must be a match of regex '{NAME}'")


_COLLECTIONS = {
    "regionInstanceGroupManagers": "instanceGroupManagers",
    "regionInstanceGroups": "instanceGroups",
    "regionInstanceTemplates": "instanceTemplates",
    "regionInstances": "instances",
    "regionDisks": "disks",
    "regionDiskTypes": "diskTypes",
    "globalAddresses": "addresses",
    "zoneOperations": "operations",
    "regionOperations": "operations",
    "globalOperations": "operations",
}


def collection(resource: str) -> str:
    """The kind in URLs for a resource of the discovery document: both scopes share one."""
    return _COLLECTIONS.get(resource, resource)


@dataclass(slots=True)
class Rows:
    """A list to be filtered, ordered, paged and cut by the frame.

    ``kind`` is the answer's (``compute#instanceList``); ``keys`` are sorted; ``render`` gives the JSON
    of one, so that only what a page holds is ever rendered. ``holds`` names the field with the items.
    """

    kind: str
    keys: Sequence[str]
    render: Callable[[str], Json]
    path: str
    holds: str = "items"
    paged: bool = True
    extra: Json = field(default_factory=dict)


@dataclass(slots=True)
class Scopes:
    """An aggregated list: ``groups`` maps each scope to its rows under ``name`` (``instances``)."""

    kind: str
    name: str
    groups: Mapping[str, Rows]
    path: str


def rows(call: Call, kind: str, listed: str) -> Rows:
    """The list of one scope of a table; ``listed`` is the answer's kind."""
    scope = call.scope
    table = call.table(kind)
    return Rows(
        kind=listed,
        keys=table.names(scope),
        render=lambda name: table.rows(scope)[name].json(),
        path=f"projects/{call.path['project']}/{scope}/{kind}",
    )


def every_scope(
    call: Call, kind: str, listed: str, places: Iterator[str] | Sequence[str]
) -> Scopes:
    """The aggregated list of a table over ``places``."""
    table = call.table(kind)

    def of(scope: str) -> Rows:
        return Rows("", table.names(scope), lambda name: table.rows(scope)[name].json(), "")

    path = f"projects/{call.path['project']}/aggregated/{kind}"
    return Scopes(listed, kind, {scope: of(scope) for scope in places}, path)
