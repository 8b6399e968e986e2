"""IPv4 addresses of a range: given out, reserved, and given back."""

import heapq
import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar


class Why(StrEnum):
    """Why there is no address to give."""

    FULL = "the range is full"
    TAKEN = "it is taken"
    OUTSIDE = "it is outside the range"


class NoAddress(Exception):  # what it says is no error of ours
    """No address to give; ``wanted`` is the one asked for, '' for any."""

    def __init__(self, why: Why, wanted: str = "") -> None:
        super().__init__(why, wanted)
        self.why, self.wanted = why, wanted


def text(number: int) -> str:
    """An IPv4 address in dots."""
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


@dataclass(slots=True, eq=False, kw_only=True)
class Pool:
    """A range in CIDR text, without the first and last few, which are the cloud's own."""

    FIRST: ClassVar[int] = 1
    LAST: ClassVar[int] = 1

    cidr: str
    used: set[int] = field(default_factory=set, repr=False)
    """Addresses that VMs have."""
    reserved: set[int] = field(default_factory=set, repr=False)
    """Static addresses: a VM gets one only by asking for it."""
    _next: int = 0
    _back: list[int] = field(default_factory=list, repr=False)

    def _bounds(self) -> tuple[int, int]:
        net = ipaddress.IPv4Network(self.cidr)
        first = int(net.network_address)
        return first + self.FIRST, first + net.num_addresses - 1 - self.LAST

    def allocate(self, wanted: str = "") -> str:
        """The lowest free address, or the one wanted. Raises :class:`NoAddress`."""
        number = self._inside(wanted) if wanted else self._lowest()
        if number in self.used:
            raise NoAddress(Why.TAKEN, wanted)
        self.used.add(number)
        return text(number)

    def reserve(self, wanted: str = "") -> str:
        """Make the lowest free address a static one, or the one wanted, also where a VM has it already.

        Raises :class:`NoAddress` where it is static already.
        """
        number = self._inside(wanted) if wanted else self._lowest()
        if number in self.reserved:
            raise NoAddress(Why.TAKEN, wanted)
        self.reserved.add(number)
        return text(number)

    def unreserve(self, address: str) -> None:
        """It is no static address any more."""
        number = int(ipaddress.IPv4Address(address))
        self.reserved.discard(number)
        if number not in self.used:
            heapq.heappush(self._back, number)

    def is_reserved(self, address: str) -> bool:
        """Whether it is a static address."""
        return bool(self.reserved) and int(ipaddress.IPv4Address(address)) in self.reserved

    def release(self, address: str) -> None:
        """The address is free again."""
        number = int(ipaddress.IPv4Address(address))
        if number in self.used:
            self.used.discard(number)
            if number not in self.reserved:
                heapq.heappush(self._back, number)

    def _inside(self, wanted: str) -> int:
        low, high = self._bounds()
        number = int(ipaddress.IPv4Address(wanted))
        if not low <= number <= high:
            raise NoAddress(Why.OUTSIDE, wanted)
        return number

    def _lowest(self) -> int:
        low, high = self._bounds()
        while self._back:
            number = heapq.heappop(self._back)
            if number not in self.used and number not in self.reserved:
                return number
        self._next = max(self._next, low)
        while self._next in self.used or self._next in self.reserved:
            self._next += 1
        if self._next > high:
            raise NoAddress(Why.FULL)
        self._next += 1
        return self._next - 1
