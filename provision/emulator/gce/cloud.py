"""Everything one emulated GCE consists of, put together."""

from collections import Counter
from dataclasses import dataclass, field

from provision.emulator.dials import GOOGLE, Dials, draw
from provision.emulator.external import External
from provision.emulator.faults import Faults
from provision.emulator.gce import errors
from provision.emulator.gce.catalogue import Catalogue, catalogue
from provision.emulator.gce.durations import google
from provision.emulator.gce.models.quota import Quota
from provision.emulator.gce.operations import Operations
from provision.emulator.gce.rates import Rates
from provision.emulator.gce.world import World
from provision.emulator.machines import Machines


@dataclass
class Cloud:
    """The world, what is offered in it, its dials, and the machines behind its VMs."""

    world: World
    machines: Machines
    dials: Dials = field(default_factory=Dials)
    catalogue: Catalogue = field(default_factory=catalogue)

    def __post_init__(self) -> None:
        self.faults = Faults(self.world.chance, lambda: self.dials)
        self.operations = Operations(self.world, self.latency, self._fate)
        self.quota = Quota(self.catalogue, lambda: self.dials)
        self.rates = Rates(self.world, lambda: self.dials.rates)
        self.external = External()
        self.occupied: Counter[tuple[str, str]] = Counter()
        self._lives: Counter[str] = Counter()
        """VMs by zone and machine type; ``*`` stands for all types."""
        self.turn(self.dials)

    def turn(self, dials: Dials) -> None:
        """Take these dials from now on; what is under way already keeps its time."""
        self.dials = dials
        self.world.seed = dials.seed
        self.world.agenda.speed = dials.speed

    def _fate(self, method: str) -> errors.OperationError | None:
        """The error that a dial wants an operation of that method to end with."""
        fault = self.faults.operation(method)
        return errors.dialled(fault) if fault else None

    def latency(self, method: str, target: str) -> float:
        """Emulated seconds of an operation of that method (``compute.firewalls.insert``) on that name."""
        resource, _, verb = method.removeprefix("compute.").rpartition(".")
        own = self.dials.operations.get(resource, {})
        duration = own.get(verb, own.get("*", self.dials.operation))
        if duration == GOOGLE:
            duration = google(resource, verb)
        return self.seconds_of(duration, "operation", method, target)

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
