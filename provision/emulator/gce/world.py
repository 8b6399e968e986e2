"""The emulated cloud's state: projects, their resources, ids and links. One thread only.

A resource is found by project, kind, scope and name, as in its URL:
``projects/P/zones/Z/instances/N`` has kind ``instances``, scope ``zones/Z`` and name ``N``.
"""

import base64
import hashlib
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from provision.emulator.agenda import Agenda

GLOBAL = "global"
Json = dict[str, Any]


class Resource(Protocol):
    """What stands in a table: it knows its name and how Google's JSON shows it."""

    name: str

    def json(self) -> Json:
        """The resource as ``get`` answers it."""


@dataclass(slots=True)
class Document:
    """A resource that is nothing but its JSON."""

    name: str
    data: Json

    def json(self) -> Json:
        """The JSON itself; not to be changed by who asks."""
        return self.data


class Table:
    """All resources of one kind in one project, by scope and name."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Any]] = {}
        self._sorted: dict[str, list[str]] = {}

    def get(self, scope: str, name: str) -> Any:
        """The resource, or None."""
        return self._rows.get(scope, {}).get(name)

    def put(self, scope: str, resource: Resource) -> None:
        """Add it, or take the place of the one of its name."""
        rows = self._rows.setdefault(scope, {})
        if resource.name not in rows:
            self._sorted.pop(scope, None)
        rows[resource.name] = resource

    def pop(self, scope: str, name: str) -> Any:
        """Remove and answer it, None where it is not there."""
        gone = self._rows.get(scope, {}).pop(name, None)
        if gone is not None:
            self._sorted.pop(scope, None)
        return gone

    def names(self, scope: str) -> list[str]:
        """Names in a scope, sorted; not to be changed by who asks."""
        if scope not in self._sorted:
            self._sorted[scope] = sorted(self._rows.get(scope, ()))
        return self._sorted[scope]

    def rows(self, scope: str) -> dict[str, Any]:
        """Resources of a scope by name; not to be changed by who asks."""
        return self._rows.get(scope, {})

    def scopes(self) -> list[str]:
        """Scopes in which something stands, sorted."""
        return sorted(scope for scope, rows in self._rows.items() if rows)

    def __iter__(self) -> Iterator[Any]:
        for rows in self._rows.values():
            yield from list(rows.values())

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._rows.values())


@dataclass(slots=True)
class Project:
    """One project: its tables and what it uses of its quotas."""

    name: str
    number: str
    created: float
    tables: dict[str, Table] = field(default_factory=dict)
    usage: dict[tuple[str, str], float] = field(default_factory=dict)
    """Used, by place (a region's name or ``global``) and metric; see ``models/quota.py``."""
    metadata: list[Json] = field(default_factory=list)
    """Items of ``commonInstanceMetadata``."""
    born: frozenset[int] = frozenset()
    """Identities of the resources it came with."""

    def table(self, kind: str) -> Table:
        """The table of that kind, by the kind's name in URLs."""
        found = self.tables.get(kind)
        if found is None:
            found = self.tables[kind] = Table()
        return found


class World:
    """Everything there is. ``base`` is the URL that all links begin with and ends with ``/``."""

    def __init__(self, base: str, agenda: Agenda, seed: int = 0) -> None:
        self.base = base
        self.agenda = agenda
        self.seed = seed
        self.projects: dict[str, Project] = {}
        self.born: list[Callable[[Project], None]] = []
        """Called with each new project: default network and the like."""
        self._ids = itertools.count(1)

    def project(self, name: str) -> Project:
        """The project of that name, made when it is first asked for."""
        found = self.projects.get(name)
        if found is None:
            found = Project(name, str(10**11 + len(self.projects)), self.agenda.now())
            self.projects[name] = found
            for greet in self.born:
                greet(found)
            found.born = frozenset(id(each) for table in found.tables.values() for each in table)
        return found

    def fresh_id(self) -> str:
        """An id like Google's: 64 bits without sign, as decimal text, rising."""
        return str((int(self.agenda.now()) << 31) | next(self._ids))

    def fresh_number(self) -> int:
        """A number nobody else has."""
        return next(self._ids)

    def link(self, project: str, *path: str) -> str:
        """The URL of something in a project: ``link(p, "zones/z", "instances", "n")``."""
        return f"{self.base}projects/{project}/{'/'.join(path)}"

    def stamp(self, when: float | None = None) -> str:
        """RFC 3339 with milliseconds and a zone, as Compute writes it; the present where not given."""
        moment = datetime.fromtimestamp(self.agenda.now() if when is None else when, UTC)
        return moment.isoformat(timespec="milliseconds")

    def chance(self, *about: object) -> random.Random:
        """A source of chance for one thing: the same for the same seed, whatever else happens."""
        return chance(self.seed, *about)


def chance(seed: int, *about: object) -> random.Random:
    """The source of chance for one thing in the world of that seed."""
    return random.Random(":".join(map(str, (seed, *about))))  # noqa: S311  # chance that a seed repeats


def fingerprint(*content: object) -> str:
    """Eight bytes in URL-safe base64 that change with the content, as Google's fingerprints do."""
    digest = hashlib.blake2b(repr(content).encode(), digest_size=8).digest()
    return base64.b64encode(digest).decode()


def relative(link: str) -> str:
    """A link without host and version: ``projects/P/...`` or whatever part was given."""
    _, found, rest = link.partition("/projects/")
    if found:
        return f"projects/{rest}"
    return link.strip("/")


def last(link: str) -> str:
    """The last segment of a link: the resource's name."""
    return link.rstrip("/").rpartition("/")[2]
