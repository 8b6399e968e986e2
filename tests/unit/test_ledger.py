"""The ledger names what is left, removes only what is surely a test's, and fails the run."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import ledger as module
from tests import machine
from tests.ledger import Ledger, Ownership
from tests.machine import Thing

OLD = Thing("container", "1", "demo-controller", "demo")
OURS = Thing("container", "2", "jcluster-controller", "jcluster")
NODES = Thing("network", "3", "rt0a1b2c", "rt0a1b2c")
BY_FOLDER = Thing("container", "4", "odd-controller", "odd")
USERS = Thing("container", "5", "mine-controller", "mine")
NOBODYS = Thing("container", "6", "other-controller", "other")
PROCESS = Thing("process", "77 123", "77 (sleep 60)")
VOLUME = Thing("volume", "abc", "abc")


@pytest.fixture
def ownership(tmp_path: Path) -> Ownership:
    (tmp_path / "users" / "clusters" / "mine").mkdir(parents=True)
    (tmp_path / "run" / "a_test" / "state" / "provision" / "clusters" / "odd").mkdir(parents=True)
    return Ownership({"jcluster", "mine"}, tmp_path / "run", tmp_path / "users")


class Machine:
    """A machine as a set of things."""

    def __init__(self, *things: Thing) -> None:
        self.things = set(things)
        self.removed: list[Thing] = []

    def look(self) -> set[Thing]:
        return set(self.things)

    def remove(self, things: list[Thing]) -> list[str]:
        self.removed += things
        self.things -= {*things}
        return []


Opened = Callable[..., tuple[Ledger, Machine]]


@pytest.fixture
def opened(ownership: Ownership) -> Opened:
    def make(*things: Thing) -> tuple[Ledger, Machine]:
        machine = Machine(*things)
        ledger = Ledger(machine.look, machine.remove, ownership, settle=0)
        ledger.open()
        return ledger, machine

    return make


def test_the_same_as_before_is_nothing(opened: Opened) -> None:
    ledger, machine = opened(OLD, VOLUME)
    assert ledger.close() == ""
    machine.things.remove(OLD)
    assert ledger.close() == "" and machine.removed == []


@pytest.mark.parametrize("thing", [OURS, NODES, BY_FOLDER, PROCESS])
def test_what_a_test_left_is_named_and_removed(opened: Opened, thing: Thing) -> None:
    ledger, machine = opened(OLD)
    machine.things.add(thing)
    assert f"{thing} (removed now)" in ledger.close()
    assert machine.things == {OLD}


@pytest.mark.parametrize("thing", [NOBODYS, VOLUME, Thing("mount", "/x", "/x")])
def test_what_may_be_anothers_is_named_and_let_alone(opened: Opened, thing: Thing) -> None:
    ledger, machine = opened(OLD)
    machine.things.add(thing)
    assert f"{thing} (not surely a test's" in ledger.close()
    assert machine.removed == []


def test_what_the_user_made_meanwhile_is_no_business_of_ours(opened: Opened) -> None:
    ledger, machine = opened(OLD)
    machine.things.add(USERS)
    assert ledger.close() == "" and machine.removed == []


def test_what_a_killed_run_left_goes_first(opened: Opened) -> None:
    _, machine = opened(OLD, OURS, USERS, NOBODYS)
    assert machine.removed == [OURS]


def test_what_is_ending_is_waited_for(ownership: Ownership) -> None:
    seen = iter([{OLD}, {OLD, OURS}, {OLD, OURS}, {OLD}])
    ledger = Ledger(lambda: next(seen), Machine().remove, ownership, settle=60)
    ledger.open()
    assert ledger.close() == ""


def test_what_cannot_be_removed_is_said(ownership: Ownership) -> None:
    machine = Machine()
    ledger = Ledger(machine.look, lambda things: ["it is stuck"] * len(things), ownership, 0)
    ledger.open()
    machine.things.add(OURS)
    assert "it is stuck" in ledger.close()


LEFT = Thing("container", "9", "jpytester-controller", "jpytester")
MACHINE = Machine()
TESTS = """\
from tests.unit.test_ledger import LEFT, MACHINE

NAME = "jpytester"


def test_makes():
    MACHINE.things.add(LEFT)
    assert {fine}
"""


@pytest.mark.parametrize("fine", [True, False])
def test_a_leftover_fails_the_run_and_goes_even_when_a_test_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, fine: bool
) -> None:
    monkeypatch.setattr(MACHINE, "things", {OLD})
    monkeypatch.setattr(machine, "look", lambda run, state: MACHINE.look())
    monkeypatch.setattr(machine, "remove", MACHINE.remove)
    monkeypatch.setattr(module, "take_turns", lambda: os.open(os.devnull, os.O_RDONLY))
    monkeypatch.setattr(module, "SETTLE", 0)
    pytester.makeconftest("from tests.ledger import ledger")
    pytester.makepyfile(TESTS.format(fine=fine))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=int(fine), failed=int(not fine), errors=1)
    result.stdout.fnmatch_lines(["the tests left this behind:", f"  {LEFT} (removed now)"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert MACHINE.things == {OLD}
