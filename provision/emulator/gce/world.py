"""GCE's projects, ids and links.

A resource is found by project, kind, scope and name, as in its URL:
``projects/P/zones/Z/instances/N`` has kind ``instances``, scope ``zones/Z`` and name ``N``.
"""

import binascii
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from provision.emulator import world
from provision.emulator.agenda import Agenda
from provision.emulator.world import Account
from provision.emulator.world import Document as Document
from provision.emulator.world import Json as Json
from provision.emulator.world import Table as Table

GLOBAL = "global"


@dataclass(slots=True)
class Project(Account):
    """One project."""

    number: str = ""
    metadata: list[Json] = field(default_factory=list)
    """Items of ``commonInstanceMetadata``."""


class World(world.World[Project]):
    """Projects, ids and links. ``base`` is the URL that all links begin with and ends with ``/``."""

    def __init__(self, base: str, agenda: Agenda, seed: int = 0) -> None:
        super().__init__(agenda, seed, self._project)
        self.base = base

    def _project(self, name: str, others: int) -> Project:
        return Project(name, self.agenda.now(), number=str(10**11 + others))

    def project(self, name: str) -> Project:
        """The project of that name, made when it is first asked for."""
        return self.account(name)

    def fresh_id(self) -> str:
        """An id like Google's: 64 bits without sign, as decimal text, rising."""
        return str((int(self.agenda.now()) << 31) | next(self._ids))

    def link(self, project: str, *path: str) -> str:
        """The URL of something in a project: ``link(p, "zones/z", "instances", "n")``."""
        return f"{self.base}projects/{project}/{'/'.join(path)}"

    def stamp(self, when: float | None = None) -> str:
        """RFC 3339 with milliseconds and a zone, as Compute writes it; the present where not given."""
        seconds, milliseconds = divmod(
            int((self.agenda.now() if when is None else when) * 1000), 1000
        )
        return f"{_second(seconds)}.{milliseconds:03d}+00:00"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    """Of a page of VMs most came within the same few seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def fingerprint(*content: object) -> str:
    """Eight bytes in URL-safe base64 that change with the content, as Google's fingerprints do."""
    digest = hashlib.blake2b(repr(content).encode(), digest_size=8).digest()
    return binascii.b2a_base64(digest, newline=False).decode()


def relative(link: str) -> str:
    """A link without host and version: ``projects/P/...`` or whatever part was given."""
    _, found, rest = link.partition("/projects/")
    if found:
        return f"projects/{rest}"
    return link.strip("/")


def last(link: str) -> str:
    """The last segment of a link: the resource's name."""
    return link.rstrip("/").rpartition("/")[2]
