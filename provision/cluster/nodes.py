"""The same work on many nodes of a cluster that is up, a result for each."""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

from provision.cloud import Machine
from provision.cluster.session import Session, found
from provision.errors import UsageError
from provision.events import Emit, Progress
from provision.labels import CONTROLLER
from provision.remote import copy, fanout
from provision.remote.fanout import HostResult, HostWork
from provision.remote.nodeset import resolve
from provision.remote.ssh import Connection


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
    yield from _work(name, only, fanout.commanding(command), timeout, emit, "run", "run")


def upload(
    name: str, source: Path, target: str, only: Sequence[str], timeout: float, emit: Emit
) -> Generator[HostResult]:
    """Copy a file to ``target`` on all workers (or ``only`` these); see :func:`copy.put`."""
    if not source.is_file():
        raise UsageError(f"{source} is no file", "cp copies one file; for a folder use rsync")
    yield from _work(name, only, copy.put(source, target), timeout, emit, "cp", "copy")


def download(
    name: str, source: str, folder: Path, only: Sequence[str], timeout: float, emit: Emit
) -> Generator[HostResult]:
    """Copy a file of each worker to ``folder``/NODE/FILE; see :func:`copy.get`."""
    yield from _work(name, only, copy.get(source, folder), timeout, emit, "cp", "copy")


def _work(
    name: str,
    only: Sequence[str],
    work: HostWork,
    timeout: float,
    emit: Emit,
    command: str,
    step: str,
) -> Generator[HostResult]:
    with found(name, emit, log=command) as session, session.shell() as shell:
        machines = chosen(session, only)
        results = _on_all(session, shell, machines, work, timeout)
        yield from counted(results, step, len(machines), session.emit)


def _on_all(
    session: Session, shell: Connection, machines: Sequence[Machine], work: HostWork, timeout: float
) -> Generator[HostResult]:
    for machine in machines:
        if machine.role == CONTROLLER:
            yield fanout.here(shell, machine.name, work, timeout)
        elif not machine.address:
            why = f"{machine.name} is {machine.phase.value} and has no address"
            yield HostResult(machine.name, fanout.UNREACHED, error=why)
    workers = [m for m in machines if m.role != CONTROLLER and m.address]
    there = {m.name: session.worker_login(m.address) for m in workers}
    yield from fanout.each(shell, there, work, timeout)


def chosen(session: Session, only: Sequence[str]) -> list[Machine]:
    """The machines of these sets of nodes, or all workers where none is named."""
    machines = session.known()
    if not only:
        return [machine for machine in machines if machine.role != CONTROLLER]
    names = set(named(session, only, machines))
    return [machine for machine in machines if machine.name in names]


def named(session: Session, words: Sequence[str], machines: Sequence[Machine]) -> list[str]:
    """Full machine names for sets of nodes; see :func:`provision.remote.nodeset.resolve`."""
    groups: dict[str, list[str]] = {}
    for machine in machines:
        groups.setdefault(machine.group, []).append(machine.name)
    return resolve(session.name, words, groups)


def named_one(session: Session, word: str, machines: Sequence[Machine]) -> str:
    """The same for a word that must name one node."""
    names = named(session, [word], machines)
    if len(names) != 1:
        raise UsageError(f"{word!r} names {len(names)} nodes", "name one")
    return names[0]


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


def on_one(
    session: Session, shell: Connection, machine: Machine, command: str, timeout: float
) -> HostResult:
    """Run it on one machine, through the controller's shell."""
    work = fanout.commanding(command)
    return next(_on_all(session, shell, [machine], work, timeout))
