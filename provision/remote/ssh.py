"""SSH by paramiko: one connection to one machine, and commands over it.

Host keys are known before the first connection and always checked. A time limit is a limit of time,
whatever a command says meanwhile; a command that is cut off gets SIGTERM and then SIGKILL there.
"""

import base64
import binascii
import contextlib
import io
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from provision.cloud import Endpoint
from provision.errors import UnreachableError
from provision.keys import KeyPair
from provision.names import USER
from provision.remote import failures
from provision.remote.deadline import Deadline, Stopped
from provision.remote.failures import Seen, SshError
from provision.scheduler import Completed

if TYPE_CHECKING:
    # Slow to import; a command that reaches no machine does without it.
    import paramiko

    from provision.remote.transport import Line, Transport

# paramiko logs tracebacks to stderr where no handler is set; its errors reach us as exceptions.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

CONNECT_SECONDS = 15.0
"""How long a connection may take to stand: TCP, greeting, keys, log-in."""
FAST_KEX = ("curve25519-sha256@libssh.org",)
FAST_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr")
"""What every sshd of the last ten years speaks at a third less CPU than the newest. (A tunnel through
the controller is encrypted twice.)"""
KEEPALIVE = 15
"""Seconds between questions on a connection that is silent."""
MOST = 256 << 20
"""Bytes of each stream that are kept of one command."""
TICK = 0.1
"""Seconds between two looks at a command that says nothing."""
END_SECONDS = 0.5
"""Seconds that a command has to end after SIGTERM, and after SIGKILL."""
BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Login:
    """Whom to reach and by which keys: the user's pair, and the host's public line to expect."""

    endpoint: Endpoint
    user_key: KeyPair = field(repr=False)
    host_public: str


class Connection:
    """An open SSH connection; a :class:`~provision.scheduler.Shell`."""

    def __init__(self, transport: "Transport", login: Login, where: str) -> None:
        self.transport = transport
        self.login = login
        self.where = where

    def run(self, command: str, timeout: float, stdin: str = "") -> Completed:
        """Run one command; see :meth:`provision.scheduler.Shell.run`."""
        return executed(self.transport, self.where, command, Deadline(timeout), stdin)

    def close(self) -> None:
        """Close it; closing twice is no error."""
        self.transport.close()


def connect(login: Login, where: str) -> Connection:
    """Connect once.

    Raises:
        SshError: no answer, a wrong key on either side, or a host key that is not ours.
    """
    return Connection(opened(login, where, Deadline(CONNECT_SECONDS)), login, where)


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


def opened(
    login: Login, where: str, limit: Deadline, tunnel: "Transport | None" = None
) -> "Transport":
    """Connect within the limit, through another connection where one is given (``ProxyJump``).

    Raises:
        SshError: why there is no connection.
    """
    import paramiko

    endpoint, seen = login.endpoint, Seen()
    host_key, user_key = _keys(login, where)
    made: Transport | None = None
    try:
        made = _begun(endpoint, host_key.get_name(), limit, tunnel)
        seen.connected = True
        made.start_client(timeout=limit.left())
        if not made.initial_kex_done:
            raise TimeoutError
        if made.get_remote_server_key() != host_key:
            raise paramiko.BadHostKeyException(where, made.get_remote_server_key(), host_key)
        made.auth_timeout = limit.left()
        made.auth_publickey(USER, user_key)
        made.set_keepalive(KEEPALIVE)
        return made
    except (paramiko.SSHException, OSError, EOFError, Stopped) as error:
        if made is not None:
            seen.greeted = bool(made.remote_version)
            seen.banner = (made.get_banner() or b"").decode(errors="replace")
            made.close()
        raise failures.told(error, where, endpoint, seen, CONNECT_SECONDS) from error


def _keys(login: Login, where: str) -> "tuple[paramiko.PKey, paramiko.PKey]":
    """The host's public key and the user's private one."""
    import paramiko

    try:
        kind, data = login.host_public.split()[:2]
        host_key = paramiko.PKey.from_type_string(kind, base64.b64decode(data, validate=True))
        private = io.StringIO(login.user_key.private)
        return host_key, paramiko.Ed25519Key.from_private_key(private)
    except (
        paramiko.SSHException,
        paramiko.pkey.UnknownKeyType,
        binascii.Error,
        ValueError,
        EOFError,
    ):
        raise UnreachableError(
            f"the keys of {where} are damaged",
            "run this where the cluster was started, or remove it with 'provision down'",
        ) from None


