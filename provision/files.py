"""Files that are never half-written and never readable by others, and a lock that names its holder."""

import contextlib
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

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


def acquired(path: Path, seconds: float, waiting: Callable[[], object]) -> TextIO:
    """Hold the lock at ``path`` until what is answered is closed; the kernel frees it if we die.

    ``waiting`` is called once where another process holds it. Raises TimeoutError after ``seconds``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("a")
    told = False

    def held() -> bool:
        nonlocal told
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                waiting()
            told = True
            return False
        return True

    try:
        Retrying(
            retry=retry_if_result(lambda done: not done),
            wait=wait_fixed(0.5),
            stop=stop_after_delay(seconds),
        )(held)
    except RetryError as error:
        lock.close()
        raise TimeoutError(f"{path} is held by another process") from error
    except BaseException:
        lock.close()
        raise
    return lock


def _busy(path: Path, cluster: str) -> BusyError:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return BusyError(cluster, holder["command"], holder["pid"], holder["started"])
    except (OSError, ValueError, KeyError):
        return BusyError(cluster, "another command", 0, "just now")
