"""The seam to a container engine: what this runtime asks of one, and the values it answers with.

The one implementation is ``api.py`` (the ``docker`` SDK, for Docker and Podman alike); tests have
another. All calls raise :class:`~provision.errors.RuntimeFailure` or one of its kinds below, never
an exception of the SDK.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from provision.errors import RuntimeFailure


class Gone(RuntimeFailure):
    """The engine knows no such container, network or image (HTTP 404)."""


class Conflict(RuntimeFailure):
    """The name is taken, or the thing is in a state that does not allow the call (HTTP 409)."""


class NoEngine(RuntimeFailure):
    """No container engine answers on this host."""


class NotInstalled(NoEngine):
    """There is no trace of a container engine on this host, so there can be no container either."""


@dataclass(frozen=True, slots=True)
class Description:
    """What the engine says of itself; ``storage`` is the folder where it keeps images."""

    name: str
    version: str
    storage: str
    podman: bool
    rootless: bool


@dataclass(frozen=True, slots=True)
class Container:
    """A container as the engine's list shows it. ``created`` is whole seconds since the epoch.

    ``state`` and ``status`` are the engine's words: ``exited`` and ``Exited (137) 2 seconds ago``.
    """

    ident: str
    name: str
    labels: Mapping[str, str]
    address: str
    state: str
    status: str
    created: int


@dataclass(frozen=True, slots=True)
class EngineNetwork:
    """A network as the engine's list shows it; ``subnets`` are CIDR texts."""

    name: str
    labels: Mapping[str, str]
    subnets: tuple[str, ...]


class Images(Protocol):
    """The images that an engine has."""

    def has(self, tag: str) -> bool:
        """Whether the image is here."""

    def pull(self, image: str, timeout: float) -> None:
        """Pull an image from its registry; fails when the registry is silent for ``timeout`` s."""

    def load(self, archive: Path, tag: str, labels: Mapping[str, str]) -> None:
        """Make an image of a root file system in a tar archive."""

    def build(
        self, folder: Path, tag: str, args: Mapping[str, str], labels: Mapping[str, str]
    ) -> Iterator[str]:
        """Build a folder's ``Containerfile`` on the host's network, giving its output by lines."""


class Engine(Protocol):
    """A Docker-compatible engine that answers. Safe to use from several threads at once."""

    @property
    def images(self) -> Images:
        """The images it has."""

    def describe(self) -> Description:
        """Name, version and storage of the engine; asked once and remembered."""

    def containers(self, labels: Mapping[str, str] | None = None) -> list[Container]:
        """All containers in any state that carry the labels, in one call, by name."""

    def create(self, name: str, config: Mapping[str, Any]) -> str:
        """Create a container from the API's own ``ContainerConfig``; answers its id."""

    def put(self, ident: str, folder: str, archive: bytes) -> None:
        """Unpack a tar archive below a folder of a container, which need not run."""

    def start(self, ident: str) -> None:
        """Start a created container."""

    def wait(self, ident: str, timeout: float) -> int:
        """Exit code of a container, waiting ``timeout`` seconds for its end at most."""

    def remove(self, ident: str) -> None:
        """Kill and remove a container with its volumes. None of that name is no error."""

    def export(self, ident: str) -> Iterator[bytes]:
        """A container's files as a tar archive, in chunks; it need not run."""

    def logs(self, ident: str, tail: int) -> str:
        """The last ``tail`` lines of what a container wrote; raises :class:`Gone`."""

    def networks(self) -> list[EngineNetwork]:
        """All networks, in one call."""

    def create_network(self, name: str, subnet: str, labels: Mapping[str, str]) -> None:
        """Create a bridge network; its first address is the gateway. Raises :class:`Conflict`."""

    def remove_network(self, name: str) -> None:
        """Remove a network. None of that name is no error."""

    def close(self) -> None:
        """Let go of the engine, and end it where this process had started it."""
