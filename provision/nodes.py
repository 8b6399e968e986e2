"""The same work on many nodes of a cluster that is up, a result for each."""

from collections.abc import Generator, Sequence
from contextlib import closing

from provision.cloud import Machine
from provision.errors import UnreachableError
from provision.events import Emit, Progress
from provision.labels import CONTROLLER
from provision.remote import fanout
from provision.remote.fanout import HostResult
from provision.remote.ssh import Connection
from provision.session import Session, found


def run(
    name: str,
    command: str,
    only: Sequence[str],
    timeout: float,
    emit: Emit,
) -> Generator[HostResult]:
    """Run a shell command on all workers (or ``only`` these sets of nodes), in parallel.

    Results come in the order in which the machines end; leaving early ends what still runs.
    """
    with found(name, emit) as session, session.shell() as shell:
        machines = chosen(session, only)
        results = _run(session, shell, machines, command, timeout)
        yield from counted(results, "run", len(machines), emit)


def _run(
    session: Session, shell: Connection, machines: Sequence[Machine], command: str, timeout: float
) -> Generator[HostResult]:
    for machine in machines:
        if machine.role == CONTROLLER:
            yield _on_controller(shell, machine.name, command, timeout)
    workers = [machine for machine in machines if machine.role != CONTROLLER]
    yield from on_workers(session, shell, workers, command, timeout)


def chosen(session: Session, only: Sequence[str]) -> list[Machine]:
    """The machines of these sets of nodes, or all workers where none is named."""
    machines = session.known()
    if not only:
        return [machine for machine in machines if machine.role != CONTROLLER]
    names = set(session.resolve(only, machines))
    return [machine for machine in machines if machine.name in names]


def counted(
    results: Generator[HostResult], step: str, total: int, emit: Emit
) -> Generator[HostResult]:
    """The same results, with a word of progress for each."""
    done = failed = 0
    with closing(results):
        for result in results:
            done += 1
            failed += result.exit_code != 0
            emit(Progress(step=step, done=done, total=total, counts={"failed": failed}))
            yield result


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
