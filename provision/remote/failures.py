"""Why a machine cannot be logged into: each cause its own sentence and its own next step."""

import errno
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from provision.errors import UnreachableError

if TYPE_CHECKING:
    from provision.cloud import Endpoint

NO_ROUTE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
BOOTING = "booting up"
"""What pam_nologin tells everybody but root until the machine has booted (pam_nologin man page)."""

LOST = "transport shut down"
"""What paramiko's failed log-in says where the connection was lost in it."""


class Cause(StrEnum):
    """Why there is no connection."""

    REFUSED = "refused"
    """The machine is there, and nothing listens."""
    NO_ROUTE = "no route"
    SILENT = "silent"
    """Nothing came back: the machine is off, or a firewall drops what is sent."""
    GREETING = "greeting"
    """Something listens and does not speak SSH (yet)."""
    BOOTING = "booting"
    """The machine says that it does not let people in yet."""
    HOST_KEY = "host key"
    OUR_KEY = "our key"
    NO_TUNNEL = "no tunnel"
    """The controller could not open a way to the node."""
    BROKE = "broke"
    """The connection was there and ended."""
    SLOW = "slow"
    """The command did not end within its time."""

    @property
    def alive(self) -> bool:
        """Whether the machine itself has spoken. That a connection was taken shows nothing: some
        networks answer for addresses that nobody has."""
        return self in (Cause.BOOTING, Cause.OUR_KEY, Cause.BROKE, Cause.SLOW)

    @property
    def final(self) -> bool:
        """Whether waiting does not help."""
        return self is Cause.HOST_KEY


@dataclass(slots=True)
class Seen:
    """How far an attempt to connect came, and what the other side said before it let us in."""

    connected: bool = False
    greeted: bool = False
    banner: str = ""


class SshError(UnreachableError):
    """There is no connection, and why. ``where`` is the machine's name."""

    def __init__(self, cause: Cause, where: str, problem: str, next_step: str) -> None:
        super().__init__(problem, next_step)
        self.cause, self.where = cause, where


def told(
    error: Exception, where: str, endpoint: "Endpoint", seen: Seen, seconds: float
) -> SshError:
    """The error that a failed attempt to connect comes to; ``seconds`` is what it was given."""
    cause = _cause(error, seen)
    problem, step = _SENTENCES[cause]
    words = {
        "where": where,
        "at": f"{endpoint.address}:{endpoint.port}",
        "seconds": f"{seconds:.0f}",
        "why": _words(error),
    }
    return SshError(cause, where, problem.format(**words), step)


def broke(where: str, why: Exception | None) -> SshError:
    """The connection ended while a command ran."""
    words = f" ({_words(why)})" if why else ""
    return SshError(
        Cause.BROKE,
        where,
        f"the connection to {where} broke{words} while a command ran",
        "see whether it ran before you run it again",
    )


def slow(where: str, command: str, seconds: float) -> SshError:
    """The command did not end within its time."""
    return SshError(
        Cause.SLOW,
        where,
        f"{where} did not finish {command.split()[0]!r} within {seconds:g} s; it was ended there",
        "give it longer, or look at 'provision logs'",
    )


_SENTENCES = {
    Cause.REFUSED: (
        "{where} refuses SSH at {at}: nothing listens there",
        "it is still booting or its sshd is down; look at 'provision logs'",
    ),
    Cause.NO_ROUTE: (
        "there is no route to {where} at {at} ({why})",
        "check the network between this machine and the cluster",
    ),
    Cause.SILENT: (
        "{where} did not answer at {at} within {seconds} s",
        "it is off, or a firewall drops what comes from here; look at 'provision status'",
    ),
    Cause.GREETING: (
        "{where} takes connections at {at} and its SSH does not greet yet",
        "it is still booting; wait, and look at 'provision logs' if it stays so",
    ),
    Cause.BOOTING: ("{where} is still booting and lets nobody in yet", "wait for it to boot"),
    Cause.HOST_KEY: (
        "the machine that answers as {where} at {at} does not have the host key that we gave it",
        "do not trust it: another machine has that address, or its keys were changed there; replace "
        "it with 'provision down' and 'provision up'",
    ),
    Cause.OUR_KEY: (
        "{where} does not take our key at {at}",
        "it has not made our user yet, or was brought up with other keys; look at 'provision logs'",
    ),
    Cause.NO_TUNNEL: (
        "the controller cannot reach {where} at {at} ({why})",
        "it is booting, off or stopped; look at 'provision status'",
    ),
    Cause.BROKE: (
        "the connection to {where} at {at} broke before it stood ({why})",
        "run it again; look at 'provision logs' if it stays so",
    ),
}


def _cause(error: Exception, seen: Seen) -> Cause:
    import paramiko

    match error:
        case paramiko.BadHostKeyException():
            return Cause.HOST_KEY
        case paramiko.ssh_exception.IncompatiblePeer() if "host key" in str(error):
            return Cause.HOST_KEY
        case paramiko.ChannelException():
            return Cause.NO_TUNNEL
        case ConnectionRefusedError():
            return Cause.REFUSED
        case TimeoutError():  # our limit, or the kernel's own ETIMEDOUT
            return Cause.GREETING if seen.connected and not seen.greeted else Cause.SILENT
        case OSError() if error.errno in NO_ROUTE:
            return Cause.NO_ROUTE
    if BOOTING in seen.banner or BOOTING in str(error):
        return Cause.BOOTING
    if isinstance(error, paramiko.AuthenticationException) and LOST not in str(error):
        return Cause.OUR_KEY
    return Cause.BROKE if seen.greeted else Cause.GREETING


def _words(error: BaseException) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return said.strip() or type(error).__name__
