"""What a managed instance group does by itself, with the clock in hand."""

import pytest

from provision.emulator.gce.models import reconcile
from provision.emulator.gce.models.groups import NONE, RECREATING
from tests.unit.emulator.gce.grouped import NEW, ZONE, Grouped


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
