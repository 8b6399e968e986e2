"""The same work on many nodes of a cluster that is up, a result for each."""

from collections.abc import Generator, Sequence

from provision.cloud import Machine
from provision.errors import UnreachableError
from provision.events import Emit
from provision.labels import CONTROLLER
from provision.remote import fanout
from provision.remote.fanout import HostResult
from provision.remote.ssh import Connection
from provision.session import Session, found


def run(
    name: str, command: str, only: Sequence[str], timeout: float, emit: Emit
) -> Generator[HostResult]:
    """Run a shell command on all workers (or ``only`` the machines named), in parallel.

    Results come in the order in which the machines end.
    """
    with found(name, emit) as session, session.shell() as shell:
        machines = session.known()
        if only:
            chosen = set(session.resolve(only, machines))
            machines = [machine for machine in machines if machine.name in chosen]
        for machine in machines:
            if machine.role == CONTROLLER and only:
                yield _on_controller(shell, machine.name, command, timeout)
        workers = [machine for machine in machines if machine.role != CONTROLLER]
        yield from on_workers(session, shell, workers, command, timeout)


def on_workers(
    session: Session,
    shell: Connection,
    workers: Sequence[Machine],
    command: str,
    timeout: float,
) -> Generator[HostResult]:
    """Run it on these workers, through the controller's shell."""
    for machine in workers:
        if not machine.address:
            why = f"{machine.name} is {machine.phase.value} and has no address"
            yield HostResult(machine.name, fanout.UNREACHED, error=why)
    there = {m.name: session.worker_login(m.address) for m in workers if m.address}
    yield from fanout.run(shell, there, command, timeout)


def _on_controller(shell: Connection, name: str, command: str, timeout: float) -> HostResult:
    try:
        done = shell.run(command, timeout)
    except UnreachableError as error:
        return HostResult(name, fanout.code_of(error), error=error.problem)
    return HostResult(name, done.exit_code, done.stdout, done.stderr)
