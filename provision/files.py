"""Files: read within bounds, never half-written, never readable by others; a lock that names its holder."""

import contextlib
import errno
import fcntl
import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TextIO

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.errors import BusyError, ProvisionError

SIZE_MAX = 1024 * 1024
"""Bytes of the largest file read that a user names."""
STDIN = Path("-")
NOT_REGULAR = {
    stat.S_IFDIR: (errno.EISDIR, "is a directory"),
    stat.S_IFIFO: (errno.EINVAL, "is a pipe, not a file"),
    stat.S_IFSOCK: (errno.EINVAL, "is a socket, not a file"),
    stat.S_IFCHR: (errno.EINVAL, "is a device, not a file"),
    stat.S_IFBLK: (errno.EINVAL, "is a device, not a file"),
}


def read_regular(path: Path, most: int = SIZE_MAX) -> bytes:
    """What a regular file holds; waits for no writer and reads no more than ``most`` bytes.

    Raises:
        OSError: it cannot be read; a pipe, a device, a directory or a file that is too large has its
            reason in ``strerror``, as every other refusal of the system has.
    """
    # Looked at before it is opened: opening alone does something to some devices.
    _check_regular(path.stat(), path)
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        _check_regular(os.fstat(handle), path)
        return _bounded(stream.read(most + 1), path, most)


def read_json(path: Path, most: int = SIZE_MAX * 100) -> Any:
    """What a JSON file of ours holds, whatever its shape.

    Raises:
        OSError: it cannot be read (FileNotFoundError: there is none).
        ValueError: it holds no JSON.
    """
    try:
        return json.loads(read_regular(path, most))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_named(path: Path, most: int = SIZE_MAX) -> bytes:
    """What the file holds that a user names, or standard input for ``-``; OSError as above."""
    if path != STDIN:
        return read_regular(path, most)
    if sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed", "-")
    return _bounded(sys.stdin.buffer.read(most + 1), path, most)


def check_target(path: Path) -> None:
    """Raise OSError where what a user names to be written is there and is no regular file."""
    with contextlib.suppress(FileNotFoundError):
        _check_regular(path.stat(), path)


def _check_regular(found: os.stat_result, path: Path) -> None:
    if why := NOT_REGULAR.get(stat.S_IFMT(found.st_mode)):
        raise OSError(*why, str(path))  # EISDIR makes it an IsADirectoryError


def _bounded(raw: bytes, path: Path, most: int) -> bytes:
    if len(raw) > most:
        raise OSError(errno.EFBIG, f"is larger than {most / SIZE_MAX:g} MiB", str(path))
    return raw


def private_folder(path: Path) -> None:
    """Make the folder where it is not there, mode 0700, and so every one above it that is missing."""
    for level in reversed((path, *path.parents)):
        if not level.exists():
            level.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write the file as a whole or not at all, mode 0600; its folder is made with mode 0700.

    It takes the place of whatever stands there: see :func:`check_target` for a path that a user names.
    """
    private_folder(path.parent)
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
        ProvisionError: there can be no lock, because of what stands there or who may write there.
    """
    with _opened_lock(path) as stream:
        with _lockable(path):
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _busy(path, cluster) from None
            if not path.exists() or path.stat().st_ino != os.fstat(stream.fileno()).st_ino:
                # The holder before us removed the file while we opened it: ours locks nothing.
                raise _busy(path, cluster)
            stream.truncate()
            started = time.strftime("%Y-%m-%d %H:%M:%S")
            json.dump({"pid": os.getpid(), "started": started, "command": command}, stream)
            stream.flush()
        yield


@contextlib.contextmanager
def claimed(folder: Path, name: str, cluster: str, command: str) -> Iterator[None]:
    """Hold the name in this folder of locks; its file goes with the lock. Raises as :func:`locked`."""
    path = folder / f"{name}.lock"
    with locked(path, cluster, command):
        try:
            yield
        finally:
            # Whoever locks next looks at the lock and not at the file.
            with contextlib.suppress(OSError):
                path.unlink()


def host_folder() -> Path:
    """Where locks on this host's machines stand: those of root's are seen by all of root's processes."""
    return Path("/run/provision/locks") if os.geteuid() == 0 else user_folder()


def user_folder() -> Path:
    """Where locks of this user's runs on this host stand, whatever folder they keep their state in."""
    return Path(tempfile.gettempdir()) / f"provision-{os.geteuid()}"


@contextlib.contextmanager
def _lockable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProvisionError(
            f"the lock {path} cannot be taken ({error.strerror})",
            "remove what stands in its way, or set XDG_STATE_HOME to a folder you may write",
        ) from error


def _opened_lock(path: Path) -> TextIO:
    with _lockable(path):
        private_folder(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        try:
            _check_regular(os.fstat(handle), path)
            return os.fdopen(handle, "r+", encoding="utf-8")
        except BaseException:
            os.close(handle)
            raise


def acquired(path: Path, seconds: float, waiting: Callable[[], object]) -> TextIO:
    """Hold the lock at ``path`` until what is answered is closed; the kernel frees it if we die.

    ``waiting`` is called once where another process holds it. Raises TimeoutError after ``seconds``.
    """
    lock = _opened_lock(path)
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
        holder = read_json(path)
        return BusyError(cluster, holder["command"], int(holder["pid"]), holder["started"])
    except (OSError, ValueError, LookupError, TypeError):
        return BusyError(cluster, "another command", 0, "just now")


class Folder(Protocol):
    """A cluster's folder on this machine, as much of it as a cloud may use; see ``Workspace``."""

    def path(self, name: str) -> Path:
        """Where the file of that name stands (it may not exist)."""

    def text(self, name: str) -> str | None:
        """What a file holds, None where there is none. Raises UnreadableError."""

    def write(self, name: str, text: str) -> None:
        """Write a file, mode 0600, whole or not at all."""

    def discard(self, name: str) -> None:
        """Remove one file or folder."""


Folders = Callable[[str], Folder]
"""A cluster's folder by the cluster's name."""
