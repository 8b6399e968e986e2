"""The recipe ``repair``: replace what died."""

from collections.abc import Sequence

from provision.cloud import Machine, Phase
from provision.cluster.session import found
from provision.events import Emit
from provision.labels import WORKER
from provision.recipes import controller
from provision.recipes.bringup import BringUp
from provision.recipes.outcome import Outcome
from provision.recipes.up import bring_up
from provision.scheduler import MemberState


def repair(
    name: str, emit: Emit, command: str = "provision repair", *, renew: bool = False
) -> Outcome:
    """Replace every machine that is gone, has stopped, or that the scheduler calls down.

    A controller is replaced where its machine is gone or has stopped; one whose machine runs and that
    does not answer only with ``renew``.

    Raises:
        ProvisionError: the controller does not answer, or ``renew`` is asked of one that does.
    """
    with found(name, emit, log="repair") as session, session.lock(command):
        here = session.machines()
        run = BringUp.again(session, session.spec(), here, renew=renew)
        with session.step("look", "looking for machines to replace") as said:
            said.append(_remove_down(run, here))
        return bring_up(run)


def _remove_down(run: BringUp, here: Sequence[Machine]) -> str:
    """Remove what is down, and say what there is to mend."""
    session, plan, name = run.session, run.plan, run.plan.controller.name
    stopped = [m for m in here if m.phase is Phase.STOPPED and m.role == WORKER]
    gone = len(plan.workers) - sum(machine.role == WORKER for machine in here)
    words = [f"{len(stopped)} workers have stopped, {max(0, gone)} are gone"]
    if why := controller.lost(plan, here):
        words.append(f"{name} {why}")
    elif run.renew:
        controller.silent(session, plan)
        words.append(f"{name} does not answer and is replaced")
    elif controller.booting(plan, here) and not controller.been_up(session):
        words.append(f"{name} has not come up yet")
    else:
        down_now = [
            member.name
            for member in controller.asked(session, plan)
            if member.state is MemberState.DOWN
        ]
        if down_now:
            session.scheduler.forget(session.try_shell(plan), down_now)
            session.cloud.remove(session.name, down_now, session.emit)
        words.append(f"{len(down_now)} nodes are down")
    return ", ".join(words)
