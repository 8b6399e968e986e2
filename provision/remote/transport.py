"""paramiko's connection, with two things mended that it does to whoever shares one.

It answers the end of a channel in one thread while another may still send on it. What comes behind an end
names a channel that sshd does not know, and sshd then closes the whole connection ("data packet
referred to nonexistent channel", OpenSSH channels.c): every tunnel through it is lost. Here both take
turns. And it passes over ``exit-signal`` (RFC 4254, 6.10), which tells a command that was killed from
a connection that broke.
"""

import signal
import threading
from typing import Any

import paramiko
from paramiko.common import MSG_CHANNEL_CLOSE, MSG_CHANNEL_REQUEST, cMSG_CHANNEL_REQUEST

TICK = 0.1
"""Seconds after which a sender that waits for room lets others have their turn."""
TURN_SECONDS = 1.0
"""Seconds that a channel's end waits for its turn; it may be held by a sender who waits for new keys."""


class Line:
    """A channel on which nothing is sent behind its end; a socket for a connection in a connection."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self.channel = channel
        self._inner: Any = channel  # what its stubs do not tell of
        self._turn = threading.Lock()
        self._transport = _of(channel)
        self._transport.lines[channel.get_id()] = self
        channel.settimeout(TICK)

    def send(self, data: bytes) -> int:
        """Send some of it. Raises TimeoutError where there is no room for now, EOFError behind the end."""
        with self._turn:
            if self.channel.closed or self.channel.eof_sent:
                raise EOFError
            return self.channel.send(data)

    def execute(self, command: str) -> None:
        """Begin a command. Not paramiko's way, which waits for the answer without a limit."""
        self._ask("exec", command)

    def tell(self, name: str) -> None:
        """Send a signal to the command that runs there (RFC 4254, 6.9); nothing where it has ended."""
        self._ask("signal", name)

    def _ask(self, what: str, value: str) -> None:
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(self.channel.remote_chanid)
        message.add_string(what)
        message.add_boolean(False)  # noqa: FBT003  # no reply: what was refused ends without an exit code
        message.add_string(value)
        with self._turn:
            if not self.channel.closed:
                self._inner.transport._send_user_message(message)

    def finish(self) -> None:
        """Tell the other side that nothing more is sent."""
        with self._turn:
            self.channel.shutdown_write()

    def close(self) -> None:
        """End it; ending twice is no error."""
        with self._turn:
            self.channel.close()

    def ended(self, message: paramiko.Message) -> None:
        """The other side has ended it: answered in its turn."""
        taken = self._turn.acquire(timeout=TURN_SECONDS)
        try:
            self._inner._handle_close(message)
        finally:
            if taken:
                self._turn.release()

    def recv(self, size: int) -> bytes:
        """Up to ``size`` bytes, b'' at the end. Raises TimeoutError after :data:`TICK` without any."""
        return self.channel.recv(size)

    @property
    def _closed(self) -> bool:
        """A socket's own mark, which paramiko asks for while it waits for its thread."""
        return self.channel.closed

    def settimeout(self, seconds: float | None) -> None:
        """Its waits are short already; a socket has this."""


class Transport(paramiko.Transport):
    """A connection that many may share."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.lines: dict[int, Line] = {}
        self.signals: dict[int, str] = {}
        """The signal that ended a channel's command, by the channel's number."""

    def tunnel(self, address: str, port: int, seconds: float) -> Line:
        """A way to another machine, opened by this one (what OpenSSH calls ProxyJump)."""
        return Line(
            self.open_channel("direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=seconds)
        )

    def session(self, seconds: float) -> Line:
        """A channel for one command."""
        return Line(self.open_session(timeout=seconds))

    def exit_code(self, channel: paramiko.Channel) -> int | None:
        """As a shell has it: 128 and the number of the signal that ended it. None where nobody said."""
        if name := self.signals.get(channel.get_id()):
            return 128 + getattr(signal, f"SIG{name}", signal.SIGKILL)
        return (
            channel.exit_status
            if channel.exit_status_ready() and channel.exit_status >= 0
            else None
        )

    def _unlink_channel(self, number: int) -> None:
        self.lines.pop(number, None)
        super()._unlink_channel(number)  # type: ignore[misc]  # the stubs leave it out


def _of(channel: paramiko.Channel) -> Transport:
    transport = channel.get_transport()
    assert isinstance(transport, Transport), "ours alone has channels that are ours"
    return transport


def _on_close(channel: Any, message: paramiko.Message) -> None:
    line = _of(channel).lines.get(channel.get_id())
    if line is None:  # ended before it was ours
        channel._handle_close(message)
    else:
        line.ended(message)


def _on_request(channel: Any, message: paramiko.Message) -> None:
    if message.get_text() == "exit-signal":
        message.get_boolean()
        _of(channel).signals[channel.get_id()] = message.get_text()
    again: Any = paramiko.Message(message.asbytes())
    again.get_int()  # the channel's number, which whoever called us has read
    channel._handle_request(again)


_own: Any = Transport
_own._channel_handler_table = {
    **_own._channel_handler_table,
    MSG_CHANNEL_CLOSE: _on_close,
    MSG_CHANNEL_REQUEST: _on_request,
}
