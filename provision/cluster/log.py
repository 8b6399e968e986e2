"""The event log of a cluster: what its commands told, kept by the library in the cluster's folder.

One JSON object a line, in ``events.jsonl`` and, once that has grown to :data:`SIZE` bytes, in one older
file beside it. It is a convenience: it makes no folder, and nothing that goes wrong with it fails a
command. No secret is in it: the cluster's keys are masked, and what machines wrote on their consoles,
which may hold anything, is left out.
"""

import contextlib
import errno
import fcntl
import json
import os
import stat
import threading
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from provision import __version__
from provision.errors import (
    EXIT_BUG,
    EXIT_DONE,
    EXIT_INTERRUPTED,
    FindingsError,
    ProvisionError,
    UnreadableError,
)
from provision.events import Emit, Event, Progress, Warned, as_dict
from provision.files import read_regular
from provision.workspace import Workspace

FILE, OLDER = "events.jsonl", "events.1.jsonl"
SIZE = 8 * 1024 * 1024
"""Bytes of a file after which the next one is begun: about 40,000 events."""
LATE_MOST = 20
"""Names of late nodes worth keeping in one line."""
TEXT_MOST = 4000
"""Characters of a text worth keeping."""
PENDING = 1000
"""Lines kept in memory while the cluster has no folder yet."""
PROGRESS_EVERY = 1.0
"""Seconds between two lines of one step's progress."""
SECRET_LINE = 20
"""Characters from which a line of a key is one that nothing else looks like."""


class EventLog:
    """Appends one command's events. May be used from any thread."""

    def __init__(self, command: str, workspace: Workspace | None = None) -> None:
        self._marks = {"command": command, "run": uuid.uuid4().hex[:8]}
        self._workspace = workspace
        self._lock = threading.Lock()
        self._pending: deque[str] = deque(maxlen=PENDING)
        self._secrets: tuple[str, ...] = ()
        self._begun = self._gone = False
        self._progress: dict[str, float] = {}

    def keep_in(self, workspace: Workspace) -> None:
        """Where it is kept, for a command that found out late which cluster it is about."""
        self._workspace = workspace

    def event(self, event: Event) -> str:
        """Keep an event; answers why it cannot be kept, '' where it can or need not be."""
        data = as_dict(event)
        data.pop("console_tail", None)
        if isinstance(event, Progress):
            last = self._progress.get(event.step, -PROGRESS_EVERY)
            if event.at - last < PROGRESS_EVERY and event.done != event.total:
                return ""
            self._progress[event.step] = event.at
            data["late"] = event.late[:LATE_MOST]
        return self.keep(data)

    def keep(self, data: Mapping[str, Any]) -> str:
        """Keep one object; answers as :meth:`event`."""
        short = {k: v[:TEXT_MOST] if isinstance(v, str) else v for k, v in data.items()}
        with self._lock:
            self._pending.append(json.dumps({**short, **self._marks}, default=str))
            try:
                self._flush()
            except OSError as error:
                return error.strerror or type(error).__name__
        return ""

    def _flush(self) -> None:
        """Write what is pending where the folder is there. One that has gone is not waited for."""
        where = self._workspace
        if where is None or self._gone:
            return
        if where.folder.is_symlink() or not where.folder.is_dir():
            self._gone = self._begun
            return
        self._begun = True
        self._learn_secrets(where)
        while self._pending:
            line = self._pending.popleft()  # one that cannot be written is not tried for ever
            for secret in self._secrets:
                line = line.replace(secret, "***")
            with contextlib.suppress(FileNotFoundError):  # the folder went in between
                _append(where, f"{line}\n".encode())

    def _learn_secrets(self, where: Workspace) -> None:
        if self._secrets:
            return
        with contextlib.suppress(UnreadableError):  # told by whoever needs them
            if keys := where.keys():
                pairs = (keys.user, keys.controller_host, keys.worker_host)
                lines = [line for pair in pairs for line in pair.private.splitlines()]
                self._secrets = (
                    keys.munge,
                    *(line for line in lines if len(line) >= SECRET_LINE and line[0] != "-"),
                )


@contextlib.contextmanager
def recording(log: EventLog | None, emit: Emit) -> Iterator[Emit]:
    """An ``emit`` that also keeps the events; begin and end of the command are kept too."""
    if log is None:
        yield emit
        return
    told: list[str] = []

    def both(event: Event) -> None:
        why = log.event(event)
        if why and not told:
            told.append(why)
            emit(Warned(text=f"the cluster's event log cannot be written ({why}); the run goes on"))
        emit(event)

    log.keep(_mark("CommandStarted", version=__version__))
    code, problem = EXIT_DONE, ""
    try:
        yield both
    except FindingsError as error:  # what is wrong with a spec may quote it
        code, problem = error.exit_code, "; ".join(finding.where for finding in error.findings)
        raise
    except ProvisionError as error:
        code, problem = error.exit_code, str(error)
        raise
    except (KeyboardInterrupt, GeneratorExit):
        code, problem = EXIT_INTERRUPTED, "stopped"
        raise
    except BaseException as error:
        code, problem = EXIT_BUG, type(error).__name__  # its text may hold anything
        raise
    finally:
        log.keep(_mark("CommandEnded", exit_code=code, error=problem))


def read(cluster: str) -> Iterator[dict[str, Any]]:
    """What is kept of the cluster, oldest first; a line that is not whole is passed over.

    Raises:
        OSError: a file is there and cannot be read.
    """
    where = Workspace(cluster)
    for name in (OLDER, FILE):
        try:
            text = read_regular(where.path(name), 2 * SIZE).decode(errors="replace")
        except FileNotFoundError:
            continue
        for line in text.splitlines():
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict):
                    yield found


def _mark(kind: str, **fields: object) -> dict[str, object]:
    return {"event": kind, "at": Event().at, "pid": os.getpid(), **fields}


def _append(where: Workspace, line: bytes) -> None:
    """Add one line as a whole, or nothing of it."""
    path = where.path(FILE)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    handle = os.open(path, flags, 0o600)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        os.fchmod(handle, 0o600)
        if found.st_size and os.pread(handle, 1, found.st_size - 1) != b"\n":
            line = b"\n" + line  # a machine that lost its power left half of one
        written = os.write(handle, line)  # one call: a writer that is killed has written it or not
        if written < len(line):
            os.ftruncate(handle, found.st_size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        if found.st_size + written >= SIZE:
            _rotate(handle, where)
    finally:
        os.close(handle)


def _rotate(handle: int, where: Workspace) -> None:
    """Begin the next file, unless another process is just doing it or has done it."""
    path = where.path(FILE)
    with contextlib.suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(handle).st_ino:
            path.replace(where.path(OLDER))
