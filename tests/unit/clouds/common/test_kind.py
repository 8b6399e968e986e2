"""What any kind of resource is made, adopted, changed and removed by: of a toy that keeps its own shelf."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from provision.clouds.common.kind import Kind, Listed, first_with_room
from provision.errors import CloudFailure, RefusedError
from provision.failures import Answer, NotFound, Taken
from provision.labels import CLUSTER, EXPIRES, KEYS, RUN
from provision.provider.resource import Created, Inputs, Outputs, Work
from provision.refusals import OverQuota, StockOut
from tests.unit.test_failures import TOY

WORK = Work.within(60, threading.Event())


class Brick(Kind):
    """Inputs: ``colour``, which cannot change, and ``size``, which can."""

    token = "provision:toy:Brick"
    noun = "brick"
    replace_on = frozenset({"colour"})

    def __init__(self) -> None:
        self.shelf: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    def ident(self, inputs: Inputs) -> str:
        return f"toybox/bricks/{inputs['name']}"

    def insert(self, inputs: Inputs, work: Work) -> None:
        self.asked.append("insert")
        if self.ident(inputs) in self.shelf:
            raise Taken(TOY, "create", Answer("taken"))
        self.shelf[self.ident(inputs)] = {**inputs, "made": "noon"}

    def get(self, ident: str) -> Any | None:
        return self.shelf.get(ident)

    def erase(self, ident: str, work: Work) -> None:
        self.asked.append("erase")
        if self.shelf.pop(ident, None) is None:
            raise NotFound(TOY, "delete", Answer("gone"))

    def listed(self, *, everywhere: bool = False) -> Iterator[Listed]:
        return (Listed(ident, found["marks"]) for ident, found in self.shelf.items())

    def seen(self, found: Any) -> dict[str, Any]:
        return {"colour": found["colour"], "size": found["size"]}

    def marks(self, found: Any) -> dict[str, str]:
        marks: dict[str, str] = found["marks"]
        return marks

    def made_at(self, found: Any) -> str:
        return str(found["made"])

    def change(self, ident: str, old: Outputs, new: Inputs, work: Work) -> None:
        self.asked.append(f"change {old['size']} to {new['size']}")
        self.shelf[ident]["size"] = new["size"]


def wanted(cluster: str = "d", keys: str = "k", **more: Any) -> dict[str, Any]:
    marks = {CLUSTER: cluster, KEYS: keys, RUN: "r1", EXPIRES: "1700000000"}
    return {"name": "b", "colour": "red", "size": 1, "marks": marks, **more}


@pytest.fixture
def brick() -> Brick:
    return Brick()


def test_what_is_not_there_is_made(brick: Brick) -> None:
    assert brick.find(wanted()) is None
    assert brick.create(wanted(), WORK) == Created("toybox/bricks/b", wanted())
    assert brick.find(wanted()) == "toybox/bricks/b"


def test_the_clusters_own_is_adopted_and_made_as_asked(brick: Brick) -> None:
    brick.create(wanted(), WORK)
    assert brick.create(wanted(), WORK).ident == "toybox/bricks/b"
    assert brick.asked == ["insert", "insert"], "nothing differs, so nothing is changed"
    brick.create(wanted(size=3), WORK)
    assert brick.asked[-1] == "change 1 to 3" and brick.shelf["toybox/bricks/b"]["size"] == 3


def test_an_input_that_cannot_change_is_refused_and_nothing_touched(brick: Brick) -> None:
    brick.create(wanted(), WORK)
    with pytest.raises(
        CloudFailure, match="exists with another colour: run 'provision down d' first"
    ):
        brick.create(wanted(colour="blue", size=3), WORK)
    assert brick.asked == ["insert", "insert"]


@pytest.mark.parametrize("marks", [{CLUSTER: "e"}, {}])
def test_what_is_not_of_this_cluster_is_never_adopted(
    brick: Brick, marks: Mapping[str, str]
) -> None:
    brick.create(wanted(marks=marks), WORK)
    assert brick.find(wanted()) is None
    with pytest.raises(CloudFailure, match="the brick b exists already and is not of this cluster"):
        brick.create(wanted(), WORK)


def test_a_run_with_other_keys_has_the_name_and_says_which(brick: Brick) -> None:
    brick.create(wanted(keys="other"), WORK)
    assert brick.find(wanted()) is None
    with pytest.raises(RefusedError, match=r"has the name d \(run r1 made it at noon\)"):
        brick.create(wanted(), WORK)
    brick.shelf["toybox/bricks/b"]["marks"].pop(KEYS)
    assert brick.create(wanted(), WORK).ident, "one that names no keys is older than they are"


def test_what_is_on_its_way_out_is_told_as_taken(brick: Brick) -> None:
    taken = Taken(TOY, "create", Answer("taken"))
    with pytest.raises(Taken) as caught:
        brick.adopt("toybox/bricks/b", wanted(), WORK, taken)
    assert caught.value is taken


def test_reading_tells_what_differs_and_what_is_gone(brick: Brick) -> None:
    brick.create(wanted(), WORK)
    brick.shelf["toybox/bricks/b"]["size"] = 9
    state = brick.read("toybox/bricks/b", wanted())
    assert state is not None and (state["size"], state["name"]) == (9, "b")
    brick.delete("toybox/bricks/b", {}, WORK)
    assert brick.read("toybox/bricks/b", wanted()) is None
    brick.delete("toybox/bricks/b", {}, WORK)
    assert brick.asked[-2:] == ["erase", "erase"], "gone already is success"


def test_a_leftover_knows_whose_it_is_and_how_it_goes(brick: Brick) -> None:
    brick.create(wanted(), WORK)
    (found,) = map(brick.leftover, brick.listed())
    assert (found.kind, found.name, found.cluster, found.expires) == ("brick", "b", "d", 1.7e9)
    found.remove(5.0)
    assert brick.shelf == {}


def rooms(failures: Mapping[str, CloudFailure]) -> Callable[[str], Created]:
    def create(zone: str) -> Created:
        if zone in failures:
            raise failures[zone]
        return Created(zone, {})

    return create


def test_zone_after_zone_until_one_has_room() -> None:
    out = {zone: StockOut(TOY, "create", Answer(f"none in {zone}")) for zone in "abc"}
    assert first_with_room("abcd", rooms(out)).ident == "d"
    with pytest.raises(StockOut) as caught:
        first_with_room("abc", rooms(out))
    assert caught.value is out["c"]
    quota = OverQuota(TOY, "create", Answer("no"))
    with pytest.raises(OverQuota):
        first_with_room("ab", rooms({"a": quota}))
