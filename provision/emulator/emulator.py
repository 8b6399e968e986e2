"""One emulator as its server and its control paths see it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.routing import Route

from provision.emulator.access import Access
from provision.emulator.exchange import Exchange
from provision.emulator.gce.cloud import Cloud
from provision.emulator.record import Record


@dataclass
class Emulator:
    """The cloud, the way into it, and what was asked of it."""

    cloud: Cloud
    exchange: Exchange[Any, Any]
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
