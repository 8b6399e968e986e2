"""A subnetwork and the addresses in it."""

import ipaddress
from dataclasses import dataclass, field
from typing import ClassVar

from provision.emulator.addresses import NoAddress, Pool, Why, text
from provision.emulator.gce.world import Json

CODES = {
    Why.FULL: "IP_SPACE_EXHAUSTED_WITH_DETAILS",
    Why.TAKEN: "IP_IN_USE_BY_ANOTHER_RESOURCE",
    Why.OUTSIDE: "INVALID_USAGE",
}
"""Google's codes where there is no address to give."""


@dataclass(slots=True, eq=False)
class Subnetwork(Pool):
    """A range of addresses in a region. Four are Google's own: the first two and the last two."""

    FIRST: ClassVar[int] = 2
    LAST: ClassVar[int] = 2

    name: str
    path: str
    network: str
    """The network's URL."""
    region: str
    data: Json = field(repr=False)
    """What else is shown of it."""

    def words(self, none: NoAddress) -> str:
        """Google's sentence where there is no address to give."""
        if none.why == Why.FULL:
            return f"IP space of '{self.path}' is exhausted."
        if none.why == Why.TAKEN:
            return f"IP '{none.wanted}' is already being used by another resource."
        return f"Requested internal IP address {none.wanted} is outside the subnetwork CIDR range."

    def json(self) -> Json:
        """As ``get`` answers it."""
        gateway = text(int(ipaddress.IPv4Network(self.cidr).network_address) + 1)
        return {**self.data, "ipCidrRange": self.cidr, "gatewayAddress": gateway}
