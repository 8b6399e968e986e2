"""A network of light machines: a namespace with a bridge, and one leg of it in the host's own.

The namespace lives as long as its holder, a process that only waits. Machines stand on the bridge;
the host reaches them by its leg, which carries the subnet's first address.
"""

import contextlib
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import kernel
from .netlink import LOOPBACK, Netlink

BRIDGE = "br0"
INNER_LEG = "host"


@dataclass(frozen=True)
class Network:
    """What is asked: ``leg`` is the host's interface, ``gateway`` its address."""

    name: str
    leg: str
    gateway: str
    prefix: int


def no_ipv6() -> None:
    """Before any link exists: a thousand machines' neighbour discovery is a storm."""
    for scope in ("all", "default"):
        _write(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6", "1")


def _write(path: str, value: str) -> None:
    """Best effort: kernels differ in what they have."""
    with contextlib.suppress(OSError):
        Path(path).write_text(value)


def make(network: Network, holder: str, record: Callable[[int], None]) -> None:
    """Make it. ``record`` is told the holder's process before anything can outlive this one."""
    ready, told = os.pipe()
    go, release = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            kernel.unshare(kernel.CLONE_NEWNET)
            no_ipv6()
            _write("/proc/sys/net/bridge/bridge-nf-call-iptables", "0")
            with Netlink() as inside:
                inside.up(LOOPBACK)
                inside.bridge(BRIDGE)
            os.write(told, b"1")
            os.close(release)
            os.close(told)
            if os.read(go, 1):
                os.execv(holder, ["provision-light", "network", network.name])
        finally:
            os._exit(1)
    os.close(told)
    os.close(go)
    try:
        if not os.read(ready, 1):
            raise OSError("the namespace of a network could not be made")
        record(process)
        _connect(network, process)
        os.write(release, b"1")
    except BaseException:
        os.kill(process, signal.SIGKILL)
        raise
    finally:
        os.close(ready)
        os.close(release)


def _connect(network: Network, process: int) -> None:
    """A pair of links between the host and the bridge."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    other = os.open(f"/proc/{process}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        with Netlink() as here:
            here.drop_link(network.leg)
            here.veth(network.leg, INNER_LEG, other, alias=f"provision {network.name}")
            here.address(socket.if_nametoindex(network.leg), network.gateway, network.prefix)
        kernel.setns(other, kernel.CLONE_NEWNET)
        try:
            with Netlink() as there:
                there.up(socket.if_nametoindex(INNER_LEG), socket.if_nametoindex(BRIDGE))
        finally:
            kernel.setns(own, kernel.CLONE_NEWNET)
    finally:
        os.close(own)
        os.close(other)
