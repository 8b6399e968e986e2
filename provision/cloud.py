"""The contract for a cloud: what it can still give, create, list, replace, destroy."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from provision.errors import Finding
from provision.events import Emit
from provision.failures import Cause
from provision.leftovers import Leftover
from provision.plan import Plan, PlannedMachine
from provision.spec.clouds import Cloud as CloudSpec


class Phase(StrEnum):
    """The last thing the cloud knows of a machine; whether it joined, only the scheduler knows."""

    REQUESTED = "requested"
    STARTED = "started"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Machine:
    """What the cloud has. Times are seconds since the epoch; ``error`` is the cloud's own word.

    ``ident`` tells it from another one of the same name, before or after it; ``external`` is the
    address by which it is reached from outside of its network. Each may be ''.
    """

    name: str
    cluster: str
    role: str
    group: str
    address: str
    phase: Phase
    generation: int
    requested: float
    started: float | None
    labels: Mapping[str, str] = field(repr=False)
    error: str = ""
    ident: str = ""
    zone: str = ""
    external: str = ""


@dataclass(frozen=True, slots=True)
class GroupState:
    """An instance group as its cloud counts it: ``created`` of ``target`` machines exist.

    ``group`` is the plan's group, ``counts`` are the cloud's own words for those under way.
    ``failures`` counts by cause what it lately failed to make, the cause of the latest failure first,
    and ``words`` is that one in the cloud's words; '' where there is none.
    """

    name: str
    group: str
    target: int
    created: int
    counts: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[Cause, int] = field(default_factory=dict)
    words: str = ""

    @property
    def hopeless(self) -> bool:
        """Whether waiting alone does not mend its latest failure."""
        return any(cause.hopeless for cause in list(self.failures)[:1])


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that bringing a plan up would do: ``operation`` is create, update, replace or delete."""

    operation: str
    kind: str
    name: str
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where SSH reaches a cluster's controller from here."""

    address: str
    port: int = 22


@dataclass(frozen=True, slots=True)
class Launch:
    """A plan made ready to create: the user-data of each group, and what marks every resource.

    ``user_data`` maps a group's name (the controller's is ``controller``) to the text its machines
    boot with; ``marks`` are labels that all resources of this run carry.
    """

    plan: Plan
    user_data: Mapping[str, str] = field(repr=False)
    marks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Limit:
    """One metric of what may still be created: ``need`` of it is wanted, in the metric's own unit.

    ``limit`` and ``used`` are None where the cloud does not tell them, and so is ``largest``: with how
    many nodes in all the cluster would fit, the last group alone shrunk or grown (``ENDLESS``: any).
    """

    metric: str
    where: str
    need: float
    limit: float | None = None
    used: float | None = None
    largest: int | None = None
    fix: str = ""

    @property
    def left(self) -> float | None:
        """What may still be used."""
        if self.limit is None or self.used is None:
            return None
        return max(0.0, self.limit - self.used)

    @property
    def short(self) -> bool:
        """Whether more is wanted than is left; what is unknown is not short."""
        return self.left is not None and self.need > self.left


@dataclass(frozen=True, slots=True)
class Cost:
    """What a cluster costs while it is up: ``hourly`` US dollars, None where no price is known.

    ``machines`` counts them by type; ``text`` says the cost, from where and when its prices are, or
    why it is not known.
    """

    machines: Mapping[str, int]
    hourly: float | None
    text: str


class Cloud(Protocol):
    """One cloud. Calls raise ``CloudFailure`` or ``RuntimeFailure`` where it refuses."""

    kind: str
    user_data_limit: int
    """Most bytes of user-data a machine may get."""
    quiet: float
    """Seconds in which nothing moves until machines are listed while waiting; 0 where that is cheap."""
    declarative: bool
    """Whether applying a plan also mends what is not a machine, and what differs from it."""

    def resolved_spec(self) -> CloudSpec:
        """The ``cloud`` part of the spec with all that was left to the surroundings filled in.

        Raises:
            RefusedError: it cannot be known.
        """

    def check(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Finding]:
        """All that would make creating the missing machines fail, quota included; creates nothing."""

    def headroom(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Limit]:
        """What the account may still create, metric by metric; none where it counts no metrics.

        Raises:
            RefusedError: it cannot be known.
        """

    def cost(self, plan: Plan) -> Cost | None:
        """What the plan's machines cost while they are up; None where nobody pays. Asks nobody."""

    def bills(self) -> bool:
        """Whether somebody pays for what is created here."""

    def stateless(self) -> str:
        """Why no machine here ever boots, so that none can join: a clause; '' where they do."""

    def prepare(self, plan: Plan, missing: Sequence[PlannedMachine], emit: Emit) -> list[Finding]:
        """Make the machine image available; answers what shows only with the image at hand."""

    def rehearse(
        self, files: Mapping[str, str], command: str, host: str, timeout: float
    ) -> tuple[int, str] | None:
        """Run a command over these files in the machine image, on a machine called ``host``.

        Answers exit code and output; None where the image cannot be had without a machine.
        """

    def preview(self, launch: Launch) -> list[Change]:
        """What :meth:`apply` would do; does nothing."""

    def apply(self, launch: Launch, emit: Emit) -> Mapping[str, str]:
        """Create what is missing of the plan, idempotently.

        Answers the machines the cloud refused to start, with its reason; the others wait for nobody.
        """

    def endpoint(self, plan: Plan) -> Endpoint:
        """Where the controller's SSH answers.

        Raises:
            UnreachableError: there is no controller (yet).
        """

    def groups(self, plan: Plan) -> Sequence[GroupState]:
        """The instance groups, counted by the cloud in one small answer each; none where it has none."""

    def clusters(self, cluster: str = "") -> list[str]:
        """Names of the clusters that have anything here (only that one, where one is named)."""

    def claim(self, cluster: str, command: str) -> AbstractContextManager[None]:
        """Hold the name against other runs on this host, whatever folder they keep their state in.

        Raises:
            BusyError: one of them works on it.
        """

    def within(self, seconds: float) -> None:
        """Let nothing that is asked or waited for from now on go beyond so many seconds.

        What is asked afterwards, to say what there is, gets a few seconds more.
        """

    def interrupt(self) -> None:
        """End, from another thread, what :meth:`apply` waits for: it may not ``emit`` for long."""

    def machines(self, cluster: str = "") -> list[Machine]:
        """The machines that carry the cluster's name (all of ours, without one), from labels alone."""

    def replace(self, launch: Launch, names: Sequence[str], emit: Emit) -> Mapping[str, str]:
        """Remove these machines and request them anew under the same names; answers as ``apply``."""

    def revive(self, cluster: str, name: str) -> bool:
        """Start a machine that has stopped and kept its disk; False where none keeps one here."""

    def remove(self, cluster: str, names: Sequence[str], emit: Emit) -> None:
        """Remove these machines for good."""

    def console(self, machine: str) -> str:
        """What the machine wrote on its console: for the one that never joined."""

    def destroy(self, cluster: str, emit: Emit) -> list[str]:
        """Remove everything that carries the cluster's name; answers what was removed."""

    def census(self, cluster: str = "", *, everywhere: bool = False) -> list[list[Leftover]]:
        """Everything that carries our label, machines or not, in rows in the order they can go.

        What stands in one row needs nothing of the others in it. ``everywhere`` covers every region;
        else it is the region that is asked for, and whatever one list tells of the others.
        """

    def close(self) -> None:
        """Let go of connections."""
