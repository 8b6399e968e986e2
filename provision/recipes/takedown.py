"""Taking a cluster down: what would go with it, who agrees to that, and that nothing is left."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provision.cloud import Cost, Machine
from provision.clouds import words_of
from provision.cluster import lookup
from provision.cluster.session import Session
from provision.errors import DeclinedError, InterruptedRun, ProvisionError
from provision.events import Event, Noted
from provision.labels import CONTROLLER
from provision.leftovers import Leftover
from provision.scheduler import Jobs
from provision.spec.models import duration_text
from provision.sweep import leftovers

DEADLINE = 1800
"""Seconds that a removal may take where nobody says otherwise: half of them are for the VMs of a group."""
SLACK = 5.0
"""Seconds beyond the deadline for the cloud to say itself what it waited for."""
NEAR = 2.0
"""Seconds before the deadline in which a failure is of it: no cloud begins a wait that ends after it."""
ENDING = 10.0
"""Seconds that what was told to end has to do so."""
SECONDS = 12.0
"""Seconds in which the controller has said what runs on it, or it is not known."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What is about to go. ``place`` is where it is, in words; ``bills``: somebody pays for it.

    ``jobs`` is None where the controller could not be asked, for the reason ``unknown``. ``chosen``
    says that nobody named the cluster: it is the only one there is.
    """

    cluster: str
    place: str
    machines: int
    resources: tuple[Leftover, ...]
    bills: bool
    cost: Cost | None
    jobs: Jobs | None
    unknown: str
    chosen: bool

    @property
    def weighty(self) -> bool:
        """Whether it is more than a cluster that costs nothing and does nothing."""
        return self.bills or bool(self.jobs and self.jobs.any)


Consent = Callable[[Removal], bool]
"""Asks whoever it concerns; False removes nothing. May raise where nobody can be asked."""


def look(session: Session, *, chosen: bool) -> Removal:
    """What there is of the cluster, and what is done with it; changes nothing."""
    with session.step("look", f"looking at what {session.name} has and does") as said:
        resources = tuple(leftovers(session.cloud, session.name))
        machines = session.machines()
        jobs, unknown = _jobs(session, machines)
        plan = session.kept_plan()
        bills = session.cloud.bills()
        said.append(f"{len(machines)} machines, {_jobs_text(jobs, unknown)}")
        return Removal(
            cluster=session.name,
            place=words_of(session.cloud.resolved_spec()),
            machines=len(machines),
            resources=resources,
            bills=bills,
            cost=session.cloud.cost(plan) if plan and bills else None,
            jobs=jobs,
            unknown=unknown,
            chosen=chosen,
        )


def agree(removal: Removal, consent: Consent) -> None:
    """Let whoever pays, works or was not named the cluster agree before anything goes.

    Raises:
        DeclinedError: they did not.
    """
    if not removal.weighty and not removal.chosen:
        return
    if not consent(removal):
        raise DeclinedError("nothing was removed", "run it again, and answer yes or give --yes")


def remove(session: Session, seconds: int = DEADLINE) -> list[str]:
    """Remove all of it, look again, and only then the files; answers the names of what went.

    Raises:
        ProvisionError: after ``seconds`` something is still there, or nobody can say that it is not.
    """
    name, until = session.name, time.monotonic() + seconds
    session.cloud.within(seconds)
    with session.step("down", f"removing {name}") as said:
        late: ProvisionError | None = None
        removed: list[str] = []
        try:
            removed = _destroyed(session, seconds + SLACK)
        except ProvisionError as failure:
            if time.monotonic() < until - min(NEAR, seconds / 4):
                raise
            late = failure  # of the deadline: what is left counts
        left = _left(session, seconds, late)
        if left:
            kinds = Counter(one.kind for one in left)
            there = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
            when = f" after {duration_text(seconds)}" if late else ""
            onward = f"run 'provision down {name}' again"
            raise ProvisionError(
                f"{len(left)} resources of {name} are still there{when} ({there}; {left[0].name} …)",
                f"{onward} to go on, or give it a longer --deadline" if late else onward,
            )
        session.workspace.remove()
        said.append(f"removed {name}: {len(removed)} resources" if removed else f"{name} is gone")
    return removed


def _left(session: Session, seconds: int, late: ProvisionError | None) -> Sequence[Leftover]:
    """What is still there. Where that cannot be asked after the deadline, nothing is called gone."""
    try:
        return leftovers(session.cloud, session.name)
    except ProvisionError as failure:
        if late is None:
            raise
        raise ProvisionError(
            f"{session.name} was not removed within {duration_text(seconds)} ({late.problem}), and "
            f"what is left could not be asked ({failure.problem})",
            f"run 'provision down {session.name}' again, or give it a longer --deadline",
        ) from failure


def _destroyed(session: Session, seconds: float) -> list[str]:
    """Let the cloud destroy it, in a thread: not even one that hangs is waited for any longer."""
    stopping, ended = threading.Event(), threading.Event()

    def emit(event: Event) -> None:
        if stopping.is_set():
            raise InterruptedRun("stopped", f"run 'provision down {session.name}' again")
        session.emit(event)

    def destroy() -> list[str]:
        try:
            return session.cloud.destroy(session.name, emit)
        finally:
            ended.set()

    try:
        answers, failed = lookup.together([destroy], seconds)
    except KeyboardInterrupt:
        _end(session, stopping, ended)
        raise
    if failed:
        raise failed[0]
    if not answers:
        _end(session, stopping, ended)
        raise ProvisionError("its removal went on")
    return answers[0]


def _end(session: Session, stopping: threading.Event, ended: threading.Event) -> None:
    """Tell it to end, and give it a moment: it may be saving what it knows."""
    stopping.set()
    lookup.together([session.cloud.interrupt], ENDING)
    ended.wait(ENDING)


def words(removal: Removal) -> str:
    """The removal as one clause."""
    others = len(removal.resources) - removal.machines
    line = f"{removal.cluster} on {removal.place} has {removal.machines} machines"
    line += f" and {others} other resources" if others > 0 else ""
    if removal.bills:
        cost = removal.cost.text if removal.cost else "money (how much is not known here)"
        line += f", costs {cost}"
    line += f"; {_jobs_text(removal.jobs, removal.unknown)}"
    return f"no cluster is named, and the only one is {line}" if removal.chosen else line


def _jobs(session: Session, machines: Sequence[Machine]) -> tuple[Jobs | None, str]:
    """What runs, and why that is not known."""
    if not machines:
        return Jobs(), ""
    if not any(machine.role == CONTROLLER for machine in machines):
        return None, "it has no controller"
    plan = session.kept_plan()
    if plan is None:
        return None, "its spec is not on this machine"
    answers, failed = lookup.together(
        [lambda: session.scheduler.jobs(session.try_shell(plan))], SECONDS
    )
    if answers:
        return answers[0], ""
    if not failed:
        return None, f"{plan.controller.name} did not answer within {SECONDS:.0f} s"
    if not isinstance(failed[0], ProvisionError):
        raise failed[0]
    session.emit(Noted(text=f"the jobs of {session.name} are not known: {failed[0].problem}"))
    return None, failed[0].problem


def _jobs_text(jobs: Jobs | None, unknown: str) -> str:
    if jobs is None:
        return f"its jobs are not known ({unknown})"
    if not jobs.any:
        return "no job runs or waits"
    return f"{jobs.running} jobs run and {jobs.waiting} wait"
