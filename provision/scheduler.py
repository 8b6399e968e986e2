"""The contract for a scheduler: what its machines boot with, who has joined, and a proof that it works."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from provision.errors import Finding
from provision.keys import Keys
from provision.plan import Plan


@dataclass(frozen=True, slots=True)
class Completed:
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str


class Shell(Protocol):
    """A way to run commands on one machine as a user who may use sudo."""

    def run(self, command: str, timeout: float, stdin: str = "") -> Completed:
        """Run it by the machine's shell; ``timeout`` in seconds.

        Raises:
            UnreachableError: the machine does not answer, or not in time.
        """


@dataclass(frozen=True, slots=True)
class Template:
    """A file below ``cloud-init/`` and the variables it is rendered with."""

    path: str
    variables: Mapping[str, Any]


class MemberState(StrEnum):
    """What the scheduler can do with a node now."""

    READY = "ready"
    """It takes or runs jobs."""
    DRAINED = "drained"
    """Someone took it out of service on purpose (draining included)."""
    DOWN = "down"
    """The scheduler knows it and cannot use it."""


@dataclass(frozen=True, slots=True)
class Member:
    """A node as the scheduler sees it; ``detail`` is the scheduler's own word for its state.

    ``reason`` says why it is out of service now; '' where it is in service.
    """

    name: str
    state: MemberState
    detail: str
    busy: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """A job that ran on ``nodes`` distinct nodes in ``seconds``; ``command`` is what was run.

    ``at`` is when it ended, in seconds since the epoch; None where that was not kept.
    """

    nodes: int
    seconds: float
    command: str
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Jobs:
    """How many jobs hold nodes now, and how many wait for some (an array that waits is one)."""

    running: int = 0
    waiting: int = 0

    @property
    def any(self) -> bool:
        """Whether somebody's work would be lost with the cluster."""
        return bool(self.running or self.waiting)


@dataclass(frozen=True, slots=True)
class Trial:
    """A command of the machine image's that checks files (path to text) before any machine is made.

    ``host`` is the name of the machine that it is to take itself for.
    """

    files: Mapping[str, str] = field(repr=False)
    command: str
    host: str


class Scheduler(Protocol):
    """One scheduler. Calls on a controller raise ``SchedulerFailure`` where it refuses."""

    name: str
    rejoin: str
    """What its user runs on a worker to have the agent register anew; nothing where none runs yet."""

    def templates(self, plan: Plan, keys: Keys) -> Mapping[str, Template]:
        """What each group boots with, by group name; the controller's group is ``controller``."""

    def faults(self, plan: Plan) -> list[Finding]:
        """What of the spec's own settings for it cannot be; asks nobody."""

    def trial(self, plan: Plan, files: Mapping[str, str]) -> Trial | None:
        """How its own program checks them in the controller's ``files``; None where there are none."""

    def judged(self, plan: Plan, trial: Trial, answer: Completed) -> list[Finding]:
        """What that program said was wrong."""

    def members(self, controller: Shell) -> list[Member]:
        """All nodes the scheduler knows, in one call for any number, by name."""

    def agent_starts(self, controller: Shell) -> Mapping[str, float]:
        """When each node's agent started, in seconds since the epoch, in one call."""

    def jobs(self, controller: Shell) -> Jobs:
        """How many jobs there are of all users, in one call."""

    def reports(self, controller: Shell) -> Mapping[str, str]:
        """What nodes said of a user's own part of their boot, in one call: ``ok``, or what failed."""

    def prove(self, controller: Shell, nodes: Sequence[str], timeout: float) -> Proof:
        """Run one job that must run on exactly these nodes, once on each."""

    def drain(self, controller: Shell, nodes: Sequence[str], reason: str) -> None:
        """Give these nodes no new jobs; running jobs go on."""

    def resume(self, controller: Shell, nodes: Sequence[str]) -> None:
        """Put these nodes back into service."""

    def forget(self, controller: Shell, nodes: Sequence[str]) -> None:
        """Drop the records of nodes whose machines are gone; unknown ones are no error."""
