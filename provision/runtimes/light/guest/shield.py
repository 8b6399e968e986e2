"""What of the kernel's own files a machine must not see, or only read: they are the host's.

The lists are those of the OCI runtimes (opencontainers/runtime-spec, config-linux.md; runc's defaults), and
beside them whatever this kernel has in /proc that could be written.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

from . import kernel
from .places import SCRATCH

MASKED = (
    "acpi", "asound", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi",
    "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "mtrr",
)  # fmt: skip
"""Entries of /proc that cannot be opened."""
MASKED_SYS = ("firmware", "devices/virtual/powercap")
OWN = ("self", "thread-self", "net", "mounts")
"""Links to what is a process's own."""
WRITABLE = 0o222


@functools.cache
def read_only() -> tuple[str, ...]:
    """Paths of this kernel that could be written; asked once, before machines are forked."""
    return tuple(
        str(path)
        for path in sorted(Path("/proc").iterdir())
        if not path.name.isdigit() and path.name not in (*OWN, *MASKED) and _writable(path)
    )


def _writable(path: Path) -> bool:
    """Whether it, or something below it, has a bit that lets somebody write."""
    try:
        mode = path.lstat().st_mode
        if path.is_dir() and not path.is_symlink():
            return any(_writable(inner) for inner in path.iterdir())
    except OSError:
        return False
    return not path.is_symlink() and bool(mode & WRITABLE)


def cover(root: str) -> None:
    """Over the proc and sysfs that are mounted below ``root``; who may not mount cannot undo it."""
    for path in read_only():
        _bind(root + path, root + path)
    for path in (*(f"/proc/{name}" for name in MASKED), *(f"/sys/{name}" for name in MASKED_SYS)):
        for source in _nothing(root, root + path):
            _bind(source, root + path)


def _nothing(root: str, path: str) -> Iterator[str]:
    """Something empty of the same kind, where there is anything to hide."""
    if Path(path).is_dir():
        yield root + SCRATCH
    elif Path(path).exists():
        yield root + "/dev/null"


def _bind(source: str, target: str) -> None:
    flags = kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | kernel.QUIET
    kernel.mount(source, target, flags=kernel.MS_BIND)
    kernel.mount("", target, flags=flags)
