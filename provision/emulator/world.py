"""An emulated cloud's state: accounts, and what stands in them by kind, scope and name. One thread only.

What an API calls an account (a project, a subscription) and a scope (a zone, a resource group) is its own.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from provision.emulator.agenda import Agenda

Json = dict[str, Any]


class Resource(Protocol):
    """What stands in a table: it knows its name and how the API's JSON shows it."""

    name: str

    def json(self) -> Json:
        """The resource as it is answered."""


@dataclass(slots=True)
class Document:
    """A resource that is nothing but its JSON."""

    name: str
    data: Json

    def json(self) -> Json:
        """The JSON itself; not to be changed by who asks."""
        return self.data


class Table:
    """All resources of one kind in one account, by scope and name."""

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
class Account:
    """One account: its tables and what it uses of its quotas."""

    name: str
    created: float
    tables: dict[str, Table] = field(default_factory=dict)
    usage: dict[tuple[str, str], float] = field(default_factory=dict)
    """Used, by place (a region's name or ``global``) and metric."""
    born: frozenset[int] = frozenset()
    """Identities of the resources it came with."""

    def table(self, kind: str) -> Table:
        """The table of that kind, by the kind's name in URLs."""
        found = self.tables.get(kind)
        if found is None:
            found = self.tables[kind] = Table()
        return found


A = TypeVar("A", bound=Account)


class World(Generic[A]):
    """Everything there is; ``opened`` makes an account of that name, the n-th."""

    def __init__(self, agenda: Agenda, seed: int, opened: Callable[[str, int], A]) -> None:
        self.agenda, self.seed = agenda, seed
        self.accounts: dict[str, A] = {}
        self.born: list[Callable[[A], None]] = []
        """Called with each new account: default network and the like."""
        self._opened = opened
        self._ids = itertools.count(1)

    def account(self, name: str) -> A:
        """The account of that name, made when it is first asked for."""
        found = self.accounts.get(name)
        if found is None:
            found = self.accounts[name] = self._opened(name, len(self.accounts))
            for greet in self.born:
                greet(found)
            found.born = frozenset(id(each) for table in found.tables.values() for each in table)
        return found

    def fresh_number(self) -> int:
        """A number nobody else has."""
        return next(self._ids)

    def chance(self, *about: object) -> random.Random:
        """A source of chance for one thing: the same for the same seed, whatever else happens."""
        return chance(self.seed, *about)


def chance(seed: int, *about: object) -> random.Random:
    """The source of chance for one thing in the world of that seed."""
    return random.Random(":".join(map(str, (seed, *about))))  # noqa: S311  # chance that a seed repeats
