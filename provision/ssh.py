"""SSH by paramiko: one connection to the controller, and the same command on many nodes at once.

Host keys are known before the first connection and always checked. Workers have no address that is
reached from outside, on any cloud, so they are reached through the controller.
"""

import contextlib
import io
import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import paramiko
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from provision.cloud import Endpoint
from provision.errors import UnreachableError
from provision.keys import KeyPair
from provision.scheduler import Completed

# paramiko logs tracebacks to stderr where no handler is set; its errors reach us as exceptions.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

USER = "provision"
"""The user our user-data makes on every machine; sudo without a password."""
CONNECT_TIMEOUT = 15.0
"""Seconds for TCP, banner and authentication each."""
POOL = 64
"""Nodes worked on at once."""
FOREIGN = (paramiko.SSHException, OSError, EOFError)
"""Everything paramiko and sockets raise when a machine does not answer as it should."""


@dataclass(frozen=True, slots=True)
class Login:
    """Whom to reach and by which keys: the user's pair, and the host's public line to expect."""

    endpoint: Endpoint
    user_key: KeyPair = field(repr=False)
    host_public: str


@dataclass(frozen=True, slots=True)
class HostResult:
    """What one host answered: its exit code and output, or why there is none."""

    host: str
    exit_code: int
    stdout: str = ""
    stderr: str = ""
    error: str = ""


class Connection:
    """An open SSH connection; a :class:`~provision.scheduler.Shell`."""

    def __init__(self, client: paramiko.SSHClient, where: str) -> None:
        self._client = client
        self._where = where

    def run(self, command: str, timeout: float, stdin: str = "") -> Completed:
        """Run one command; see :meth:`provision.scheduler.Shell.run`."""
        try:
            return self._run(command, timeout, stdin)
        except TimeoutError:
            raise UnreachableError(
                f"{self._where} did not finish {command.split()[0]!r} within {timeout:.0f} s",
                "try again, or look at 'provision logs'",
            ) from None
        except FOREIGN as error:
            raise UnreachableError(
                f"the connection to {self._where} broke ({_words(error)})", "run the command again"
            ) from error

    def _run(self, command: str, timeout: float, stdin: str) -> Completed:
        transport = self._transport()
        channel = transport.open_session(timeout=timeout)
        with channel:
            channel.settimeout(timeout)
            channel.exec_command(command)
            if stdin:
                channel.sendall(stdin.encode())
            channel.shutdown_write()
            with ThreadPoolExecutor(1) as pool:  # both streams are read, or a full one blocks
                errors = pool.submit(channel.makefile_stderr("rb").read)
                output = channel.makefile("rb").read()
            if not channel.status_event.wait(timeout):
                raise TimeoutError
            return Completed(
                channel.recv_exit_status(),
                output.decode(errors="replace"),
                errors.result().decode(errors="replace"),
            )

    def tunnel(self, address: str, port: int = 22) -> paramiko.Channel:
        """A socket to another machine, opened by this one (what ``ProxyJump`` does)."""
        return self._transport().open_channel(
            "direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=CONNECT_TIMEOUT
        )

    def close(self) -> None:
        """Close it; closing twice is no error."""
        self._client.close()

    def _transport(self) -> paramiko.Transport:
        transport = self._client.get_transport()
        if transport is None or not transport.is_active():
            raise UnreachableError(f"the connection to {self._where} is closed", "run it again")
        return transport


def connect(login: Login, where: str, tunnel: Any = None) -> Connection:
    """Connect once.

    Raises:
        UnreachableError: no answer, a wrong key on either side, or a host key that is not ours.
    """
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    address, port = login.endpoint.address, login.endpoint.port
    kind, key = login.host_public.split()[:2]
    known = f"[{address}]:{port}" if port != 22 else address
    entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{known} {kind} {key}")
    if entry is None or entry.key is None:
        raise UnreachableError(f"the host key of {where} is damaged", "run 'provision down' and up")
    client.get_host_keys().add(known, kind, entry.key)
    try:
        client.connect(
            address,
            port=port,
            username=USER,
            pkey=paramiko.Ed25519Key.from_private_key(io.StringIO(login.user_key.private)),
            sock=tunnel,
            timeout=CONNECT_TIMEOUT,
            banner_timeout=CONNECT_TIMEOUT,
            auth_timeout=CONNECT_TIMEOUT,
            allow_agent=False,
            look_for_keys=False,
        )
    except FOREIGN as error:
        client.close()
        raise UnreachableError(
            f"{where} does not answer on SSH at {address}:{port} ({_words(error)})",
            "look at 'provision status' and 'provision logs'",
        ) from error
    return Connection(client, where)


@contextlib.contextmanager
def controller_shell(login: Login, where: str, deadline: float = 0.0) -> Iterator[Connection]:
    """A connection to the controller, tried again until ``deadline`` seconds have passed."""
    attempt = retry(
        retry=retry_if_exception_type(UnreachableError),
        stop=stop_after_delay(deadline),
        wait=wait_fixed(0.5),
        reraise=True,
    )(connect)
    connection = attempt(login, where)
    try:
        yield connection
    finally:
        connection.close()


def fan_out(
    jump: Connection,
    hosts: Mapping[str, str],
    command: str,
    key: KeyPair,
    host_public: str,
    timeout: float,
) -> list[HostResult]:
    """Run the command on all hosts (name to address) through ``jump``, at most :data:`POOL` at once.

    Every host has its result, in the order given; a host that does not answer has exit code 255, as
    OpenSSH has it.
    """

    def one(name: str) -> HostResult:
        try:
            login = Login(Endpoint(hosts[name]), key, host_public)
            inner = connect(login, name, jump.tunnel(hosts[name]))
            with contextlib.closing(inner):
                done = inner.run(command, timeout)
            return HostResult(name, done.exit_code, done.stdout, done.stderr)
        except UnreachableError as error:
            return HostResult(name, 255, error=error.problem)
        except FOREIGN as error:
            return HostResult(name, 255, error=f"{name} does not answer on SSH ({_words(error)})")

    with ThreadPoolExecutor(POOL) as pool:
        return list(pool.map(one, hosts))


def reachable(endpoint: Endpoint, timeout: float = 1.0) -> bool:
    """Whether something listens there: cheaper than a failed SSH handshake while a machine boots."""
    try:
        with socket.create_connection((endpoint.address, endpoint.port), timeout):
            return True
    except OSError:
        return False


def worst(results: Sequence[HostResult]) -> int:
    """The exit code of all: the largest one."""
    return max((result.exit_code for result in results), default=0)


def _words(error: BaseException) -> str:
    return str(error).strip() or type(error).__name__