def _begun(
    endpoint: Endpoint, key_type: str, limit: Deadline, tunnel: "Transport | None"
) -> "Transport":
    """A connection that has not greeted yet."""
    from provision.remote.transport import Transport

    line: socket.socket | Line
    if tunnel is None:
        line = socket.create_connection((endpoint.address, endpoint.port), timeout=limit.left())
    else:
        line = tunnel.tunnel(endpoint.address, endpoint.port, limit.left())
    try:
        made = Transport(line)
        options = made.get_security_options()
        options.key_types, options.kex, options.ciphers = (key_type,), FAST_KEX, FAST_CIPHERS
        made.banner_timeout = made.handshake_timeout = limit.left()
        return made
    except BaseException:
        line.close()
        raise


def executed(
    transport: "Transport",
    where: str,
    command: str,
    limit: Deadline,
    stdin: str = "",
    most: int = MOST,
) -> Completed:
    """Run one command within the limit; of each stream the first ``most`` bytes are kept.

    Raises:
        SshError: the connection broke, or the time was over (the command has been ended then).
        Stopped: nobody waits any more (it has been ended too).
    """
    import paramiko

    try:
        line = transport.session(limit.left(CONNECT_SECONDS))
        try:
            line.execute(command)
            output, errors = _talked(line, stdin.encode(), limit, most)
        finally:
            if transport.exit_code(line.channel) is None and transport.is_active():
                _end(line)
            line.close()
    except TimeoutError:
        raise failures.slow(where, command, limit.seconds) from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise failures.broke(where, error) from error
    code = transport.exit_code(line.channel)
    if code is None:
        raise failures.broke(where, None)
    return Completed(code, output, errors)


def _talked(line: "Line", stdin: bytes, limit: Deadline, most: int) -> tuple[str, str]:
    """What the command says until it has ended, while it is given its input."""
    channel, something = line.channel, threading.Event()
    for buffer in (channel.in_buffer, channel.in_stderr_buffer):
        buffer.set_event(something)
    output, errors, rest = bytearray(), bytearray(), memoryview(stdin)
    fed = False
    while True:
        ended = channel.closed or (channel.eof_received and channel.exit_status_ready())
        moved = False
        while channel.recv_ready() and (block := channel.recv(BLOCK)):
            moved = True
            output += block[: most - len(output)]
        while channel.recv_stderr_ready() and (block := channel.recv_stderr(BLOCK)):
            moved = True
            errors += block[: most - len(errors)]
        if ended:
            return output.decode(errors="replace"), errors.decode(errors="replace")
        if not fed:
            rest, fed = _fed(line, rest)
            moved = moved or not fed
        seconds = limit.left(TICK)
        if channel.eof_received:  # all was said, and it has not ended
            channel.status_event.wait(seconds)
        elif not moved:
            something.wait(seconds)
            something.clear()


def _fed(line: "Line", rest: memoryview) -> tuple[memoryview, bool]:
    """Give the command some of its input; answers what is left, and whether it has had its end."""
    try:
        if rest:
            return rest[line.send(bytes(rest[:BLOCK])) :], False
        line.finish()
    except TimeoutError:
        return rest, False
    except EOFError:
        pass  # it ended without reading all
    return rest, True


def _end(line: "Line") -> None:
    """Tell the command to end, and half a second later no longer ask."""
    for name in ("TERM", "KILL"):
        line.tell(name)
        # Set by an exit code, and by the channel's end where a signal was the end.
        if line.channel.status_event.wait(END_SECONDS):
            return


def reachable(endpoint: Endpoint, timeout: float = 1.0) -> bool:
    """Whether something listens there: cheaper than a failed SSH handshake while a machine boots."""
    try:
        with socket.create_connection((endpoint.address, endpoint.port), timeout=timeout):
            return True
    except OSError:
        return False


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, UnreachableError) and not (
        isinstance(error, SshError) and error.cause.final
    )
