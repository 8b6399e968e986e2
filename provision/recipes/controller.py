"""The controller of a cluster that is there: whether it is lost, and its workers as members of a new one.

It is lost where the cloud says so: its machine is gone or has stopped. One that only does not answer may
answer again and holds the cluster's jobs: whoever says so replaces it, nothing else does.
"""

import math
import time
from collections.abc import Sequence
from contextlib import closing

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from provision.cloud import Machine, Phase
from provision.cluster.session import Session
from provision.errors import ProvisionError, RefusedError, SchedulerFailure, UnreachableError
from provision.events import Noted, Warned
from provision.plan import Plan
from provision.recipes import preflight
from provision.remote import fanout
from provision.scheduler import Member

LOSS = "its queue, running jobs, drains and job history are lost"
ANSWER = 30.0
"""Seconds in which a controller whose machine runs answers; a moment's silence is nothing."""
LOOK = 1.0
"""Seconds between two tries."""
AGAIN = 20.0
"""Seconds that workers have to register by themselves, and again once their agents were started."""
ROUNDS = 2
"""How often agents are started again in one wait."""
EACH = 20.0
"""Seconds that one worker may take for it, its connection aside."""


def machine_of(plan: Plan, here: Sequence[Machine]) -> Machine | None:
    """The plan's controller among these machines."""
    return next((machine for machine in here if machine.name == plan.controller.name), None)


def lost(plan: Plan, here: Sequence[Machine]) -> str:
    """Why it is lost, as a clause; '' where its machine is there and has not stopped."""
    found = machine_of(plan, here)
    if found is None:
        return "is gone"
    return "has stopped" if found.phase is Phase.STOPPED else ""


def been_up(session: Session) -> bool:
    """Whether an earlier run came as far as its outputs: jobs may have been submitted."""
    return bool(session.workspace.load("outputs"))


def booting(plan: Plan, here: Sequence[Machine]) -> bool:
    """Whether it has not had the time yet that a machine gets to come up."""
    found = machine_of(plan, here)
    if found is None:
        return False
    return not found.started or time.time() - found.started < plan.replace_after


def members(session: Session, plan: Plan) -> Sequence[Member]:
    """One look at the scheduler over the kept connection."""
    try:
        return session.scheduler.members(session.try_shell(plan))
    except UnreachableError:
        session.drop_shell()
        raise


def asked(session: Session, plan: Plan) -> Sequence[Member]:
    """What the scheduler of a controller that runs says, asked for :data:`ANSWER` seconds.

    Raises:
        RefusedError: it never can, as where VMs are state only.
        ProvisionError: it does not answer; nothing was changed.
    """
    if wrong := preflight.members(session.cloud):
        raise RefusedError(wrong)
    tries = Retrying(
        stop=stop_after_delay(ANSWER),
        wait=wait_fixed(LOOK),
        retry=retry_if_exception_type((UnreachableError, SchedulerFailure)),
        reraise=True,
    )
    try:
        return tries(members, session, plan)
    except (UnreachableError, SchedulerFailure) as error:
        name = plan.name
        scheduler = isinstance(error, SchedulerFailure)
        what = "its scheduler does not answer" if scheduler else "nothing on it answers"
        raise ProvisionError(
            f"the machine of {plan.controller.name} runs, and {what} "
            f"({error.problem}); nothing was changed",
            f"look with 'provision logs {name} controller'; 'provision repair {name} --controller' "
            "replaces it, and with it go its queue, drains and job history",
        ) from error


def silent(session: Session, plan: Plan) -> None:
    """See that it really does not answer, before it is replaced because its user says so.

    Raises:
        ProvisionError: it does; nothing was changed.
    """
    try:
        known = asked(session, plan)
    except ProvisionError:
        return
    busy = sum(member.busy for member in known)
    raise ProvisionError(
        f"{plan.controller.name} answers, its scheduler too ({len(known)} nodes, {busy} of them run "
        "jobs); nothing was changed",
        f"run 'provision repair {plan.name}' without --controller",
    )


def there(session: Session, plan: Plan, here: Sequence[Machine]) -> None:
    """See that the cluster has a controller that answers, before its size is changed.

    Raises:
        ProvisionError: it has none; nothing was changed.
    """
    if why := lost(plan, here):
        raise ProvisionError(
            f"{plan.controller.name} {why}; nothing was changed",
            f"run 'provision repair {plan.name}' first",
        )
    asked(session, plan)


class Rejoin:
    """Asks who is a member, and has workers that ran before register where they are unknown.

    An agent registers when it starts. A controller that came later without its predecessor's records
    knows none of those that run, and they do not notice: they are started again, over SSH.
    """

    def __init__(
        self, session: Session, plan: Plan, before: Sequence[Machine], *, anew: bool
    ) -> None:
        """``before`` is what ran when this run began; ``anew`` says that its controller did not."""
        self._session, self._plan = session, plan
        self._set(before, 0.0 if anew else AGAIN)

    def _set(self, machines: Sequence[Machine], pause: float) -> None:
        wanted = {machine.name for machine in self._plan.workers}
        running = [m for m in machines if m.phase is Phase.STARTED and m.address]
        self._ran = [m for m in running if m.name in wanted]
        self._pause, self._due, self._left = pause, math.inf, ROUNDS

    def renewed(self, machines: Sequence[Machine]) -> None:
        """The controller is being made anew while these machines run."""
        self._set(machines, AGAIN)

    def members(self) -> Sequence[Member]:
        """One look at the scheduler; where workers are unknown to it, their agents start again."""
        found = members(self._session, self._plan)
        known, now = {member.name for member in found}, time.monotonic()
        unknown = [machine for machine in self._ran if machine.name not in known]
        self._due = min(self._due, now + self._pause)  # it counts from its first answer
        if unknown and self._left and now >= self._due:
            self._start_again(unknown)
            self._left -= 1
            self._due = time.monotonic() + AGAIN
        return found

    def _start_again(self, unknown: Sequence[Machine]) -> None:
        session, name = self._session, self._plan.controller.name
        text = f"{name} does not know {len(unknown)} workers that run: starting their agents again"
        session.emit(Noted(text=text))
        shell, work = session.try_shell(self._plan), fanout.commanding(session.scheduler.rejoin)
        logins = {machine.name: session.worker_login(machine.address) for machine in unknown}
        with closing(fanout.each(shell, logins, work, EACH)) as results:
            failed = [result for result in results if result.exit_code]
        if failed:
            why = failed[0].error or failed[0].stderr.strip() or f"exit {failed[0].exit_code}"
            said = f"the agents of {len(failed)} of them could not be started again ({why})"
            session.emit(Warned(text=said))
