"""What a managed instance group does by itself, with the clock in hand."""

from typing import Any

import pytest

from provision.emulator.agenda import Agenda
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.dials import Dials
from provision.emulator.gce.models import images, networks, reconcile
from provision.emulator.gce.models.groups import NONE, RECREATING, Group
from provision.emulator.gce.models.versions import Version
from provision.emulator.gce.world import Document, World
from provision.emulator.machines import NoMachines

ZONE = "us-central1-a"
OLD, NEW = (Version(f"projects/p/global/instanceTemplates/{name}") for name in ("old-1", "new-1"))
IMAGE = "projects/debian-cloud/global/images/family/debian-13"
BOOT = {"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": IMAGE}}
PROPERTIES = {"machineType": "e2-standard-2", "disks": [BOOT], "networkInterfaces": [{}]}


class Grouped:
    """A group of one zone, in a world that stands still until :meth:`later`."""

    def __init__(self, target: int, room: int = 100, **policy: Any) -> None:
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
        config = {"baseInstanceName": "g-####", "updatePolicy": policy}
        self.group = Group(
            self.cloud, project, "g", f"zones/{ZONE}", (ZONE,), "1", 0.0, config, (OLD,), target
        )
        self.room(room)
        reconcile.reconcile(self.group)

    def room(self, vms: int) -> None:
        self.cloud.dials = Dials(capacity={ZONE: {"*": vms}})

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

    def staying(self) -> list[str]:
        return sorted(member.name for member in self.group.staying())

    def busy(self) -> int:
        return sum(member.action != NONE for member in self.group.members.values())


def test_a_group_that_shrinks_loses_first_what_it_has_not_made() -> None:
    made = Grouped(1, room=0)
    made.room(1)
    made.resize(2)
    assert {name: member.vm is None for name, member in made.group.members.items()} == {
        "g-0001": True,
        "g-0002": False,
    }
    made.resize(1)
    assert made.staying() == ["g-0002"]


def test_a_group_that_shrinks_loses_the_last_of_those_that_it_has_made() -> None:
    made = Grouped(4)
    made.resize(2)
    assert made.staying() == ["g-0001", "g-0002"]


@pytest.mark.parametrize(
    ("unavailable", "at_once"), [({"fixed": 2}, 2), ({"percent": 60}, 3), ({"fixed": 0}, 1)]
)
def test_a_group_rolls_no_faster_than_it_may(unavailable: dict[str, int], at_once: int) -> None:
    made = Grouped(5, type="PROACTIVE", replacementMethod="RECREATE", maxUnavailable=unavailable)
    made.later()
    made.group.versions = (NEW,)
    for _ in range(3):
        reconcile.roll(made.group)
        assert made.group.actions() == {NONE: 5 - at_once, RECREATING: at_once}
    made.group.config["updatePolicy"]["maxUnavailable"] = {"fixed": 1}
    reconcile.roll(made.group)
    assert made.busy() == at_once, "slowed down, it begins nothing before others are done"
    made.later()
    assert made.busy() == 0 and {m.version for m in made.group.members.values()} == {NEW}


def test_an_abandoned_vm_lowers_the_target_and_runs_on() -> None:
    made = Grouped(3)
    made.later()
    reconcile.abandon(made.group, [made.group.members["g-0002"]])
    reconcile.reconcile(made.group)
    made.later()
    assert (made.group.target, made.staying()) == (2, ["g-0001", "g-0003"])
    vm = made.group.project.table("instances").get(f"zones/{ZONE}", "g-0002")
    assert (vm.status, vm.manager) == ("RUNNING", "")
