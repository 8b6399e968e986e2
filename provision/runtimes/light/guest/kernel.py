"""System calls that the standard library of every supported Python does not have."""

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_CAPBSET_DROP = 24
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
"""Number of pivot_root(2), which the C library does not wrap."""

FORBIDDEN = (14, 15, 16, 17, 20, 22, 25, 26, 30, 34)
"""Capabilities a machine does not get: IPC_LOCK and IPC_OWNER stay, SYS_MODULE (16), SYS_RAWIO (17),
SYS_PACCT (20), SYS_BOOT (22), SYS_TIME (25), TTY_CONFIG (26), AUDIT_CONTROL (30), SYSLOG (34) go."""


def _checked(result: int, doing: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), doing)


def unshare(flags: int) -> None:
    """unshare(2)."""
    _checked(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """setns(2)."""
    _checked(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()
    )
    _checked(result, f"mount {kind or 'bind'} {target}")


def pivot_root(root: str) -> None:
    """Make ``root`` the root of this mount namespace and let go of the old one."""
    os.chdir(root)
    number = PIVOT_ROOT[os.uname().machine]
    _checked(_libc.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    _checked(_libc.umount2(b".", ctypes.c_int(MNT_DETACH)), "umount the old root")
    os.chdir("/")


def sethostname(name: str) -> None:
    """sethostname(2)."""
    data = name.encode()
    _checked(_libc.sethostname(data, ctypes.c_size_t(len(data))), "sethostname")


def drop_capabilities() -> None:
    """Take :data:`FORBIDDEN` out of the bounding set: no program started from here gets them."""
    for capability in FORBIDDEN:
        _checked(_libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0), "prctl")
