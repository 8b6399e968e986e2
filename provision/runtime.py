"""The contract for something that boots user-data on this host.

A runtime knows nothing of clouds, plans or schedulers: it boots what it is given, finds it again by
labels, and removes it by labels, also what an earlier process left behind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from provision.errors import Finding
from provision.events import Emit


@dataclass(frozen=True, slots=True)
class Network:
    """A network on this host. ``subnet`` is CIDR text; its first address is the gateway (this host)."""

    name: str
    subnet: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Boot:
    """One machine to boot.

    ``name`` is unique on this host, and the machine's host name where no ``hostname`` is given.
    ``address`` is its IPv4 address in ``network``; with '' as network it stands on none.
    ``user_data`` reaches the machine by cloud-init's NoCloud seed together with ``instance_id``.
    ``publish`` maps a port of this host's loopback to a port of the machine. ``external`` is one more
    address by which this host shall reach it; a runtime that cannot do that leaves it out.
    """

    name: str
    user_data: str = field(repr=False)
    instance_id: str
    address: str
    network: str
    labels: Mapping[str, str]
    publish: Mapping[int, int] = field(default_factory=dict)
    hostname: str = ""
    external: str = ""

    @property
    def host(self) -> str:
        """What the machine calls itself."""
        return self.hostname or self.name


class State(StrEnum):
    """What the host knows of a machine."""

    CREATED = "created"
    RUNNING = "running"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Running:
    """A machine that is here, whoever started it.

    ``started`` is seconds since the epoch, None where it never ran; ``address`` may be empty for a
    machine that does not run.
    """

    name: str
    labels: Mapping[str, str]
    address: str
    state: State
    started: float | None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class HostCheck:
    """One thing this host needs, whether it has it, and how to mend it.

    ``finding`` is None where all is well. ``apply`` mends it where that is safe to do unasked with
    ``doctor --fix``; it raises :class:`~provision.errors.ProvisionError` where it cannot.
    """

    name: str
    detail: str
    finding: Finding | None = None
    apply: Callable[[], None] | None = None


class MachineRuntime(Protocol):
    """Boots user-data on this host. All calls raise ``RuntimeFailure`` where the host refuses."""

    def check(self, machines: int, publish: Sequence[int] = ()) -> list[HostCheck]:
        """What this host must offer to boot that many more machines; creates nothing that stays."""

    def prepare(self, emit: Emit) -> None:
        """Make the machine image available (built once, named by the hash of its inputs)."""

    def taken(self, subnet: str, adopt: str = "") -> str:
        """Who on this host already uses part of that subnet: a clause, or '' where it is free.

        A network named ``adopt`` of exactly that subnet counts for nobody.
        """

    def ensure_network(self, network: Network) -> None:
        """Create the network, or adopt the one of that name when its subnet is the same."""

    def start(self, machines: Sequence[Boot], emit: Emit) -> dict[str, str]:
        """Boot them, several at a time; the answer maps the name of each failed one to its reason.

        A machine of that name that runs already is left as it is; one that has stopped, or was
        created and never started, is removed and booted anew.
        """

    def running(self, labels: Mapping[str, str]) -> list[Running]:
        """All machines that carry the labels (an empty value asks only for the key), by name."""

    def console(self, name: str) -> str:
        """What the machine wrote on its console since it was started; '' where it is gone."""

    def stop(self, labels: Mapping[str, str], names: Sequence[str] | None = None) -> list[str]:
        """Kill and remove the machines that carry the labels (only ``names`` of them, when given).

        Without ``names`` the networks that carry the labels go too. Answers what was removed, and
        does not come back before it is gone.
        """

    def leftovers(self, labels: Mapping[str, str]) -> list[tuple[str, str, Mapping[str, str]]]:
        """Everything of ours that carries the labels: ``(kind, name, labels)``, networks included."""

    def close(self) -> None:
        """Let go of the engine, and end it where this process had started it."""
