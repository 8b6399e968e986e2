"""Everything one emulated GCE consists of, put together."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from provision.emulator import cloud
from provision.emulator.gce import errors
from provision.emulator.gce.catalogue import Catalogue, catalogue
from provision.emulator.gce.dials import GOOGLE, Dials, turned
from provision.emulator.gce.durations import google
from provision.emulator.gce.operations import Operations
from provision.emulator.gce.rates import Rates
from provision.emulator.gce.world import World
from provision.emulator.lives import Vm
from provision.emulator.quota import Capacity, Quota


@dataclass
class Cloud(cloud.Cloud):
    """The world, what is offered in it, its dials, and the machines behind its VMs."""

    world: World
    dials: Dials = field(default_factory=Dials)
    catalogue: Catalogue = field(default_factory=catalogue)

    passing: ClassVar[Container[str]] = ("operations", "routes")
    account_kind: ClassVar[str] = "project"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.operations = Operations(self.world, self.latency, self._fate)
        self.quota = Quota(self.catalogue.data["quotas"], lambda: self.dials)
        self.rates = Rates(self.world, lambda: self.dials.rates)
        self.capacity = Capacity(lambda: self.dials)

    @property
    def links(self) -> str:
        """The URL that all of them begin with."""
        return self.world.base

    def change(self, change: Mapping[str, Any]) -> None:
        """Turn some dials. Raises DialError where one names nothing of Google's."""
        self.turn(turned(self.dials, change))

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

    def vms(self) -> Iterator[Vm]:
        """Instances of all projects."""
        for project in list(self.world.accounts.values()):
            yield from project.table("instances")

    def furnished(self) -> Container[str]:
        """Projects of public images."""
        projects: Container[str] = self.catalogue.data["imageProjects"]
        return projects
