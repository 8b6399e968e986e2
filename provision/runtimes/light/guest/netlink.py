"""The few requests of rtnetlink(7) that make links and addresses.

A thousand machines want four requests each: ``ip`` would cost a process for every one of them, and a
library a share of the time a machine takes to boot.
"""

import contextlib
import os
import socket
import struct
from types import TracebackType

RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_DELROUTE = 16, 17, 20, 24, 25
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 1, 4, 0x200, 0x400
NLMSG_ERROR = 2
NESTED = 0x8000
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MASTER, IFLA_LINKINFO = 1, 3, 10, 18
IFLA_IFALIAS, IFLA_NET_NS_FD = 20, 28
IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 1, 2, 1
IFLA_BR_FORWARD_DELAY, IFLA_BR_STP_STATE, IFLA_BR_MCAST_SNOOPING = 1, 5, 23
IFF_UP = 1
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_DST, RTA_OIF, RTA_GATEWAY = 1, 4, 5
NOWHERE = 255
"""The scope that matches any when a route is removed."""
LOOPBACK = 1
"""Index of ``lo`` in every network namespace."""


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    return struct.pack("HH", len(value) + 4, kind) + value + b"\0" * (-len(value) % 4)


def text(value: str) -> bytes:
    """Zero-terminated text."""
    return value.encode() + b"\0"


def u32(value: int) -> bytes:
    """A number of four bytes in the host's order."""
    return struct.pack("I", value)


def link(index: int = 0, flags: int = 0) -> bytes:
    """``struct ifinfomsg``; the flags given are the flags changed."""
    return struct.pack("BBHiII", socket.AF_UNSPEC, 0, 0, index, flags, flags)


class Netlink:
    """A socket in the network namespace this thread is in when it is made."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
        )
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> "Netlink":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def _ask(self, kind: int, body: bytes, flags: int = 0) -> None:
        self._sequence += 1
        header = struct.pack(
            "IHHII", len(body) + 16, kind, NLM_F_REQUEST | NLM_F_ACK | flags, self._sequence, 0
        )
        self._socket.send(header + body)
        answer = self._socket.recv(65536)
        _, answered = struct.unpack_from("IH", answer)
        if answered == NLMSG_ERROR and (number := struct.unpack_from("i", answer, 16)[0]):
            raise OSError(-number, os.strerror(-number), f"rtnetlink request {kind}")

    def _create(self, kind: int, body: bytes) -> None:
        self._ask(kind, body, NLM_F_CREATE | NLM_F_EXCL)

    def bridge(self, name: str) -> None:
        """A bridge that forwards at once: no spanning tree, no multicast snooping."""
        options = (
            attribute(IFLA_BR_FORWARD_DELAY, u32(0))
            + attribute(IFLA_BR_STP_STATE, u32(0))
            + attribute(IFLA_BR_MCAST_SNOOPING, b"\0")
        )
        info = attribute(IFLA_INFO_KIND, text("bridge")) + attribute(IFLA_INFO_DATA, options)
        named = attribute(IFLA_IFNAME, text(name))
        self._create(RTM_NEWLINK, link(flags=IFF_UP) + named + attribute(IFLA_LINKINFO, info))

    def veth(
        self,
        name: str,
        peer: str,
        namespace: int,
        mac: bytes = b"",
        alias: str = "",
        master: int = 0,
    ) -> None:
        """A pair: ``name`` here (up, below ``master``), ``peer`` in the namespace of a descriptor."""
        there = link() + attribute(IFLA_IFNAME, text(peer))
        there += attribute(IFLA_ADDRESS, mac) if mac else b""
        there += attribute(IFLA_NET_NS_FD, u32(namespace))
        info = attribute(IFLA_INFO_KIND, text("veth")) + attribute(
            IFLA_INFO_DATA, attribute(VETH_INFO_PEER, there)
        )
        here = link(flags=IFF_UP) + attribute(IFLA_IFNAME, text(name))
        here += attribute(IFLA_MASTER, u32(master)) if master else b""
        here += attribute(IFLA_IFALIAS, text(alias)) if alias else b""
        self._create(RTM_NEWLINK, here + attribute(IFLA_LINKINFO, info))

    def up(self, index: int, master: int = 0) -> None:
        """Bring a link up, below ``master`` where one is given."""
        below = attribute(IFLA_MASTER, u32(master)) if master else b""
        self._ask(RTM_NEWLINK, link(index, IFF_UP) + below)

    def address(self, index: int, address: str, prefix: int) -> None:
        """Give a link an IPv4 address; the route to its subnet comes with it."""
        body = struct.pack("BBBBi", socket.AF_INET, prefix, 0, 0, index)
        packed = socket.inet_aton(address)
        self._create(
            RTM_NEWADDR, body + attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)
        )

    def drop_link(self, name: str) -> None:
        """Remove a link, its other end included; none of that name is no error.

        The kernel removes the links of a namespace that has ended in its own time.
        """
        with contextlib.suppress(OSError):
            self._ask(RTM_DELLINK, link() + attribute(IFLA_IFNAME, text(name)))

    def route(self, index: int, gateway: str, destination: str = "") -> None:
        """A route by ``gateway``: the default one, or to one address."""
        by = attribute(RTA_GATEWAY, socket.inet_aton(gateway)) + attribute(RTA_OIF, u32(index))
        self._create(RTM_NEWROUTE, _route(destination, universe=0) + by)

    def drop_route(self, destination: str) -> None:
        """Remove the route to one address; none is no error."""
        with contextlib.suppress(OSError):
            self._ask(RTM_DELROUTE, _route(destination, universe=NOWHERE))


def _route(destination: str, universe: int) -> bytes:
    """``struct rtmsg`` of the main table, unicast, with its destination ('' is the default route)."""
    main, boot, unicast = 254, 3, 1
    length = 32 if destination else 0
    body = struct.pack("BBBBBBBBI", socket.AF_INET, length, 0, 0, main, boot, universe, unicast, 0)
    return body + (attribute(RTA_DST, socket.inet_aton(destination)) if destination else b"")
