"""Locks of Pulumi's own on a stack: whose they are, and whether anybody still holds them.

A backend without a service has a file per lock, which a killed process leaves behind. What the
command says of them (pulumi/pkg/backend/diy/lock.go)::

    the stack is currently locked by 1 lock(s). Either wait for …
      file:///…/.pulumi/locks/…/UUID.json: created by root@host (pid 17) at 2026-11-24T08:56:52Z
"""

import contextlib
import os
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINE = re.compile(
    r"^\s*(?P<url>\S+): created by (?P<user>.*)@(?P<host>\S*) \(pid (?P<pid>\d+)\) at (?P<at>\S+)\s*$",
    re.M,
)
SLACK = 3.0
"""Seconds a process may seem younger than its lock: both times are rounded, and clocks are set."""

Began = Callable[[int], float | None]
"""When the process of that id began, in seconds since the epoch; None where there is none."""


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock. ``at`` is when it was taken, in seconds since the epoch."""

    url: str
    user: str
    host: str
    pid: int
    at: float

    @property
    def since(self) -> str:
        """Local time as text."""
        return datetime.fromtimestamp(self.at).strftime("%Y-%m-%d %H:%M:%S")

    @property
    def path(self) -> Path | None:
        """Its file, None where it is in a bucket."""
        parts = urlsplit(self.url)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None


def parse(text: str) -> list[Lock]:
    """All locks that an error of the command names."""
    return [
        Lock(
            match["url"],
            match["user"],
            match["host"],
            int(match["pid"]),
            datetime.fromisoformat(match["at"]).timestamp(),
        )
        for match in LINE.finditer(text)
    ]


def held(locks: Iterable[Lock], host: str, began: Began) -> list[Lock]:
    """Those that must be respected: of other hosts, and of processes that live.

    A process that began after its lock was taken is another one that got the same id.
    """
    return [lock for lock in locks if lock.host != host or _lives(lock, began)]


def _lives(lock: Lock, began: Began) -> bool:
    start = began(lock.pid)
    return start is not None and start <= lock.at + SLACK


def process_began(pid: int) -> float | None:
    """When that process of this host began (proc(5)), None where there is none.

    Where the system has no /proc, a process that is there counts as old.
    """
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(after_name[19])
        if after_name[0] == "Z":
            return None
    except (OSError, ValueError, IndexError):
        return None if Path("/proc/self/stat").exists() else _old_if_there(pid)
    return _boot_time() + ticks / os.sysconf("SC_CLK_TCK")


def _boot_time() -> float:
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0


def _old_if_there(pid: int) -> float | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return 0.0
    return 0.0


def this_host() -> str:
    """This host's name as the command writes it into its locks."""
    return socket.gethostname()


def clear(locks: Iterable[Lock]) -> bool:
    """Remove the files of these locks; False where one is in a bucket and stays."""
    found = list(locks)
    if any(lock.path is None for lock in found):
        return False
    for lock in found:
        if lock.path is not None:
            with contextlib.suppress(FileNotFoundError):
                lock.path.unlink()
    return True
