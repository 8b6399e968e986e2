"""Files that are never half-written and never readable by others, and a lock that names its holder."""

import contextlib
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from provision.errors import BusyError


def write_private(path: Path, text: str) -> None:
    """Write the file as a whole or not at all, mode 0600; its folder is made with mode 0700."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def locked(path: Path, cluster: str, command: str) -> Iterator[None]:
    """Hold the lock at ``path`` for as long as the block runs; a killed holder lets go by itself.

    Raises:
        BusyError: another process holds it; names its command, process id and start time.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(path, cluster) from None
        if not path.exists() or path.stat().st_ino != os.fstat(stream.fileno()).st_ino:
            # The holder before us removed the file while we opened it: ours locks nothing.
            raise _busy(path, cluster)
        stream.seek(0)
        stream.truncate()
        started = time.strftime("%Y-%m-%d %H:%M:%S")
        json.dump({"pid": os.getpid(), "started": started, "command": command}, stream)
        stream.flush()
        yield


def _busy(path: Path, cluster: str) -> BusyError:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return BusyError(cluster, holder["command"], holder["pid"], holder["started"])
    except (OSError, ValueError, KeyError):
        return BusyError(cluster, "another command", 0, "just now")
