"""A subnetwork and the addresses in it."""

import heapq
import ipaddress
from dataclasses import dataclass, field

from provision.emulator.external import text
from provision.emulator.gce.world import Json


class NoAddress(Exception):
    """No address to give: the range is full, or the one asked for is taken or outside."""

    def __init__(self, message: str, code: str, wanted: str = "") -> None:
        super().__init__(message)
        self.code, self.wanted = code, wanted


@dataclass(slots=True, eq=False)
class Subnetwork:
    """A range of addresses in a region. Four are Google's own: the first two and the last two."""

    name: str
    path: str
    network: str
    """The network's URL."""
    region: str
    cidr: str
    data: Json = field(repr=False)
    """What else is shown of it."""
    used: set[int] = field(default_factory=set, repr=False)
    """Addresses that VMs have."""
    reserved: set[int] = field(default_factory=set, repr=False)
    """Static addresses: a VM gets one only by asking for it."""
    _next: int = 0
    _back: list[int] = field(default_factory=list, repr=False)

    def _bounds(self) -> tuple[int, int]:
        net = ipaddress.IPv4Network(self.cidr)
        first = int(net.network_address)
        return first + 2, first + net.num_addresses - 3

    def allocate(self, wanted: str = "") -> str:
        """The lowest free address, or the one wanted. Raises :class:`NoAddress`."""
        number = self._inside(wanted) if wanted else self._lowest()
        if number in self.used:
            raise _in_use(wanted)
        self.used.add(number)
        return text(number)

    def reserve(self, wanted: str = "") -> str:
        """Make the lowest free address a static one, or the one wanted, also where a VM has it already.

        Raises :class:`NoAddress` where it is static already.
        """
        number = self._inside(wanted) if wanted else self._lowest()
        if number in self.reserved:
            raise _in_use(wanted)
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

    def _inside(self, wanted: str) -> int:
        low, high = self._bounds()
        number = int(ipaddress.IPv4Address(wanted))
        if not low <= number <= high:
            raise NoAddress(
                f"Requested internal IP address {wanted} is outside the subnetwork CIDR range.",
                "INVALID_USAGE", wanted,
            )  # fmt: skip
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
            raise NoAddress(
                f"IP space of '{self.path}' is exhausted.", "IP_SPACE_EXHAUSTED_WITH_DETAILS"
            )
        self._next += 1
        return self._next - 1

    def release(self, address: str) -> None:
        """The address is free again."""
        number = int(ipaddress.IPv4Address(address))
        if number in self.used:
            self.used.discard(number)
            if number not in self.reserved:
                heapq.heappush(self._back, number)

    def json(self) -> Json:
        """As ``get`` answers it."""
        gateway = text(int(ipaddress.IPv4Network(self.cidr).network_address) + 1)
        return {**self.data, "ipCidrRange": self.cidr, "gatewayAddress": gateway}


def _in_use(wanted: str) -> NoAddress:
    return NoAddress(
        f"IP '{wanted}' is already being used by another resource.",
        "IP_IN_USE_BY_ANOTHER_RESOURCE", wanted,
    )  # fmt: skip
