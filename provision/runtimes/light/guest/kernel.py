"""System calls that the standard library of every supported Python does not have."""

import ctypes
import errno
import os
import struct
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
CLONE_NEWCGROUP = 0x02000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
QUIET = MS_NOSUID | MS_NODEV | MS_NOEXEC
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_CAPBSET_DROP = 24
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
"""Number of pivot_root(2), which the C library does not wrap."""

CAPABILITIES = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7,
    "SETPCAP": 8, "NET_BIND_SERVICE": 10, "NET_RAW": 13, "SYS_CHROOT": 18, "SYS_RESOURCE": 24,
    "AUDIT_WRITE": 29, "SETFCAP": 31,
}  # fmt: skip
"""What a machine's root may (capabilities(7)): what container engines give but for MKNOD, and SYS_RESOURCE,
with which slurmd and PAM raise limits. SYS_ADMIN is not there: who may mount can undo what is read-only."""
CLONE_NEWUSER = 0x10000000
CLONE3 = 435
CLONERS = {"x86_64": (0xC000003E, 56, 272), "aarch64": (0xC00000B7, 220, 97)}
"""By architecture: its number in seccomp_data (linux/audit.h), clone(2)'s and unshare(2)'s."""
LAST_CAP = "/proc/sys/kernel/cap_last_cap"
CAPABILITY_VERSION_3 = 0x20080522


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


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def forbid_user_namespaces() -> None:
    """For this process and all that it begets; needs SYS_ADMIN.

    In a user namespace of its own root has every capability again, and a cgroup hierarchy that it mounts
    there is the host's, whose files belong to the uid that both roots are. Container engines refuse the
    same calls (moby/profiles, seccomp/default.json): clone3 as if there were none, since its flags
    stand in memory, where a filter cannot look; the C library then takes clone.
    """
    architecture, clone, unshare_ = CLONERS[os.uname().machine]
    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
    allow, refuse = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW and _ERRNO, linux/seccomp.h
    steps = (
        (load, 0, 0, 4),
        (equal, 0, 9, architecture),
        (load, 0, 0, 0),
        (at_least, 7, 0, 0x40000000),  # x32, the other way to call an x86_64 kernel
        (equal, 6, 0, CLONE3),
        (equal, 1, 0, clone),
        (equal, 0, 2, unshare_),
        (load, 0, 0, 16),
        (any_bit, 1, 0, CLONE_NEWUSER),
        (answer, 0, 0, allow),
        (answer, 0, 0, refuse | errno.EPERM),
        (answer, 0, 0, refuse | errno.ENOSYS),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(code))
    mode = ctypes.c_ulong(SECCOMP_MODE_FILTER)
    _checked(_libc.prctl(PR_SET_SECCOMP, mode, ctypes.byref(program), 0, 0), "seccomp")


def drop_capabilities() -> None:
    """Keep :data:`CAPABILITIES`, in this process and in all that it begets.

    This process goes on with cloud-init, which executes user-data's own Python (``part-handler``).
    """
    last = int(Path(LAST_CAP).read_text())
    for capability in set(range(last + 1)) - set(CAPABILITIES.values()):
        _checked(_libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0), "prctl")
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Effective, permitted and inheritable, the lower 32 bits and then the higher ones.
    data = (ctypes.c_uint32 * 6)()
    _checked(_libc.capget(header, data), "capget")
    # This host's root may be a container's, and have less itself.
    kept = data[1] & sum(1 << number for number in CAPABILITIES.values())
    data[:] = [kept, kept, 0, 0, 0, 0]
    _checked(_libc.capset(header, data), "capset")
