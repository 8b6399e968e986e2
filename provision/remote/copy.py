"""One file to many machines, or from each of them: SFTP over the connections that commands go by.

What arrives is whole or not there: it is written under another name beside its own and renamed. A name
on this side is made of the node's and the file's, and can leave the folder it belongs in no more than
they can.
"""

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import TYPE_CHECKING

from provision.errors import UsageError
from provision.files import check_target
from provision.remote.deadline import Deadline, Stopped
from provision.remote.fanout import HostResult, HostWork

if TYPE_CHECKING:
    from paramiko import SFTPClient

    from provision.remote.transport import Transport

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a node's name may be to become a folder's."""
TIDY_SECONDS = 1.0


def put(source: Path, target: str) -> HostWork:
    """Copy the file to ``target`` on a machine: a path, from the user's home unless it begins with /.

    One that ends with / or is a folder there takes the file under its own name. Its mode stays.
    """

    def work(sftp: "SFTPClient", _name: str, limit: Deadline) -> str:
        into = target or "."
        if into.endswith("/") or _is_folder(sftp, into):
            into = str(PurePosixPath(into, source.name))
        path = PurePosixPath(into)
        half = str(path.with_name(f".{path.name}.{token_hex(4)}"))
        try:
            sftp.put(str(source), half, callback=lambda _done, _all: limit.left())
            sftp.chmod(half, stat.S_IMODE(source.stat().st_mode))
            sftp.posix_rename(half, into)
        except BaseException:
            _tidy(sftp, half)
            raise
        return f"{source} -> {into}"

    return _over_sftp(work)


def get(source: str, folder: Path) -> HostWork:
    """Copy the file of each machine to ``folder``/NODE/FILE."""
    name = file_name(source)

    def work(sftp: "SFTPClient", node: str, limit: Deadline) -> str:
        if not SAFE.fullmatch(node):
            raise OSError(f"{node!r} is no name for a folder")
        mode = sftp.stat(source).st_mode or 0
        if not stat.S_ISREG(mode):
            raise OSError(f"{source} is no regular file")
        target = folder / node / name
        check_target(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, half = tempfile.mkstemp(dir=target.parent, prefix=f".{name}.")
        os.close(handle)
        try:
            sftp.get(source, half, callback=lambda _done, _all: limit.left())
            Path(half).chmod(stat.S_IMODE(mode) & 0o777)
            Path(half).replace(target)
        except BaseException:
            Path(half).unlink(missing_ok=True)
            raise
        return f"{source} -> {target}"

    return _over_sftp(work)


def file_name(path: str) -> str:
    """The last part of a path on a machine; raises ``UsageError`` where it is no file's name."""
    name = PurePosixPath(path).name
    if not name or name in (".", "..") or path.endswith("/"):
        raise UsageError(
            f"':{path}' names no file", "give one: provision cp :/var/log/syslog logs/"
        )
    return name


def _over_sftp(work: "Callable[[SFTPClient, str, Deadline], str]") -> HostWork:
    def done(transport: "Transport", name: str, limit: Deadline) -> HostResult:
        import paramiko

        try:
            client = paramiko.SFTPClient.from_transport(transport)
            assert client is not None, "the transport is open"
            with client:
                # Of one answer; the whole has its limit in what is called with each block.
                _limited(client, limit.left())
                return HostResult(name, 0, f"{work(client, name, limit)}\n")
        except (TimeoutError, Stopped):
            raise
        except (paramiko.SSHException, OSError, EOFError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return HostResult(name, 1, error=said.strip() or type(error).__name__)

    return done


def _limited(sftp: "SFTPClient", seconds: float) -> None:
    """Wait no longer than this for an answer."""
    channel = sftp.get_channel()
    assert channel is not None, "it is open"
    channel.settimeout(seconds)


def _is_folder(sftp: "SFTPClient", path: str) -> bool:
    try:
        return stat.S_ISDIR(sftp.stat(path).st_mode or 0)
    except OSError:
        return False


def _tidy(sftp: "SFTPClient", path: str) -> None:
    """Remove what was half written, where that is still possible."""
    import paramiko

    with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
        _limited(sftp, TIDY_SECONDS)
        sftp.remove(path)
