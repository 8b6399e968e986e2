"""Where a managed instance group makes its members, under which names, and what it does when one fails."""

from collections import Counter
from typing import Any

import pytest

from provision.emulator import lives
from provision.emulator.gce.models import group_shapes, reconcile
from provision.emulator.gce.models.groups import (
    CREATING,
    CREATING_ONCE,
    DELETING,
    NONE,
    RECREATING,
    RESTARTING,
)
from provision.emulator.gce.models.naming import ALPHABET
from tests.unit.emulator.gce.grouped import NEW, OLD, ZONE, Grouped

ABC = tuple(f"us-central1-{letter}" for letter in "abc")
RETRY = 60.0
"""More seconds than a group waits before it tries again."""


def shaped(target: int, shape: str, room: int = 100, **policy: Any) -> Grouped:
    more = {"distributionPolicy": {"targetShape": shape}}
    return Grouped(target, room, zones=ABC, more=more, **policy)


def test_an_even_group_spreads_and_waits_for_the_zone_whose_turn_it_is() -> None:
    made = shaped(7, "EVEN")
    assert Counter(made.zones().values()) == {"a": 3, "b": 2, "c": 2}
    full = shaped(0, "EVEN")
    full.room(100, b=1)
    full.resize(6)
    assert Counter(m.zone[-1] for m in full.group.members.values() if m.vm) == {
        "a": 2,
        "b": 1,
        "c": 2,
    }
    (waiting,) = (m for m in full.group.members.values() if m.vm is None)
    assert (waiting.zone[-1], waiting.action) == ("b", CREATING)
    full.room(100)
    full.later()
    assert Counter(full.zones().values()) == {"a": 2, "b": 2, "c": 2}


def test_a_balanced_group_takes_another_zone_where_the_one_whose_turn_it_is_has_no_room() -> None:
    made = shaped(0, "BALANCED")
    made.room(100, b=1)
    made.resize(6)
    assert Counter(made.zones().values()) in ({"a": 3, "b": 1, "c": 2}, {"a": 2, "b": 1, "c": 3})
    assert all(member.vm for member in made.group.members.values())


def test_a_group_of_any_shape_fills_zone_after_zone() -> None:
    made = shaped(0, "ANY")
    made.room(2)
    made.resize(5)
    assert Counter(made.zones().values()) == {"a": 2, "b": 2, "c": 1}


def test_a_group_of_any_single_zone_stays_in_the_one_it_began_in() -> None:
    made = shaped(0, "ANY_SINGLE_ZONE")
    made.room(2, a=0)
    made.resize(1)
    assert made.zones() == {"g-0001": "b"}
    made.room(2)
    made.resize(3)
    assert [m.zone[-1] for m in made.group.members.values()] == ["b", "b", "b"]
    assert [m.vm is None for m in made.group.members.values()] == [False, False, True]


@pytest.mark.parametrize(("shape", "zone"), [("EVEN", ""), ("BALANCED", "a")])
def test_a_member_made_anew_stays_in_its_zone_where_the_shape_is_even(
    shape: str, zone: str
) -> None:
    made = shaped(2, shape)
    made.later()
    assert made.zones() == {"g-0001": "a", "g-0002": "b"}
    member = made.group.members["g-0002"]
    made.room(100, b=0)
    reconcile.recreate(made.group, member)
    assert member.action == RECREATING
    made.wait(RETRY)
    found = member.vm.zone[-1] if member.vm else ""
    assert found == zone
    made.room(100)
    made.later()
    assert member.vm is not None and member.action == NONE
    assert member.zone[-1] == (zone or "b")


def test_a_member_that_could_not_be_made_is_tried_again_and_its_reason_kept() -> None:
    made = Grouped(2, room=1)
    member = made.group.members["g-0002"]
    assert (member.vm, member.action) == (None, CREATING)
    (error,) = member.errors
    assert error["code"] == "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"
    assert group_shapes.managed(made.group, member)["lastAttempt"] == {
        "errors": {"errors": [error]}
    }
    (logged,) = made.group.log
    assert logged["error"]["code"] == error["code"]
    assert logged["instanceActionDetails"]["instance"].endswith(f"{ZONE}/instances/g-0002")
    made.wait(RETRY)
    assert member.vm is None and len(made.group.log) > 1
    made.room(2)
    made.later()
    assert member.vm is not None and (member.action, member.errors) == (NONE, [])


