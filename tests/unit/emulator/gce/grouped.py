"""A managed instance group in a world whose clock stands still until a test lets it go on."""

from collections.abc import Sequence
from typing import Any

from provision.emulator.agenda import Agenda
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.dials import Dials
from provision.emulator.gce.models import images, networks, reconcile
from provision.emulator.gce.models.groups import NONE, Group
from provision.emulator.gce.models.instances import Instance
from provision.emulator.gce.models.versions import Version
from provision.emulator.gce.world import Document, Json, World
from provision.emulator.machines import NoMachines

ZONE = "us-central1-a"
OLD, NEW = (Version(f"projects/p/global/instanceTemplates/{name}") for name in ("old-1", "new-1"))
IMAGE = "projects/debian-cloud/global/images/family/debian-13"
BOOT = {"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": IMAGE}}
PROPERTIES = {"machineType": "e2-standard-2", "disks": [BOOT], "networkInterfaces": [{}]}


class Grouped:
    """A group, in a world that stands still until :meth:`later` or :meth:`wait`.

    ``room`` is how many VMs each of ``zones`` takes, ``more`` what its configuration holds besides
    the update ``policy``.
    """

    def __init__(
        self,
        target: int,
        room: int = 100,
        *,
        zones: Sequence[str] = (ZONE,),
        more: Json | None = None,
        **policy: Any,
    ) -> None:
        self.now = 0.0
        world = World("http://x/", Agenda(lambda: self.now))
        self.cloud = Cloud(world, NoMachines(), Dials())
        images.furnish(self.cloud, world.project("debian-cloud"))
        project = world.project("p")
        networks.furnish(self.cloud, project)
        for version in (OLD, NEW):
            name = version.template.rpartition("/")[2]
            template = Document(name, {"properties": PROPERTIES})
            project.table("instanceTemplates").put("global", template)
        config = {"baseInstanceName": "g-####", "updatePolicy": policy, **(more or {})}
        scope = f"zones/{zones[0]}" if len(zones) == 1 else "regions/us-central1"
        self.group = Group(
            self.cloud, project, "g", scope, tuple(zones), "1", 0.0, config, (OLD,), target
        )
        self.room(room)
        reconcile.reconcile(self.group)

    def room(self, vms: int, **zones: int) -> None:
        """How many VMs each zone takes, but for those that are named by their last letter."""
        takes = {zone: zones.get(zone[-1], vms) for zone in self.group.zones}
        self.cloud.dials = Dials(capacity={zone: {"*": most} for zone, most in takes.items()})

    def room_of(self, types: dict[str, int]) -> None:
        """How many VMs of each machine type the zone takes."""
        self.cloud.dials = Dials(capacity={ZONE: types})

    def names(self) -> list[tuple[str, str]]:
        """Scope and name of every VM there is."""
        return [(vm.scope, vm.name) for vm in self.group.project.table("instances")]

    def resize(self, target: int) -> None:
        self.group.target = target
        reconcile.reconcile(self.group)

    def later(self) -> None:
        """Let everything happen that is under way."""
        for _ in range(100):
            wait = self.cloud.world.agenda.advance()
            if wait is None:
                return
            self.now += wait + 0.001  # the clock is a float
        raise AssertionError("it never comes to rest")

    def wait(self, seconds: float) -> None:
        """Let so much time pass, and what is due in it happen."""
        until = self.now + seconds
        while (due := self.cloud.world.agenda.advance()) is not None and self.now + due <= until:
            self.now += due + 0.001
        self.now = max(self.now, until)
        self.cloud.world.agenda.advance()

    def zones(self) -> dict[str, str]:
        """The last letter of each member's zone."""
        return {name: member.zone[-1] for name, member in self.group.members.items()}

    def vm(self, name: str) -> Instance:
        """A member's VM."""
        vm = self.group.members[name].vm
        assert vm is not None
        return vm

    def staying(self) -> list[str]:
        return sorted(member.name for member in self.group.staying())

    def busy(self) -> int:
        return sum(member.action != NONE for member in self.group.members.values())
