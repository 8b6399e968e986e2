"""Take nodes out of a cluster: drained first, their machines removed, their records dropped."""

from collections.abc import Sequence

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.cloud import Machine, Phase
from provision.cluster.session import Session
from provision.errors import ProvisionError
from provision.names import few, short_name
from provision.scheduler import MemberState

REMOVAL = 120.0
"""Seconds within which a machine that is removed has stopped."""
LOOK = 1.0
"""Seconds between two looks for it."""


def out(session: Session, surplus: list[str], *, force: bool) -> None:
    """Drain the nodes, see that none runs a job, remove machines and records.

    Raises:
        ProvisionError: some run jobs and it is not forced, or machines run on.
    """
    with session.step("drain", f"draining {len(surplus)} nodes") as said, session.shell() as shell:
        scheduler, before = session.scheduler, session.scheduler.members(shell)
        in_service = {m.name for m in before if m.state is MemberState.READY}
        fresh = [name for name in surplus if name in in_service]
        scheduler.drain(shell, fresh, "provision scale")
        gone = set(surplus)
        busy = [m.name for m in scheduler.members(shell) if m.name in gone and m.busy]
        if busy and not force:
            scheduler.resume(shell, fresh)
            names = few(busy, session.name, 10)
            raise ProvisionError(
                f"{len(busy)} of the nodes to remove run jobs ({names}); nothing was removed",
                "wait for the jobs to end, or give --force",
            )
        session.cloud.remove(session.name, surplus, session.emit)
        scheduler.forget(shell, surplus)
        there = _removed(session, gone)
        going = f"; {len(there)} machines are still on their way out" if there else ""
        said.append(f"took {len(surplus)} nodes out, {len(fresh)} of them by draining{going}")


def _removed(session: Session, names: set[str]) -> list[Machine]:
    """Wait until none of these machines runs any more; answers those that the cloud still lists.

    Raises:
        ProvisionError: some run on.
    """
    tries = Retrying(
        stop=stop_after_delay(REMOVAL),
        wait=wait_fixed(LOOK),
        retry=retry_if_result(lambda there: bool(_running(there))),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )
    there: list[Machine] = tries(
        lambda: [machine for machine in session.machines() if machine.name in names]
    )
    if running := _running(there):
        raise ProvisionError(
            f"{len(running)} machines still run {REMOVAL:.0f} s after they were to be removed "
            f"({short_name(session.name, running[0].name)} …)",
            "run the same command again",
        )
    return there


def _running(machines: Sequence[Machine]) -> list[Machine]:
    return [machine for machine in machines if machine.phase is not Phase.STOPPED]
