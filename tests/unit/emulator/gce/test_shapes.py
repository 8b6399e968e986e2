"""What VMs show: drawn once for all that are alike, and never what another one has changed."""

from datetime import datetime
from typing import Any

import pytest

from provision.emulator.agenda import Agenda
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.dials import Dials
from provision.emulator.gce.models import creating, images, metadata, networks, shapes
from provision.emulator.gce.models.blueprints import Blueprint, for_vms
from provision.emulator.gce.models.instances import Instance
from provision.emulator.gce.world import World
from provision.emulator.machines import NoMachines

IMAGE = "projects/debian-cloud/global/images/family/debian-13"
PROPERTIES: dict[str, Any] = {
    "machineType": "n1-standard-4",
    "disks": [
        {"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": IMAGE}},
        {"type": "SCRATCH", "autoDelete": True},
    ],
    "networkInterfaces": [{}],
    "labels": {"a": "b"},
    "tags": {"items": ["t"]},
    "metadata": {"items": [{"key": "k", "value": "v"}]},
    "scheduling": {"onHostMaintenance": "TERMINATE"},
    "guestAccelerators": [{"acceleratorType": "nvidia-tesla-t4", "acceleratorCount": 1}],
}
OWN = {
    "id", "name", "selfLink", "fingerprint", "networkInterfaces", "disks", "creationTimestamp",
    "lastStartTimestamp",
}  # fmt: skip
"""Fields by which two VMs of one request differ."""


class Made:
    """VMs of one blueprint, a second apart."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        world = World("http://x/", Agenda(lambda: self.now))
        self.cloud = Cloud(world, NoMachines(), Dials())
        images.furnish(self.cloud, world.project("debian-cloud"))
        self.project = world.project("p")
        networks.furnish(self.cloud, self.project)
        self.plan = self.plan_of(PROPERTIES)

    def plan_of(self, source: dict[str, Any]) -> Blueprint:
        return for_vms(self.cloud, self.project, source)

    def vm(self, name: str, zone: str = "us-central1-a", manager: str = "") -> Instance:
        self.now += 1.25
        return creating.make(
            self.cloud, self.project, zone, name, self.plan, manager, manager and "t"
        )


@pytest.fixture
def made() -> Made:
    return Made()


def test_two_vms_of_one_request_differ_in_what_is_their_own(made: Made) -> None:
    first, second = shapes.instance(made.vm("a")), shapes.instance(made.vm("b"))
    assert {key for key in first if first[key] != second[key]} == OWN
    assert first.keys() == second.keys()
    assert [disk["diskSizeGb"] for disk in first["disks"]] == ["10", "375"]
    assert first["disks"][0]["source"].endswith("/disks/a")
    assert first["disks"][0]["licenses"] and "licenses" not in first["disks"][1]
    assert first["guestAccelerators"][0]["acceleratorCount"] == 1
    assert first["shieldedInstanceConfig"] == shapes.SHIELD
    came = [datetime.fromisoformat(each["creationTimestamp"]) for each in (first, second)]
    assert (came[1] - came[0]).total_seconds() == pytest.approx(1.25, abs=0.002)
    assert made.cloud.world.stamp(1_700_000_000.25) == "2023-11-14T22:13:20.250+00:00"


def test_what_one_vm_changes_shows_on_no_other(made: Made) -> None:
    other, vm = made.vm("other"), made.vm("vm")
    before, was = shapes.instance(other), shapes.instance(vm)
    vm.labels, vm.tags, vm.items = {"c": "d"}, ["u"], {"x": "y"}
    creating.exchange(vm, made.plan_of({**PROPERTIES, "machineType": "n1-standard-8"}))
    shown = shapes.instance(vm)
    assert shown["labels"] == {"c": "d"} and shown["tags"]["items"] == ["u"]
    assert shown["metadata"]["items"] == [{"key": "x", "value": "y"}]
    assert shown["machineType"].endswith("/n1-standard-8")
    for place in ("labelFingerprint", "tags", "metadata", "fingerprint"):
        assert shown[place] != was[place]
    assert shapes.instance(other) == before


def test_vms_of_a_group_and_of_another_zone_show_their_own(made: Made) -> None:
    alone, member = made.vm("alone"), made.vm("member", manager="projects/1/g")
    far = made.vm("far", "us-central1-b")
    items = {each["key"] for each in shapes.instance(member)["metadata"]["items"]}
    assert items == {"k", "created-by", "instance-template"}
    assert len(shapes.instance(alone)["metadata"]["items"]) == 1
    shown = shapes.instance(far)
    assert shown["zone"].endswith("/us-central1-b") and "us-central1-b" in shown["machineType"]
    assert "us-central1-b" in shown["guestAccelerators"][0]["acceleratorType"]
    member.manager = ""  # abandoned
    assert len(shapes.instance(member)["metadata"]["items"]) == 1


def test_a_page_of_vms_is_drawn_from_few_parts(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not differ is worked out once, however many show it."""
    drawn = []
    for module, name in ((metadata, "shown"), (shapes, "_alike"), (shapes, "_attachment")):

        def counted(*about: object, name: str = name) -> dict[str, object]:
            drawn.append(name)
            return {}

        monkeypatch.setattr(module, name, counted)
    for number in range(20):
        shapes.instance(made.vm(f"vm-{number}"))
    assert sorted(drawn) == ["_alike", "_attachment", "_attachment", "shown"], "one for each disk"
