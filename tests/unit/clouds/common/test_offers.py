"""What is asked for against what a toy cloud offers, with the nearest that there is."""

from collections.abc import Mapping

import pytest

from provision.clouds.common.offers import lacking, nearest_offered, told_once
from provision.failures import Answer, ServiceFailure, Unavailable, Unreachable
from tests.unit.test_failures import TOY

THERE = {"brick-2": True, "brick-4": True, "brick-4-red": True}


def found(name: str, offered: Mapping[tuple[str, str], object]) -> list[str]:
    """Over the zones a, b and c of the attic."""
    return [
        str(each)
        for each in lacking(
            "brick",
            name,
            "cloud.bricks",
            "abc",
            "attic",
            offered,
            lambda: set(THERE),
            "'toy bricks'",
        )
    ]


def test_what_all_zones_have_and_what_could_not_be_asked_is_no_finding() -> None:
    assert found("brick-2", {("brick-2", zone): "it" for zone in "abc"}) == []
    assert found("brick-2", {}) == []
    assert found("brick-2", {("brick-2", "a"): "it"}) == [], "b and c did not answer"


def test_what_some_zones_have_names_both() -> None:
    assert found("brick-2", {("brick-2", "a"): "it", ("brick-2", "b"): None}) == [
        "cloud.bricks: the brick brick-2 is not in b; choose another, or the zones that have it:"
        " cloud.zones: [a]"
    ]


@pytest.mark.parametrize(
    ("name", "step"),
    [("brick", "did you mean brick-2?"), ("brick-4-r", "did you mean brick-4-red?"),
     ("brikc-2", "did you mean brick-2?"), ("zzz", "see 'toy bricks'")],
)  # fmt: skip
def test_what_no_zone_has_is_told_with_the_nearest(name: str, step: str) -> None:
    (said,) = found(name, {(name, zone): None for zone in "abc"})
    assert said.startswith(f"cloud.bricks: there is no brick {name} in attic; ") and step in said


def test_where_nobody_can_be_asked_nothing_is_suggested() -> None:
    def silent() -> set[str]:
        raise Unreachable(TOY, "list bricks", Answer("refused"))

    assert nearest_offered("brick", silent) == ""


def test_each_reason_is_told_once() -> None:
    one, same = (Unreachable(TOY, f"read {what}", Answer("refused")) for what in ("a", "b"))
    other, kind = Unreachable(TOY, "x", Answer("reset")), Unavailable(TOY, "x", Answer("refused"))
    told: list[ServiceFailure] = []

    def place_of(failure: ServiceFailure) -> str:
        told.append(failure)
        return "cloud: toy"

    assert len(list(told_once([one, same, other, kind, one], place_of))) == 3
    assert told == [one, other, kind]
