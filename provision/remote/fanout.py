"""The same work on many machines at once, through the controller: a result each, as they come.

All go through one connection to the controller. One that is lost costs nobody's result: what had not
yet begun on its machine is tried once more over a new one. What had begun is told and never repeated.
"""

import asyncio
import queue
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from provision.errors import UnreachableError
from provision.remote import ssh
from provision.remote.background import GRACE, Job, call
from provision.remote.failures import Cause, SshError
from provision.remote.ssh import Connection, Login

if TYPE_CHECKING:
    from asyncssh import SSHClientConnection

T = TypeVar("T")
WIDTH = 64
"""Machines worked on at once."""
MOST = 1 << 20
"""Bytes of each stream that are kept of one machine."""
UNREACHED = 255
"""The exit code of a machine that did not answer, as OpenSSH has it."""
TIMED_OUT = 124
"""The exit code of a command whose time was over, as coreutils' ``timeout`` has it."""
LOST = (Cause.BROKE, Cause.GREETING, Cause.NO_TUNNEL)
"""What one more try may mend: a connection that was cut, or a controller's that had to be made anew."""
ROUND = 2 * ssh.CONNECT_SECONDS + 2 * GRACE
"""Seconds beside the command itself: two tries to connect, and the end."""


@dataclass(frozen=True, slots=True)
class HostResult:
    """What one host answered: its exit code and output, or why there is none."""

    host: str
    exit_code: int
    stdout: str = ""
    stderr: str = ""
    error: str = ""


class Way:
    """The connection to the controller, opened anew by the first who finds it broken."""

    def __init__(self, controller: Connection) -> None:
        self._connection, self._first = controller.connection, controller
        self._turn = asyncio.Lock()
        self._own: list[SSHClientConnection] = []

    async def get(self) -> "SSHClientConnection":
        """The connection; raises ``SshError`` where the controller does not answer any more."""
        async with self._turn:
            if self._connection.is_closed():
                first = self._first
                self._connection = await ssh.opened(first.login, first.where, ssh.CONNECT_SECONDS)
                self._own.append(self._connection)
            return self._connection

    def close(self) -> None:
        """Close what was opened here."""
        for connection in self._own:
            connection.close()


Work = Callable[["SSHClientConnection", str], Awaitable[HostResult]]
"""What is done on one machine, over the connection to it, under its name."""


def run(
    controller: Connection, hosts: Mapping[str, Login], command: str, timeout: float
) -> Generator[HostResult]:
    """Run the command on all hosts; see :func:`each`."""
    yield from each(controller, hosts, commanding(command, timeout), timeout)


def commanding(command: str, timeout: float) -> Work:
    """The work of running a command, for as long as ``timeout`` seconds."""

    async def work(connection: "SSHClientConnection", name: str) -> HostResult:
        done = await ssh.executed(connection, name, command, timeout, most=MOST)
        return HostResult(name, done.exit_code, done.stdout, done.stderr)

    return work


def here(controller: Connection, name: str, work: Work, timeout: float) -> HostResult:
    """Do the work on the controller itself."""
    return call(_settled(controller.connection, name, work, timeout), timeout + ROUND)


def each(
    controller: Connection, hosts: Mapping[str, Login], work: Work, timeout: float
) -> Generator[HostResult]:
    """Do the work on all hosts, :data:`WIDTH` at once; results come in the order they end.

    A host that does not answer has exit code 255, one whose ``timeout`` (seconds) was over 124. Ending
    the iteration early ends what still runs.
    """
    results: queue.Queue[HostResult | None] = queue.Queue()
    job = Job(_all(Way(controller), hosts, work, timeout, results.put))
    job.future.add_done_callback(lambda _: results.put(None))
    # No host may take longer than this, so neither may all of them in their turns.
    end = time.monotonic() + (timeout + ROUND) * (1 + len(hosts) // WIDTH)
    try:
        while result := results.get(timeout=max(0.0, end - time.monotonic())):
            yield result
        job.future.result(GRACE)
    finally:
        job.stop()


async def _all(
    way: Way,
    hosts: Mapping[str, Login],
    work: Work,
    timeout: float,
    tell: Callable[[HostResult], None],
) -> None:
    turns = asyncio.Semaphore(WIDTH)

    async def one(name: str, login: Login) -> None:
        async with turns:
            tell(await _one(way, name, login, work, timeout))

    try:
        async with asyncio.TaskGroup() as group:
            for name, login in hosts.items():
                group.create_task(one(name, login))
    finally:
        way.close()


async def _one(way: Way, name: str, login: Login, work: Work, timeout: float) -> HostResult:
    try:
        connection = await _reached(way, name, login)
    except UnreachableError as error:
        return HostResult(name, code_of(error), error=error.problem)
    try:
        return await _settled(connection, name, work, timeout)
    finally:
        connection.close()


async def _settled(
    connection: "SSHClientConnection", name: str, work: Work, timeout: float
) -> HostResult:
    """What comes of the work, as a result in any case."""
    try:
        async with asyncio.timeout(timeout + GRACE):
            return await work(connection, name)
    except UnreachableError as error:
        return HostResult(name, code_of(error), error=error.problem)
    except TimeoutError:
        return HostResult(name, TIMED_OUT, error=f"{name} did not finish within {timeout:g} s")


async def _reached(way: Way, name: str, login: Login) -> "SSHClientConnection":
    """A connection to the host, tried once more where that may help: nothing has run there yet."""
    try:
        return await ssh.opened(login, name, ssh.CONNECT_SECONDS, await way.get())
    except SshError as error:
        if error.cause not in LOST:
            raise
    return await ssh.opened(login, name, ssh.CONNECT_SECONDS, await way.get())


def code_of(error: UnreachableError) -> int:
    """The exit code of a machine of which there is this and no answer."""
    slow = isinstance(error, SshError) and error.cause is Cause.SLOW
    return TIMED_OUT if slow else UNREACHED


def worst(results: Sequence[HostResult]) -> int:
    """The exit code of all: the largest one."""
    return max((result.exit_code for result in results), default=0)
