"""The error tree. Every error carries fields and writes one sentence that ends with the next step.

    ProvisionError                exit 1   it failed
    ├── UsageError                exit 2   the command line is wrong
    ├── SpecError                 exit 2   the spec is wrong: all findings at once
    ├── RefusedError              exit 4   refused before creating anything: all findings at once
    ├── BusyError                 exit 4   another run holds this cluster
    ├── UnknownClusterError       exit 1   nothing carries the name
    ├── UnaskedError              exit 1   nothing found, and not every place could be asked
    ├── UnreadableError           exit 1   a file that we keep is there and cannot be read
    ├── UnknownNodeError          exit 1   the cluster has no such node
    ├── RuntimeFailure            exit 1   this host's machine runtime failed
    ├── CloudFailure              exit 1   a cloud call failed
    ├── EngineFailure             exit 1   Pulumi failed, or a resource that it was to change
    ├── UnreachableError          exit 1   a machine cannot be reached by SSH
    ├── SchedulerFailure          exit 1   the scheduler refused or failed
    │   └── SchedulerDown         exit 1   it does not run on a controller that has booted
    ├── NotReadyError             exit 1   below quorum at the deadline
    └── InterruptedRun            exit 130 the user stopped it
        └── DeclinedError         exit 130 the user was asked, and did not agree

Foreign errors (docker, paramiko, later the cloud SDKs) are translated where they arise; only these
reach the command line. Anything else is a bug and exits with 70.
"""

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
"""The cluster is ready, but below what was asked; the missing nodes are named."""
EXIT_REFUSED = 4
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where, and what to do about it.

    ``where`` is a place a user can go to (``demo.yaml:7: groups.worker.nodes``, ``host: memory``),
    ``problem`` one clause without a full stop, ``fix`` the next step (often a command).
    """

    where: str
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; {self.fix}"


class ProvisionError(Exception):
    """Base of all errors a user may see. ``str()`` is one sentence that ends with the next step."""

    exit_code = EXIT_FAILED

    def __init__(self, problem: str, next_step: str = "") -> None:
        super().__init__(problem, next_step)
        self.problem = problem
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.problem}: {self.next_step}" if self.next_step else self.problem


class UsageError(ProvisionError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = EXIT_USAGE


class FindingsError(ProvisionError):
    """An error made of findings, all reported at once."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class SpecError(FindingsError):
    """The spec (a file, or the flags that stand for one) is wrong."""

    exit_code = EXIT_USAGE


class RefusedError(FindingsError):
    """The plan cannot be brought up here; nothing was created."""

    exit_code = EXIT_REFUSED


class BusyError(ProvisionError):
    """Another process is working on the same cluster. ``started`` is local time as text."""

    exit_code = EXIT_REFUSED

    def __init__(
        self,
        cluster: str,
        command: str,
        pid: int,
        started: str,
        next_step: str = "wait for it to end, or stop it with Ctrl-C and run this again",
    ) -> None:
        super().__init__(
            f"{cluster} is being changed by '{command}' (pid {pid}, started {started})", next_step
        )
        self.cluster, self.command, self.pid, self.started = cluster, command, pid, started


class UnknownClusterError(ProvisionError):
    """No resource carries the cluster's name. ``existing`` are the names that do exist.

    ``asked`` are the places that were asked, all of which answered.
    """

    def __init__(
        self, cluster: str, existing: Sequence[str], asked: Sequence[str] = (), near: str = ""
    ) -> None:
        """``near`` asks after the existing one that was likely meant."""
        names = ", ".join(existing)
        what = f"there is no cluster {cluster!r}" if cluster else "no cluster is named"
        super().__init__(
            f"{what} (asked: {', '.join(asked)})" if asked else what,
            f"{near} these exist: {names}".lstrip()
            if names
            else "none exists; start one with 'provision up'",
        )
        self.cluster, self.existing, self.asked = cluster, tuple(existing), tuple(asked)


class UnaskedError(ProvisionError):
    """Nothing was found, and that says little: some places could not be asked (``unasked``, in words)."""

    def __init__(self, cluster: str, asked: Sequence[str], unasked: Sequence[str]) -> None:
        what = f"cluster {cluster!r}" if cluster else "cluster"
        none = (
            f"no {what} was found ({', '.join(asked)} answered)"
            if asked
            else f"no {what} was found"
        )
        super().__init__(
            f"{none}, but {'; '.join(unasked)}", "mend that and run it again; nothing was changed"
        )
        self.cluster, self.asked, self.unasked = cluster, tuple(asked), tuple(unasked)


class UnreadableError(ProvisionError):
    """A file that we keep is there and cannot be read: no reason to act as if it were not."""


class UnknownNodeError(ProvisionError):
    """The cluster has no node of that name."""


class RuntimeFailure(ProvisionError):
    """The engine or the kernel of this host refused to boot or remove a machine."""


class CloudFailure(ProvisionError):
    """A cloud refused or failed a request that the checks before it had allowed."""


class EngineFailure(ProvisionError):
    """Pulumi could not do what it was asked. ``causes`` are all sentences it gave, the first one first."""

    def __init__(self, problem: str, next_step: str = "", causes: Sequence[str] = ()) -> None:
        super().__init__(problem, next_step)
        self.causes = tuple(causes)


class UnreachableError(ProvisionError):
    """A machine does not answer on SSH, or not with the key we gave it."""


class SchedulerFailure(ProvisionError):
    """The scheduler's own command failed; the problem holds its last line."""


class SchedulerDown(SchedulerFailure):
    """The controller has booted and its scheduler is not running there."""


class NotReadyError(ProvisionError):
    """Fewer members than the quorum at the deadline. ``missing`` names the nodes that did not join."""

    def __init__(self, problem: str, next_step: str, missing: Sequence[str] = ()) -> None:
        super().__init__(problem, next_step)
        self.missing = tuple(missing)


class InterruptedRun(ProvisionError):
    """The user pressed Ctrl-C (or the process got SIGTERM)."""

    exit_code = EXIT_INTERRUPTED


class DeclinedError(InterruptedRun):
    """The user was asked before anything was created, and did not agree."""
