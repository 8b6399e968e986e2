"""What a toy cloud has goes row after row; whoever does not go is named."""

import threading
from collections.abc import Sequence
from functools import partial

import pytest

from provision.errors import CloudFailure, InterruptedRun, ProvisionError
from provision.events import Event, Noted
from provision.labels import CLUSTER, EXPIRES
from provision.leftovers import Leftover
from provision.sweep import TOGETHER, leftovers, sweep
from tests.memory import MemoryCloud


class Toys:
    """Rows of names; what falls takes others along, and some are stuck."""

    def __init__(self, *rows: Sequence[str]) -> None:
        self.rows = [list(row) for row in rows]
        self.gone: list[str] = []
        self.stuck: dict[str, ProvisionError] = {}
        self.takes: dict[str, str] = {}
        self.looks = 0

    def census(self) -> list[list[Leftover]]:
        self.looks += 1
        return [[self.toy(name) for name in row] for row in self.rows]

    def toy(self, name: str) -> Leftover:
        return Leftover("toy", name, "demo", remove=partial(self.remove, name))

    def remove(self, name: str, seconds: float) -> None:
        assert seconds == 7.0
        if name in self.stuck:
            raise self.stuck[name]
        self.gone.append(name)
        self.rows = [[n for n in row if n not in (name, self.takes.get(name))] for row in self.rows]


def test_rows_go_in_their_order_and_each_is_told() -> None:
    toys, told = Toys(["a", "b"], [], ["c"]), list[Event]()
    assert sorted(sweep(toys.census, told.append, 7.0)) == ["a", "b", "c"]
    assert toys.gone[-1] == "c" and toys.rows == [[], [], []]
    assert {e.text for e in told if isinstance(e, Noted)} == {f"removed the toy {n}" for n in "abc"}


def test_what_went_with_an_earlier_row_is_not_removed_once_more() -> None:
    toys = Toys(["a"], ["a-1", "lost"])
    toys.takes["a"] = "a-1"
    assert sweep(toys.census, list[Event]().append, 7.0) == ["a", "lost"]
    assert toys.looks == 2


def test_one_that_stays_ends_it_with_its_own_failure_after_its_row() -> None:
    toys = Toys(["a", "b"], ["c"])
    toys.stuck["a"] = CloudFailure("a holds on", "pull")
    with pytest.raises(CloudFailure, match="a holds on: pull") as caught:
        sweep(toys.census, list[Event]().append, 7.0)
    assert caught.value is toys.stuck["a"]
    assert toys.gone == ["b"], "the others of its row go, and nothing that it may need"


def test_several_that_stay_are_all_named_and_a_reason_once() -> None:
    toys = Toys(["a", "b", "c"])
    toys.stuck = {name: CloudFailure("no power", "wait") for name in "ab"}
    with pytest.raises(CloudFailure) as caught:
        sweep(toys.census, list[Event]().append, 7.0)
    assert caught.value.problem == "the toy a, the toy b could not be removed (no power)"
    assert (caught.value.next_step, toys.gone) == ("wait", ["c"])


def test_a_wish_to_stop_is_no_failure_of_a_thing() -> None:
    toys = Toys(["a", "b"])
    toys.stuck = {"a": CloudFailure("no", "x"), "b": InterruptedRun("stopped", "again")}
    with pytest.raises(InterruptedRun):
        sweep(toys.census, list[Event]().append, 7.0)


def test_a_row_goes_in_parallel() -> None:
    met = threading.Barrier(TOGETHER, timeout=30)

    def remove(seconds: float) -> None:
        met.wait()

    row = [Leftover("toy", f"{number}", "d", remove=remove) for number in range(TOGETHER)]
    assert len(sweep(lambda: [row], list[Event]().append)) == TOGETHER


def test_labels_say_whose_it_is_and_when_it_may_go() -> None:
    marks = {CLUSTER: "demo", EXPIRES: "1700000000"}
    found = Leftover.marked("disk", "d", marks, lambda seconds: None)
    assert (found.cluster, found.expires) == ("demo", 1.7e9)
    other = Leftover.marked("disk", "d", {EXPIRES: "soon"}, lambda seconds: None)
    assert (other.cluster, other.expires) == ("", None)


def test_without_a_way_to_remove_it_a_leftover_says_so() -> None:
    with pytest.raises(CloudFailure, match="provision down"):
        sweep(lambda: [[Leftover("toy", "a", "d")]], list[Event]().append)


def test_leftovers_are_the_census_in_one_row() -> None:
    class Rows(MemoryCloud):
        def census(self, cluster: str = "", *, everywhere: bool = False) -> list[list[Leftover]]:
            return [[Leftover("a", "1", cluster)], [], [Leftover("b", "2", cluster)]]

    assert [one.name for one in leftovers(Rows(), "demo")] == ["1", "2"]
