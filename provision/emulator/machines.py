"""What boots behind an emulated VM: the contract, and the kind that boots nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Order:
    """A VM to boot. ``key`` is unique for each life of each VM; ``subnet`` is CIDR text.

    ``network`` names the link it stands on (project and subnetwork); with ``connected`` false it
    stands on none. ``external`` is an address of this host's side by which it is reached too, or ''.
    """

    key: str
    hostname: str
    instance_id: str
    user_data: str = field(repr=False)
    address: str
    external: str
    network: str
    subnet: str
    connected: bool


class Machines(Protocol):
    """Boots and kills in the background; callbacks come on the world's own thread."""

    def boot(self, order: Order, booted: Callable[[str], None]) -> None:
        """Boot it; ``booted`` is told '' once it executes, or why it does not."""

    def kill(self, key: str, gone: Callable[[], None]) -> None:
        """Remove it, booted or not; ``gone`` is called when nothing of it is left."""

    async def console(self, key: str) -> str:
        """What it wrote on its console; '' for one that is not there."""


class NoMachines:
    """``--machines none``: VMs are state only."""

    def boot(self, order: Order, booted: Callable[[str], None]) -> None:
        """Nothing boots."""
        booted("")

    def kill(self, key: str, gone: Callable[[], None]) -> None:
        """Nothing was there."""
        gone()

    async def console(self, key: str) -> str:
        """Nothing was written."""
        return ""
