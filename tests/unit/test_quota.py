"""What fits of a plan, for any cloud: a toy that takes bricks by the node and one crate for each ten."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from provision.cloud import Limit
from provision.names import ENDLESS
from provision.plan import Plan, plan_of
from provision.quota import Amount, Key, Present, Sizes, fitting, largest, limits, shortages
from provision.spec.models import Spec

BRICKS, CRATES = ("attic", "BRICKS"), ("all", "CRATES")
PAGE = "https://toy/quota"


def plan(**groups: int) -> Plan:
    wanted: dict[str, Any] = {name: {"nodes": count} for name, count in groups.items()}
    return plan_of(Spec.model_validate({"name": "d", "groups": wanted}))


@dataclass
class Toys:
    """Four bricks a node, and crates that ten nodes share."""

    plan: Plan
    asked: list[int] = field(default_factory=list)

    def at(self, sizes: Sizes) -> Mapping[Key, float]:
        nodes = sum(sizes.values())
        self.asked.append(nodes)
        return {BRICKS: 4.0 * nodes, CRATES: math.ceil(nodes / 10)}


@pytest.mark.parametrize(
    ("largest", "sizes"),
    [(4, None), (5, None), (6, {"a": 5, "b": 1}), (25, {"a": 5, "b": 20}), (99, {"a": 5, "b": 20})],
)
def test_a_size_of_zero_is_never_offered(largest: int, sizes: Mapping[str, int] | None) -> None:
    limits = [Limit("memory", "host", 25, 20, 0, largest), Limit("unknown", "host", 25)]
    assert fitting(plan(a=5, b=20), limits) == sizes


@pytest.mark.parametrize(
    ("key", "left", "most"),
    [(BRICKS, 48.0, 12), (BRICKS, 47.0, 11), (BRICKS, 23.0, 0), (BRICKS, 24.0, 6), (BRICKS, 0.0, 0),
     (CRATES, 2.0, 20), (CRATES, 1e9, ENDLESS)],
)  # fmt: skip
def test_the_largest_by_one_metric(key: Key, left: float, most: int) -> None:
    toys = Toys(plan(a=5, b=20))
    assert largest(toys, key, left) == most
    assert len(toys.asked) < 20, "by halves, as there may be tens of thousands"


def test_a_row_for_each_metric_and_what_is_not_listed_is_unknown() -> None:
    bricks, crates = limits(Toys(plan(a=25)), {BRICKS: Amount(100, 60)}, PAGE)
    assert bricks == Limit("BRICKS", "attic", 100, 100, 60, 10, PAGE)
    assert crates == Limit("CRATES", "all", 3, fix=PAGE) and not crates.short
    over = limits(Toys(plan(a=25)), {BRICKS: Amount(100, 130)}, PAGE)[0]
    assert (over.left, over.largest) == (0.0, 0), "what is used beyond the limit is no debt"


def test_a_shortage_names_the_numbers_what_fits_and_where_to_ask() -> None:
    made = plan(a=5, b=20)
    rows = limits(Toys(made), {BRICKS: Amount(100, 60), CRATES: Amount(9, 0)}, PAGE)
    assert [str(each) for each in shortages(made, rows)] == [
        "quota BRICKS in attic: limit 100, used 60, needed 100: 10 nodes fit in all, 5 of them in b;"
        " give --nodes b=5 or --shrink-to-fit, or ask for more at https://toy/quota"
    ]
    one = plan(a=3)
    assert ": 1 node fits; give --nodes 1 " in next(
        str(each) for each in shortages(one, limits(Toys(one), {BRICKS: Amount(7, 0)}, PAGE))
    )
    (none,) = shortages(one, limits(Toys(one), {BRICKS: Amount(3, 0)}, PAGE))
    assert none.problem.endswith("not even one node fits")
    assert none.fix == "ask for more at https://toy/quota"


def test_only_missing_numbers_are_to_be_made() -> None:
    made = plan(a=5)
    names = [machine.name for machine in made.groups[0].machines]
    present = Present(made, {names[1], names[4]})
    assert present.count == 3
    assert [present.lacking("a", size) for size in (1, 2, 3, 5, 7)] == [0, 1, 1, 2, 4]
