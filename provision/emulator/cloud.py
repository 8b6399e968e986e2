"""One emulated cloud as everything up here sees it: its world, its dials, its chance, its machines."""

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from provision.emulator.dials import Dials, draw, merged
from provision.emulator.external import External
from provision.emulator.faults import Faults
from provision.emulator.machines import Machines
from provision.emulator.world import World


@dataclass
class Cloud:
    """What any emulated cloud consists of. One API's own is a class of its own over this one."""

    world: World[Any]
    machines: Machines
    dials: Dials

    passing: ClassVar[Container[str]] = ()
    """Kinds that clients do not create, or that go by themselves."""
    account_kind: ClassVar[str] = "account"
    """What the API calls an account."""

    def __post_init__(self) -> None:
        self.faults = Faults(self.world.chance, lambda: self.dials)
        self.external = External()
        self._lives: Counter[str] = Counter()
        self.turn(self.dials)

    @property
    def links(self) -> str:
        """What links in answers begin with, '' where there are none."""
        return ""

    def turn(self, dials: Dials) -> None:
        """Take these dials from now on; what is under way already keeps its time."""
        self.dials = dials
        self.world.seed = dials.seed
        self.world.agenda.speed = dials.speed

    def change(self, change: Mapping[str, Any]) -> None:
        """Turn some dials. Raises DialError where the outcome is none that can do anything."""
        self.turn(merged(self.dials, change))

    def seconds(self, dial: str, *about: object) -> float:
        """Emulated seconds that a dialled duration takes for one thing."""
        return self.seconds_of(getattr(self.dials, dial), dial, *about)

    def seconds_of(self, duration: str | float, *about: object) -> float:
        """Emulated seconds of a duration for one thing."""
        return draw(duration, self.world.chance(*about))

    def next_life(self, path: str) -> int:
        """Number of the next life of a VM, counted over all VMs of that path: each has its own fate."""
        self._lives[path] += 1
        return self._lives[path]

    def hits(self, dial: str, share: float, *about: object) -> bool:
        """Whether a dialled share includes one thing."""
        return share > 0 and self.world.chance(dial, *about).random() < share

    def furnished(self) -> Container[str]:
        """Names of accounts that nobody opened: whose images all may use."""
        return ()
