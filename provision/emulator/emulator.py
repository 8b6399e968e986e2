"""One emulator as its server and its control paths see it, and how those of one API are made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from starlette.routing import Route

from provision.emulator.access import Access
from provision.emulator.cloud import Cloud
from provision.emulator.dials import Dials
from provision.emulator.exchange import Exchange
from provision.emulator.lives import Vm
from provision.emulator.machines import Machines
from provision.emulator.record import Record


@dataclass
class Emulator:
    """The cloud, the way into it, and what was asked of it."""

    name: str
    """The API that it emulates, as the command line calls it."""
    cloud: Cloud
    exchange: Exchange[Any, Any]
    vms: Callable[[], Iterable[Vm]]
    """Every VM there is."""
    url: str
    """Where its API begins, whatever its links say."""
    paths: Sequence[str]
    """Paths of requests that the exchange takes."""
    routes: Sequence[Route] = ()
    """What else the API has: sign-in, batches."""
    access: Access = field(default_factory=Access)
    machines: str = ""
    """What boots behind its VMs (``none`` is nothing), '' where nobody has said."""

    @property
    def record(self) -> Record:
        """Every request that came."""
        return self.exchange.record


class Make(Protocol):
    """Makes an emulator that answers at ``base``.

    ``accounts`` are those that exist; without any, every well-formed name does. ``links`` is what links in
    answers begin with, '' for what they begin with in the service itself.
    """

    def __call__(
        self,
        base: str,
        machines: Machines,
        dials: Any,
        accounts: Sequence[str] = (),
        *,
        links: str = "",
    ) -> Emulator:
        """Make it."""


@dataclass(frozen=True)
class Kind:
    """How emulators of one API are made and reached."""

    dials: Dials
    """What an emulator starts with."""
    turned: Callable[[Any, Mapping[str, Any]], Any]
    """Dials with a change. Raises DialError."""
    make: Make
    environment: Callable[[str, Sequence[str], str, Path], dict[str, str]]
    """What leads clients to it: by its base, its accounts, its token and a folder for keys."""
