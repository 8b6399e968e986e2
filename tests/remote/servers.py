"""SSH servers on loopback, by asyncssh: a real other side that a test can make misbehave."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncssh

from provision.cloud import Endpoint
from provision.keys import KeyPair, new_pair
from provision.names import USER
from provision.remote.ssh import Connection, Login, connect
from tests.remote.loop import call

SECONDS = 20.0


@dataclass
class Host:
    """One sshd, which can also be a controller: it opens tunnels. ``said`` is what happened there."""

    key: KeyPair = field(default_factory=lambda: new_pair("host"))
    user: KeyPair = field(default_factory=lambda: new_pair("user"))
    said: list[str] = field(default_factory=list)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    tunnels: int = 0
    banner: str = ""
    port: int = 0

    @property
    def login(self) -> Login:
        """How to get in."""
        return Login(Endpoint("127.0.0.1", self.port), self.user, self.key.public)

    def cut(self) -> None:
        """Lose every connection at once, as a network does."""
        for connection in self.connections:
            connection.abort()
        self.connections.clear()


class _Server(asyncssh.SSHServer):
    def __init__(self, host: Host) -> None:
        self._host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._host.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        if self._host.banner:
            self._conn.send_auth_banner(self._host.banner)
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        ours = asyncssh.import_public_key(self._host.user.public)
        return not self._host.banner and username == USER and key == ours

    def public_key_auth_supported(self) -> bool:
        return True

    def connection_requested(self, *where: Any) -> bool:
        self._host.tunnels += 1
        return True


@contextlib.contextmanager
def listening(host: Host) -> Iterator[Host]:
    """The host, reachable while the block runs."""

    async def work(process: asyncssh.SSHServerProcess[str]) -> None:
        command = process.command or ""
        host.said.append(command)
        await COMMANDS[command.split()[0]](host, process)

    async def begin() -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            lambda: _Server(host),
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.import_private_key(host.key.private)],
            process_factory=work,
            sftp_factory=True,
        )

    async def end(server: asyncssh.SSHAcceptor) -> None:
        server.close()
        host.cut()

    server = call(begin(), SECONDS)
    host.port = server.get_port()
    try:
        yield host
    finally:
        call(end(server), SECONDS)


@contextlib.contextmanager
def shell_on(host: Host) -> Iterator[Connection]:
    """A connection to it."""
    connection = connect(host.login, "demo-controller")
    try:
        yield connection
    finally:
        connection.close()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.contextmanager
def answering(talk: Talk) -> Iterator[int]:
    """A port where ``talk`` answers every connection."""

    async def begin() -> asyncio.Server:
        return await asyncio.start_server(talk, "127.0.0.1", 0)

    async def end(server: asyncio.Server) -> None:
        server.close()

    server = call(begin(), SECONDS)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        call(end(server), SECONDS)


def cutting(host: Host, after: list[int]) -> Talk:
    """Passes bytes on to the host; cuts the first connections after as many as ``after`` says."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = after.pop(0) if after else 1 << 30
        there, to_there = await asyncio.open_connection("127.0.0.1", host.port)

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            nonlocal left
            while left > 0 and (block := await source.read(1 << 12)):
                sink.write(block)
                left -= len(block)

        both = [
            asyncio.create_task(pass_on(reader, to_there)),
            asyncio.create_task(pass_on(there, writer)),
        ]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED, timeout=SECONDS)
        for task in both:
            task.cancel()
        writer.close()
        to_there.close()

    return talk


async def _echo(host: Host, process: asyncssh.SSHServerProcess[str]) -> None:
    process.stdout.write((process.command or "").partition(" ")[2] + "\n")
    process.exit(0)


async def _cat(host: Host, process: asyncssh.SSHServerProcess[str]) -> None:
    process.stdout.write(await process.stdin.read())
    process.exit(0)


async def _fail(host: Host, process: asyncssh.SSHServerProcess[str]) -> None:
    process.stderr.write("no such thing\n")
    process.exit(3)


async def _forever(host: Host, process: asyncssh.SSHServerProcess[str]) -> None:
    """Says something all the time, and notes the signals it gets; a deaf one ends by KILL only."""
    deaf = "deaf" in (process.command or "")
    while not process.is_closing():
        process.stdout.write("x\n")
        try:
            await process.stdin.read()
            await asyncio.sleep(0.02)
        except asyncssh.SignalReceived as heard:
            host.said.append(heard.signal)
            if heard.signal == "KILL" or not deaf:
                process.exit_with_signal(heard.signal)
                return


async def _much(host: Host, process: asyncssh.SSHServerProcess[str]) -> None:
    for _ in range(40):
        process.stdout.write("y" * (1 << 16))
        await process.stdout.drain()
    process.exit(0)


async def _killed(host: Host, process: asyncssh.SSHServerProcess[str]) -> None:
    process.exit_with_signal(signal.SIGSEGV.name.removeprefix("SIG"))


async def _cut(host: Host, process: asyncssh.SSHServerProcess[str]) -> None:
    host.cut()


COMMANDS = {
    "echo": _echo, "cat": _cat, "fail": _fail, "forever": _forever, "much": _much,
    "killed": _killed, "cut": _cut,
}  # fmt: skip
"""What the hosts can run."""
