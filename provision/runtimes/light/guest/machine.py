"""One machine: namespaces, a root of its own, a link, and then its user-data.

Everything here happens in the forked process that becomes the machine's PID 1; what it makes dies with
it: mounts, memory, link.
"""

import fcntl
import itertools
import os
import resource
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path

from . import fabric, firstboot, kernel, shield
from .netlink import LOOPBACK, Netlink
from .places import INIT, SCRATCH

WRITTEN, CONSOLE = 3, 4
"""Descriptors of PID 1: it copies what comes from the first, the machine's /dev/console, to the second."""
OPEN_FILES = 65_536
"""What the units of Slurm and munge ask of systemd, as far as this host allows it."""
LINK = "eth0"
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}


@dataclass(frozen=True)
class BootOrder:
    """A machine to boot. ``holder`` is the process that keeps its network, 0 for none.

    ``external`` is one more address of the machine, for which the host gets a route, or ''.
    """

    name: str
    host: str
    instance: str
    user_data: str = field(repr=False)
    holder: int
    address: str
    prefix: int
    gateway: str
    external: str
    leg: str


def become(order: BootOrder, console: int, report: int) -> None:
    """Become the machine; never comes back. ``report`` is told '+' once it executes.

    The descriptor ``report`` stays open until the user-data has been executed.
    """
    os.setsid()
    written, kept = _streams(console)
    _close_all_but(0, 1, 2, console, written, kept, report)
    os.umask(0o022)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, OPEN_FILES), most))
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    _connect(order)
    _root()
    kernel.sethostname(order.host)
    Path("/etc/hostname").write_text(order.host + "\n")
    with Path("/etc/hosts").open("a") as file:
        file.write(f"{order.address or '127.0.1.1'} {order.host}\n")
    kernel.forbid_user_namespaces()
    kernel.drop_capabilities()
    if os.fork() == 0:
        try:
            os.write(report, b"+")
            firstboot.run(order.instance, order.host, order.user_data)
        finally:
            os._exit(0)
    os.dup2(written, WRITTEN)
    os.dup2(kept, CONSOLE)
    os.execv(INIT, ["provision-light", "machine", order.name])


def _streams(console: int) -> tuple[int, int]:
    """Nothing to read, and a pipe to write on; answers the end that PID 1 reads, and the file.

    A pipe, because /dev/console leads to it: a shell's ``>`` would cut a file short.
    """
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    read, write = os.pipe()
    os.dup2(write, 1)
    os.dup2(write, 2)
    # Out of the way of the descriptors that PID 1 gets by number.
    return _high(read), _high(console)


def _close_all_but(*kept: int) -> None:
    """What the zygote holds of other machines and of this host is nothing for user-data."""
    edges = sorted(kept)
    for lower, upper in itertools.pairwise((*edges, 1 << 20)):
        os.closerange(lower + 1, upper)


def _high(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 64)


def _connect(order: BootOrder) -> None:
    """A network namespace of its own, and a link to its network's bridge."""
    if not order.holder:
        kernel.unshare(kernel.CLONE_NEWNET)
        fabric.no_ipv6()
        with Netlink() as own:
            own.up(LOOPBACK)
        return
    if order.external:
        with Netlink() as here:
            here.drop_route(order.external)
            here.route(socket.if_nametoindex(order.leg), order.address, order.external)
    network = os.open(f"/proc/{order.holder}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    kernel.setns(network, kernel.CLONE_NEWNET)
    os.close(network)
    packed = socket.inet_aton(order.address)
    with Netlink() as there:
        bridge = socket.if_nametoindex(fabric.BRIDGE)
        kernel.unshare(kernel.CLONE_NEWNET)
        fabric.no_ipv6()
        namespace = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        # A locally administered address that follows from the IPv4 address: the same each time.
        there.drop_link(f"m{packed.hex()}")
        there.veth(f"m{packed.hex()}", LINK, namespace, mac=b"\x02\x4c" + packed, master=bridge)
        os.close(namespace)
    with Netlink() as own:
        own.up(LOOPBACK)
        index = socket.if_nametoindex(LINK)
        own.address(index, order.address, order.prefix)
        if order.external:
            own.address(index, order.external, 32)
        own.up(index)
        own.route(index, order.gateway)


def _root() -> None:
    """The image's root, read-only below a writable layer in memory."""
    kernel.unshare(
        kernel.CLONE_NEWNS | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC | kernel.CLONE_NEWCGROUP
    )
    kernel.mount("light", SCRATCH, "tmpfs", data="mode=755")
    for name in ("upper", "work", "root"):
        Path(SCRATCH, name).mkdir()
    root = f"{SCRATCH}/root"
    layers = f"lowerdir=/,upperdir={SCRATCH}/upper,workdir={SCRATCH}/work"
    kernel.mount("light", root, "overlay", data=layers)
    kernel.mount("proc", f"{root}/proc", "proc", flags=kernel.QUIET)
    kernel.mount("sysfs", f"{root}/sys", "sysfs", flags=kernel.MS_RDONLY | kernel.QUIET)
    shield.cover(root)
    kernel.mount("devpts", f"{root}/dev/pts", "devpts", data="newinstance,ptmxmode=0666,mode=620")
    kernel.pivot_root(root)


def fresh_signals() -> None:
    """As a program expects them that the zygote's own handlers do not concern."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
