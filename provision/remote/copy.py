"""One file to many machines, or from each of them: SFTP over the connections that commands go by.

What arrives is whole or not there: it is written under another name beside its own and renamed. A name
on this side is made of the node's and the file's, and can leave the folder it belongs in no more than
they can.
"""

import asyncio
import contextlib
import os
import re
import stat
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import TYPE_CHECKING

from provision.errors import UsageError
from provision.remote.fanout import HostResult, Work

if TYPE_CHECKING:
    from asyncssh import SFTPClient, SSHClientConnection

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a node's name may be to become a folder's."""
TIDY_SECONDS = 1.0


def put(source: Path, target: str) -> Work:
    """Copy the file to ``target`` on a machine: a path, from the user's home unless it begins with /.

    One that ends with / or is a folder there takes the file under its own name. Its mode stays.
    """

    async def work(sftp: "SFTPClient", name: str) -> str:
        into = target or "."
        if into.endswith("/") or await sftp.isdir(into):
            into = str(PurePosixPath(into, source.name))
        path = PurePosixPath(into)
        half = str(path.with_name(f".{path.name}.{token_hex(4)}"))
        try:
            await sftp.put(str(source), half)
            await sftp.chmod(half, stat.S_IMODE(source.stat().st_mode))
            await sftp.posix_rename(half, into)
        except BaseException:
            await _tidy(sftp, half)
            raise
        return f"{source} -> {into}"

    return _over_sftp(work)


def get(source: str, folder: Path) -> Work:
    """Copy the file of each machine to ``folder``/NODE/FILE."""
    name = file_name(source)

    async def work(sftp: "SFTPClient", node: str) -> str:
        import asyncssh

        if not SAFE.fullmatch(node):
            raise OSError(f"{node!r} is no name for a folder")
        found = await sftp.stat(source)
        if found.type != asyncssh.FILEXFER_TYPE_REGULAR:
            raise OSError(f"{source} is no regular file")
        target = folder / node / name
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, half = tempfile.mkstemp(dir=target.parent, prefix=f".{name}.")
        os.close(handle)
        try:
            await sftp.get(source, half)
            Path(half).chmod(stat.S_IMODE(found.permissions or 0o600) & 0o777)
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


def _over_sftp(work: "Callable[[SFTPClient, str], Awaitable[str]]") -> Work:
    async def done(connection: "SSHClientConnection", name: str) -> HostResult:
        import asyncssh

        try:
            async with _client(connection) as sftp:
                return HostResult(name, 0, f"{await work(sftp, name)}\n")
        except (asyncssh.Error, OSError) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return HostResult(name, 1, error=said.strip() or type(error).__name__)

    return done


@contextlib.asynccontextmanager
async def _client(connection: "SSHClientConnection") -> "AsyncIterator[SFTPClient]":
    client = await connection.start_sftp_client()
    try:
        yield client
    finally:
        client.exit()


async def _tidy(sftp: "SFTPClient", path: str) -> None:
    """Remove what was half written, where that is still possible."""
    import asyncssh

    with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
        async with asyncio.timeout(TIDY_SECONDS):
            await sftp.remove(path)
