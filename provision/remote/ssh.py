"""SSH by asyncssh: one connection to one machine, and commands over it.

Host keys are known before the first connection and always checked. A time limit is a limit of time,
whatever a command says meanwhile; a command that is cut off gets SIGTERM and then SIGKILL there.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from provision.cloud import Endpoint
from provision.errors import UnreachableError
from provision.keys import KeyPair
from provision.names import USER
from provision.remote import failures
from provision.remote.background import call
from provision.remote.failures import Seen, SshError
from provision.scheduler import Completed

if TYPE_CHECKING:
    # Slow to import; a command that reaches no machine does without it.
    from asyncssh import SSHClientConnection, SSHClientProcess, SSHReader

CONNECT_SECONDS = 15.0
"""How long a connection may take to stand: TCP, greeting, keys, log-in."""
FAST = {
    "kex_algs": ["curve25519-sha256", "curve25519-sha256@libssh.org"],
    "encryption_algs": ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr"],
}
"""What every sshd of the last ten years speaks at a third less CPU than the newest. (A tunnel through
the controller is encrypted twice.)"""
KEEPALIVE = 15.0
"""Seconds between questions on a connection that is silent; three without an answer end it."""
MOST = 256 << 20
"""Bytes of each stream that are kept of one command."""


@dataclass(frozen=True, slots=True)
class Login:
    """Whom to reach and by which keys: the user's pair, and the host's public line to expect."""

    endpoint: Endpoint
    user_key: KeyPair = field(repr=False)
    host_public: str


class Connection:
    """An open SSH connection; a :class:`~provision.scheduler.Shell`."""

    def __init__(self, connection: "SSHClientConnection", login: Login, where: str) -> None:
        self.connection = connection
        self.login = login
        self.where = where

    def run(self, command: str, timeout: float, stdin: str = "") -> Completed:
        """Run one command; see :meth:`provision.scheduler.Shell.run`."""
        work = executed(self.connection, self.where, command, timeout, stdin)
        try:
            return call(work, timeout + CONNECT_SECONDS)
        except TimeoutError:
            raise failures.slow(self.where, command, timeout) from None

    def close(self) -> None:
        """Close it; closing twice is no error."""
        with contextlib.suppress(TimeoutError):
            call(_close(self.connection), 1.0)


def connect(login: Login, where: str) -> Connection:
    """Connect once.

    Raises:
        SshError: no answer, a wrong key on either side, or a host key that is not ours.
    """
    seconds = CONNECT_SECONDS
    try:
        return Connection(call(opened(login, where, seconds), seconds + 1), login, where)
    except TimeoutError as error:
        raise failures.told(error, where, login.endpoint, Seen(), seconds) from None


@contextlib.contextmanager
def controller_shell(login: Login, where: str, deadline: float = 0.0) -> Iterator[Connection]:
    """A connection to the controller, tried again until ``deadline`` seconds have passed."""
    attempt = retry(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_delay(deadline),
        wait=wait_fixed(0.5),
        reraise=True,
    )(connect)
    connection = attempt(login, where)
    try:
        yield connection
    finally:
        connection.close()


async def opened(
    login: Login, where: str, seconds: float, tunnel: "SSHClientConnection | None" = None
) -> "SSHClientConnection":
    """Connect within ``seconds``, through another connection where one is given (``ProxyJump``).

    Raises:
        SshError: why there is no connection.
    """
    import asyncssh

    endpoint, seen = login.endpoint, Seen()
    try:
        host_key = asyncssh.import_public_key(login.host_public)
        user_key = asyncssh.import_private_key(login.user_key.private)
    except (asyncssh.KeyImportError, ValueError):
        raise UnreachableError(
            f"the keys of {where} are damaged",
            "run this where the cluster was started, or remove it with 'provision down'",
        ) from None
    try:
        async with asyncio.timeout(seconds):
            return await asyncssh.connect(
                endpoint.address,
                endpoint.port,
                tunnel=tunnel or (),
                client_factory=lambda: _witness(seen),
                username=USER,
                client_keys=[user_key],
                known_hosts=([host_key], [], []),
                preferred_auth="publickey",
                config=None,
                agent_path=None,
                connect_timeout=seconds,
                login_timeout=seconds,
                keepalive_interval=KEEPALIVE,
                **FAST,
            )
    except (asyncssh.Error, OSError, EOFError) as error:
        raise failures.told(error, where, endpoint, seen, seconds) from error


def _witness(seen: Seen) -> Any:
    """What asyncssh tells of an attempt to connect."""
    import asyncssh

    class Witness(asyncssh.SSHClient):
        def connection_made(self, conn: "SSHClientConnection") -> None:
            seen.connected = True
            self._conn = conn

        def connection_lost(self, exc: Exception | None) -> None:
            seen.greeted = bool(self._conn.get_extra_info("server_version"))

        def auth_banner_received(self, msg: str, lang: str) -> None:
            seen.banner += msg

    return Witness()


async def executed(
    connection: "SSHClientConnection",
    where: str,
    command: str,
    seconds: float,
    stdin: str = "",
    most: int = MOST,
) -> Completed:
    """Run one command within ``seconds``; of each stream the first ``most`` bytes are kept.

    Raises:
        SshError: the connection broke, or the time was over (the command has been ended then).
    """
    async with started(connection, where, command) as process:
        try:
            async with asyncio.timeout(seconds):
                if stdin:
                    process.stdin.write(stdin.encode())
                process.stdin.write_eof()
                output, errors = await asyncio.gather(
                    _read(process.stdout, most), _read(process.stderr, most)
                )
                await process.wait_closed()
        except TimeoutError:
            raise failures.slow(where, command, seconds) from None
        code = _exit_code(process)
        if code is None:
            raise failures.broke(where, None)
        return Completed(code, output, errors)


@contextlib.asynccontextmanager
async def started(
    connection: "SSHClientConnection", where: str, command: str
) -> AsyncIterator["SSHClientProcess[bytes]"]:
    """A command that runs; it is ended there where this block ends before it does."""
    import asyncssh

    try:
        process = await _begun(connection, command)
        try:
            yield process
        finally:
            if _exit_code(process) is None:
                await _end(process)
            process.close()
    except (asyncssh.Error, OSError, EOFError) as error:
        raise failures.broke(where, error) from error


async def _begun(connection: "SSHClientConnection", command: str) -> "SSHClientProcess[bytes]":
    """Begin it. Who is stopped in this moment does not know whether it runs there: it is ended."""
    beginning = asyncio.ensure_future(connection.create_process(command, encoding=None))
    try:
        return await asyncio.shield(beginning)
    except asyncio.CancelledError:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await _end(await beginning)
        raise


def reachable(endpoint: Endpoint, timeout: float = 1.0) -> bool:
    """Whether something listens there: cheaper than a failed SSH handshake while a machine boots."""
    try:
        with socket.create_connection((endpoint.address, endpoint.port), timeout=timeout):
            return True
    except OSError:
        return False


async def _read(stream: "SSHReader[bytes]", most: int) -> str:
    """The stream to its end; what is more than ``most`` is read too, or its writer would wait."""
    kept = bytearray()
    while block := await stream.read(1 << 16):
        kept += block[: most - len(kept)]
    return kept.decode(errors="replace")


async def _end(process: "SSHClientProcess[bytes]") -> None:
    """Tell the command's process group to end, and half a second later no longer ask."""
    for tell in (process.terminate, process.kill):
        with contextlib.suppress(OSError, TimeoutError):
            tell()
            async with asyncio.timeout(0.5):
                await process.wait_closed()
                return


def _exit_code(process: "SSHClientProcess[bytes]") -> int | None:
    """As a shell has it: 128 and the number of the signal that ended it. None while it runs."""
    if process.exit_signal:
        name = f"SIG{process.exit_signal[0]}"
        return 128 + getattr(signal, name, signal.SIGKILL)
    return process.exit_status


async def _close(connection: "SSHClientConnection") -> None:
    connection.close()
    await connection.wait_closed()


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, UnreachableError) and not (
        isinstance(error, SshError) and error.cause.final
    )