def test_what_is_asked_for_once_is_not_tried_again_and_lowers_the_target() -> None:
    made = Grouped(1)
    made.later()
    made.room(1)
    made.group.target = 2
    reconcile.add(made.group, ["own"], CREATING_ONCE)
    assert (made.group.target, list(made.group.members)) == (1, ["g-0001"])
    assert [entry["instanceActionDetails"]["action"] for entry in made.group.log] == [CREATING_ONCE]
    made.room(2)
    made.wait(RETRY)
    assert list(made.group.members) == ["g-0001"]


def test_a_member_that_leaves_before_it_was_made_never_comes() -> None:
    made = Grouped(2, room=1)
    ended: list[bool] = []
    reconcile.delete(made.group, [made.group.members["g-0002"]], lambda: ended.append(True))
    assert ended == [True] and list(made.group.members) == ["g-0001"]
    made.group.target = 1
    made.room(5)
    made.wait(RETRY)
    assert list(made.group.members) == ["g-0001"]
    reconcile.delete(made.group, [], lambda: ended.append(True))
    assert ended == [True, True]


def test_deleting_several_ends_when_the_last_one_is_gone() -> None:
    made = Grouped(3)
    made.later()
    ended: list[list[str]] = []
    leaving = [made.group.members[name] for name in ("g-0001", "g-0002")]
    made.group.target = 1
    reconcile.delete(made.group, leaving, lambda: ended.append(list(made.group.members)))
    assert made.group.actions() == {DELETING: 2, NONE: 1} and ended == []
    assert made.staying() == ["g-0003"]
    made.later()
    assert ended == [["g-0003"]]
    assert [name for _, name in made.names()] == ["g-0003"]


def test_a_vm_that_ends_by_itself_is_made_anew_under_its_name() -> None:
    made = Grouped(2)
    made.later()
    first = made.vm("g-0001")
    lives.crash(first, first.life)
    made.wait(RETRY)
    assert first.status == lives.GONE
    made.later()
    again = made.vm("g-0001")
    assert again is not first and again.status == lives.RUNNING
    assert made.group.actions() == {NONE: 2}


def test_a_vm_that_somebody_deletes_is_made_anew() -> None:
    made = Grouped(1)
    made.later()
    first = made.vm("g-0001")
    lives.remove(first)
    made.later()
    assert made.vm("g-0001") is not first and made.vm("g-0001").status == lives.RUNNING


def test_a_group_that_is_to_do_nothing_leaves_a_vm_that_ended() -> None:
    made = Grouped(1, more={"instanceLifecyclePolicy": {"defaultActionOnFailure": "DO_NOTHING"}})
    made.later()
    first = made.vm("g-0001")
    lives.crash(first, first.life)
    made.later()
    assert made.vm("g-0001") is first and first.status == lives.TERMINATED


def test_a_member_is_creating_until_its_vm_runs() -> None:
    made = Grouped(1, type="PROACTIVE", maxUnavailable={"fixed": 1})
    assert made.group.actions() == {CREATING: 1}
    made.later()
    assert made.group.actions() == {NONE: 1} and made.group.stable()


def test_a_restarted_member_keeps_its_vm() -> None:
    made = Grouped(1)
    reconcile.restart(made.group, made.group.members["g-0001"])
    assert made.group.actions() == {CREATING: 1}, "one that is being made is let alone"
    made.later()
    vm = made.vm("g-0001")
    life = vm.life
    reconcile.restart(made.group, made.group.members["g-0001"])
    assert made.group.actions() == {RESTARTING: 1}
    made.later()
    assert made.vm("g-0001") is vm and vm.life != life
    assert made.group.actions() == {NONE: 1}


def test_recreating_one_that_was_not_made_tries_at_once() -> None:
    made = Grouped(1, room=0)
    member = made.group.members["g-0001"]
    made.room(1)
    reconcile.recreate(made.group, member)
    assert member.vm is not None
    first = member.vm
    made.wait(RETRY)
    assert member.vm is first, "the try that was put off is not made as well"


