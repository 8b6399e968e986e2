"""The same work on many machines at once, through the controller: a result each, as they come.

All go through one connection to the controller. One that is lost costs nobody's result: what had not
yet begun on its machine is tried once more over a new one. What had begun is told and never repeated.
"""

import queue
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provision.errors import UnreachableError
from provision.remote import ssh
from provision.remote.deadline import Deadline, Stopped
from provision.remote.failures import Cause, SshError
from provision.remote.ssh import Connection, Login

if TYPE_CHECKING:
    from provision.remote.transport import Transport

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
GRACE = 2.0
"""Seconds that work has to end in when nobody waits for it any more."""
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

    def __init__(self, controller: Connection, stop: threading.Event) -> None:
        self._transport, self._first, self._stop = controller.transport, controller, stop
        self._turn = threading.Lock()
        self._own: list[Transport] = []

    def get(self) -> "Transport":
        """The connection; raises ``SshError`` where the controller does not answer any more."""
        with self._turn:  # opening has a limit, and so has whoever waits for it
            if not self._transport.is_active():
                first, limit = self._first, Deadline(ssh.CONNECT_SECONDS, self._stop)
                self._transport = ssh.opened(first.login, first.where, limit)
                self._own.append(self._transport)
            return self._transport

    def close(self) -> None:
        """Close what was opened here."""
        for transport in self._own:
            transport.close()


HostWork = Callable[["Transport", str, Deadline], HostResult]
"""What is done on one machine, over the connection to it, under its name, within a limit."""


def commanding(command: str) -> HostWork:
    """The work of running a command."""

    def work(transport: "Transport", name: str, limit: Deadline) -> HostResult:
        done = ssh.executed(transport, name, command, limit, most=MOST)
        return HostResult(name, done.exit_code, done.stdout, done.stderr)

    return work


def here(controller: Connection, name: str, work: HostWork, timeout: float) -> HostResult:
    """Do the work on the controller itself."""
    return _settled(controller.transport, name, work, Deadline(timeout))


def each(
    controller: Connection, hosts: Mapping[str, Login], work: HostWork, timeout: float
) -> Generator[HostResult]:
    """Do the work on all hosts, :data:`WIDTH` at once; results come in the order they end.

    A host that does not answer has exit code 255, one whose ``timeout`` (seconds) was over 124. Ending
    the iteration early ends what still runs.
    """
    stop = threading.Event()
    way = Way(controller, stop)
    results: queue.SimpleQueue[HostResult | BaseException] = queue.SimpleQueue()

    def one(name: str, login: Login) -> None:
        try:
            results.put(_one(way, name, login, work, timeout, stop))
        except BaseException as error:  # noqa: BLE001  # raised by whoever waits
            results.put(error)

    # No host may take longer than this, so neither may all of them in their turns.
    limit = Deadline((timeout + ROUND) * (1 + len(hosts) // WIDTH))
    pool = ThreadPoolExecutor(WIDTH, thread_name_prefix="fanout")
    futures = [pool.submit(one, name, login) for name, login in hosts.items()]
    try:
        silent = dict.fromkeys(hosts)
        while silent:
            try:
                result = results.get(timeout=limit.left())
            except (queue.Empty, TimeoutError):
                yield from (_late(name, limit) for name in silent)
                return
            if isinstance(result, BaseException):
                raise result
            del silent[result.host]
            yield result
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        wait(futures, GRACE)
        way.close()


def _one(
    way: Way, name: str, login: Login, work: HostWork, timeout: float, stop: threading.Event
) -> HostResult:
    try:
        transport = _reached(way, name, login, stop)
    except UnreachableError as error:
        return HostResult(name, code_of(error), error=error.problem)
    try:
        return _settled(transport, name, work, Deadline(timeout, stop))
    finally:
        transport.close()


def _settled(transport: "Transport", name: str, work: HostWork, limit: Deadline) -> HostResult:
    """What comes of the work, as a result in any case."""
    try:
        return work(transport, name, limit)
    except UnreachableError as error:
        return HostResult(name, code_of(error), error=error.problem)
    except TimeoutError:
        return _late(name, limit)
    except Stopped:
        return HostResult(name, UNREACHED, error=f"{name} was not waited for")


def _late(name: str, limit: Deadline) -> HostResult:
    return HostResult(name, TIMED_OUT, error=f"{name} did not finish within {limit.seconds:g} s")


def _reached(way: Way, name: str, login: Login, stop: threading.Event) -> "Transport":
    """A connection to the host, tried once more where that may help: nothing has run there yet."""
    try:
        return ssh.opened(login, name, Deadline(ssh.CONNECT_SECONDS, stop), way.get())
    except SshError as error:
        if error.cause not in LOST or stop.is_set():
            raise
    return ssh.opened(login, name, Deadline(ssh.CONNECT_SECONDS, stop), way.get())


def code_of(error: UnreachableError) -> int:
    """The exit code of a machine of which there is this and no answer."""
    slow = isinstance(error, SshError) and error.cause is Cause.SLOW
    return TIMED_OUT if slow else UNREACHED


def worst(results: Sequence[HostResult]) -> int:
    """The exit code of all: the largest one."""
    return max((result.exit_code for result in results), default=0)
