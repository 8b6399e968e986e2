"""The root that all light machines stand on: the node image's files in a folder of this host.

Named by the image's hash and made once, by one process at a time. Only what containers get from their
engine is added: device nodes, and our small ``systemctl`` in the place of systemd's.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from platformdirs import user_cache_path

from provision.errors import RuntimeFailure
from provision.events import Emit, Noted
from provision.runtimes.container import image
from provision.runtimes.container.base import LABEL
from provision.runtimes.container.engine import Engine
from provision.runtimes.light.guest.places import GUEST, RECORDS, SCRATCH, SYSTEMCTL

DEVICES = {
    "null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0),
}  # fmt: skip
"""Character devices every program counts on (Documentation/admin-guide/devices.txt)."""
LINKS = {
    "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx",
    # What PID 1 reads and keeps; see init.c.
    "console": "/proc/1/fd/1", "ttyS0": "/proc/1/fd/1",
}  # fmt: skip
"""Links of /dev."""
PLACES = ("/usr/bin/systemctl", "/usr/sbin/poweroff", "/usr/sbin/reboot", "/usr/sbin/halt",
          "/usr/sbin/shutdown")  # fmt: skip
"""Where systemd's own program stands in the image."""


def folder() -> Path:
    """Where the root of this checkout's node image is, or will be."""
    return roots() / image.fingerprint(image.folder())


def roots() -> Path:
    """The folder of all roots."""
    return user_cache_path("provision") / "light"


def ensure(engine: Engine, emit: Emit, in_use: Iterable[str]) -> Path:
    """Make the root where it is not here yet; answers its folder.

    Older ones go, but for those ``in_use``.
    """
    wanted = folder()
    if wanted.is_dir():
        return wanted
    name = image.ensure(engine, emit)
    with image.alone("root", emit):
        if not wanted.is_dir():
            emit(Noted(text="unpacking the node image for light machines (once; some seconds)"))
            for old in roots().glob("*") if roots().is_dir() else ():
                if str(old) not in set(in_use):
                    shutil.rmtree(old, ignore_errors=True)
            _make(engine, name, wanted)
    return wanted


def _make(engine: Engine, name: str, wanted: Path) -> None:
    wanted.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = wanted.with_name(f".{wanted.name}-{uuid4().hex[:8]}")
    ident = engine.create(
        f"provision-root-{uuid4().hex[:8]}",
        {"Image": name, "Cmd": ["/bin/true"], "Labels": {LABEL: "root"}},
    )
    try:
        scratch.mkdir(mode=0o755)
        _unpack(engine.export(ident), scratch)
        _furnish(scratch)
        scratch.rename(wanted)
    except OSError as error:
        raise RuntimeFailure(
            f"the node image cannot be unpacked in {wanted.parent} ({error})",
            "make room there, or set XDG_CACHE_HOME to a folder that allows devices",
        ) from error
    finally:
        engine.remove(ident)
        shutil.rmtree(scratch, ignore_errors=True)


def _unpack(chunks: Iterable[bytes], target: Path) -> None:
    # Numbers, or the owners would be this host's users of the same names.
    command = ["tar", "-x", "--numeric-owner", "--same-permissions", "-C", str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as tar:
        assert tar.stdin is not None and tar.stderr is not None, "both were asked for"
        try:
            for chunk in chunks:
                tar.stdin.write(chunk)
            tar.stdin.close()
            said = tar.stderr.read().decode(errors="replace").strip()
        except BrokenPipeError:
            said = tar.stderr.read().decode(errors="replace").strip()
    if tar.returncode:
        raise OSError(said.splitlines()[-1] if said else f"tar ended with {tar.returncode}")


def _furnish(root: Path) -> None:
    dev = root / "dev"
    shutil.rmtree(dev, ignore_errors=True)
    dev.mkdir(mode=0o755)
    for name, (major, minor) in DEVICES.items():
        os.mknod(dev / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        (dev / name).chmod(0o666)
    for name, target in LINKS.items():
        (dev / name).symlink_to(target)
    (dev / "pts").mkdir()
    (dev / "shm").mkdir()
    (dev / "shm").chmod(0o1777)
    for place in (GUEST, RECORDS, SCRATCH, "/proc", "/sys"):
        (root / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for place in PLACES:
        path = root / place.lstrip("/")
        path.unlink(missing_ok=True)
        os.link(root / SYSTEMCTL.lstrip("/"), path)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    # Readable for root alone: it leads to the console's file, which PID 1 holds.
    (root / "var/log/cloud-init-output.log").symlink_to("/proc/1/fd/4")
    # Nothing beyond this host is reached; a name that is not in /etc/hosts is unknown at once.
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").write_text("")