def test_what_leaves_is_not_made_anew() -> None:
    made = Grouped(1)
    made.later()
    member = made.group.members["g-0001"]
    reconcile.delete(made.group, [member])
    reconcile.recreate(made.group, member)
    assert member.action == DELETING
    made.group.target = 0
    made.later()
    assert made.group.members == {}


def test_an_update_that_substitutes_gives_a_new_name() -> None:
    made = Grouped(2, type="PROACTIVE", replacementMethod="SUBSTITUTE", maxUnavailable={"fixed": 1})
    made.later()
    made.group.versions = (NEW,)
    reconcile.roll(made.group)
    assert made.group.actions() == {DELETING: 1, CREATING: 1, NONE: 1}
    assert sorted(made.group.members) == ["g-0001", "g-0002", "g-0003"]
    made.later()
    assert {m.version for m in made.group.members.values()} == {NEW}
    assert len(made.group.members) == 2 and "g-0003" in made.group.members


def test_a_group_that_is_deleted_makes_nothing_more() -> None:
    made = Grouped(1, type="PROACTIVE", replacementMethod="RECREATE")
    made.later()
    made.group.deleting = True
    made.group.versions = (NEW,)
    made.resize(3)
    reconcile.recreate(made.group, made.group.members["g-0001"])
    assert made.group.actions() == {NONE: 1}


def test_a_group_without_a_proactive_policy_does_not_roll() -> None:
    made = Grouped(1, type="OPPORTUNISTIC")
    made.later()
    made.group.versions = (NEW,)
    reconcile.roll(made.group)
    assert made.group.actions() == {NONE: 1}
    assert made.group.members["g-0001"].version == OLD


def test_names_without_a_pattern_are_drawn_and_never_taken_twice() -> None:
    made = Grouped(30, more={"baseInstanceName": "w"})
    made.resize(60)
    assert len(made.group.members) == 60
    assert all(
        name.startswith("w-") and len(name) == 6 and set(name[2:]) <= set(ALPHABET)
        for name in made.group.members
    )
    again = Grouped(30, more={"baseInstanceName": "w"})
    assert list(again.group.members) == list(made.group.members)[:30], "a seed draws the same names"


def test_a_name_that_became_free_is_given_again() -> None:
    made = Grouped(3)
    made.later()
    made.group.target = 2
    reconcile.delete(made.group, [made.group.members["g-0002"]])
    made.later()
    made.resize(3)
    assert list(made.group.members) == ["g-0001", "g-0003", "g-0002"]


def test_a_vm_says_who_made_it_by_the_projects_number() -> None:
    made = Grouped(1)
    vm = made.vm("g-0001")
    number = made.group.project.number
    assert vm.manager == f"projects/{number}/zones/{ZONE}/instanceGroupManagers/g"
    assert vm.template == f"projects/{number}/global/instanceTemplates/old-1"


def test_a_template_that_is_gone_is_told_as_the_reason() -> None:
    made = Grouped(0)
    made.group.project.table("instanceTemplates").pop("global", "old-1")
    made.resize(1)
    member = made.group.members["g-0001"]
    assert member.vm is None and member.zone == ZONE
    assert "template cannot be found" in str(member.errors[0]["message"])


def test_machine_types_are_tried_in_their_order() -> None:
    policy = {
        "instanceSelections": {
            "second": {"machineTypes": ["e2-standard-4"], "rank": 2},
            "first": {"machineTypes": ["n2-standard-2"], "rank": 1},
        }
    }
    made = Grouped(0, more={"instanceFlexibilityPolicy": policy})
    made.room_of({"n2-standard-2": 1, "e2-standard-4": 1})
    made.resize(3)
    kinds = [member.vm and member.vm.place.machine_type for member in made.group.members.values()]
    assert kinds == ["n2-standard-2", "e2-standard-4", None]


@pytest.mark.parametrize(
    ("value", "of", "number"),
    [
        ({"fixed": 3}, 10, 3),
        ({"percent": 25}, 10, 2),
        ({}, 10, 1),
        (None, 10, 1),
        ({"fixed": 0}, 9, 0),
    ],
)
def test_a_number_or_a_share(value: object, of: int, number: int) -> None:
    assert reconcile._number(value, of) == number
