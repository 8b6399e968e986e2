"""Creating what is missing, in a thread of its own: nodes join while others are still requested."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor

from provision.cloud import Machine, Phase
from provision.errors import CloudFailure, UnreachableError
from provision.events import Noted, Warned
from provision.recipes import controller
from provision.recipes.bringup import BringUp, Gap

SLACK = 10.0
"""Seconds beyond the deadline for the cloud to say itself what it waited for."""


class Creation:
    """What one bring-up creates, and until when (monotonic seconds) it may go on."""

    def __init__(self, run: BringUp, work: Future[Mapping[str, str]], until: float) -> None:
        self._run, self._work, self._until = run, work, until

    @property
    def left(self) -> float:
        """Seconds of the deadline that are left."""
        return max(0.0, self._until - time.monotonic())

    def complete(self) -> None:
        """Wait until all is created, and fail where that failed."""
        futures.wait([self._work], self.left + SLACK)
        if not self._work.done():
            self._run.stopping.set()
            self._run.session.cloud.interrupt()
            plan = self._run.plan
            raise CloudFailure(
                f"{plan.name} was still being created {plan.deadline} s after that began",
                "run the same command again to go on, or give it a longer --deadline",
            )
        self._work.result()

    def refused(self) -> Mapping[str, str]:
        """The machines that the cloud has refused to start, as far as that is known, and why.

        Raises:
            CloudFailure: the controller is one of them.
        """
        if not self._work.done():
            return {}
        refused, plan = self._work.result(), self._run.plan
        if plan.controller.name in refused:
            raise CloudFailure(
                f"the controller could not be started ({refused[plan.controller.name]})",
                f"mend that and run 'provision up' again, or 'provision down {plan.name}'",
            )
        return refused

    def relevant(self, here: Sequence[Machine], before: Sequence[Machine]) -> Sequence[Machine]:
        """Without what had stopped before: it says nothing while it is being made anew."""
        if self._work.done():
            return here
        going = {(m.name, m.ident) for m in before if m.phase is Phase.STOPPED}
        return [m for m in here if m.phase is not Phase.STOPPED or (m.name, m.ident) not in going]


def begin(run: BringUp, gap: Gap, pool: ThreadPoolExecutor) -> Creation:
    """Begin to create what is missing; it goes on while the next step watches."""
    session = run.session
    session.workspace.save_spec(run.spec)
    session.workspace.save("marks", gap.launch.marks)
    if not gap.lacking and not session.cloud.declarative:
        nothing: Future[Mapping[str, str]] = Future()
        nothing.set_result({})
        return Creation(run, nothing, run.until)
    if gap.lacking:
        _forget_gone(run, gap)
        session.emit(Noted(text=f"creating {len(gap.lacking)} machines of {run.plan.name}"))
    session.cloud.within(run.plan.deadline)  # its seconds count from now
    until = time.monotonic() + run.plan.deadline
    if gap.heads and controller.been_up(session):
        name, why = run.plan.controller.name, controller.lost(run.plan, gap.before)
        text = f"{name} {why or 'does not answer'} and is made anew: {controller.LOSS}"
        session.emit(Warned(text=text))
    made = Creation(run, pool.submit(_create, run, gap), until)
    if run.renew:  # while the old one is there, it might be taken for the new one
        made.complete()
        session.drop_shell()
    return made


def _create(run: BringUp, gap: Gap) -> Mapping[str, str]:
    """What the cloud still has of a controller that is lost goes first."""
    cloud, name = run.session.cloud, run.plan.controller.name
    refused: Mapping[str, str] = {}
    if gap.heads and controller.machine_of(run.plan, gap.before):
        refused = cloud.replace(gap.launch, [name], run.emit)
        if cloud.declarative:
            return refused  # it declared everything else too
    return {**refused, **cloud.apply(gap.launch, run.emit)}


def _forget_gone(run: BringUp, gap: Gap) -> None:
    """Drop the scheduler's records of machines that are gone and come anew.

    It may not have noticed yet, and a record that still says idle would count as joined.
    """
    if gap.heads:
        return
    with contextlib.suppress(UnreachableError):
        shell = run.session.try_shell(run.plan)
        run.session.scheduler.forget(shell, sorted(machine.name for machine in gap.lacking))
