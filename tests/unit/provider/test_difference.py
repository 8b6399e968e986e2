"""What must change, field by field."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from provision.provider.difference import Difference, differences
from provision.provider.values import UNKNOWN

REPLACES = frozenset({"zone", "network"})
CASES: list[tuple[dict[str, Any], dict[str, Any], list[tuple[str, str, bool]]]] = [
    ({}, {}, []),
    ({"a": 1}, {"a": 1.0}, []),
    ({"a": 1}, {"a": True}, [("a", "update", False)]),
    ({"a": "1"}, {"a": 1}, [("a", "update", False)]),
    ({"a": None}, {}, []),
    ({}, {"a": None}, []),
    ({"a": 1}, {}, [("a", "delete", False)]),
    ({}, {"a": 0}, [("a", "add", False)]),
    ({"zone": "a"}, {"zone": "b"}, [("zone", "update", True)]),
    ({"zone": "a"}, {}, [("zone", "delete", True)]),
    (
        {"labels": {"team": "red", "old": "x"}},
        {"labels": {"team": "blue", "new": "y"}},
        [
            ("labels.new", "add", False),
            ("labels.old", "delete", False),
            ("labels.team", "update", False),
        ],
    ),
    ({"labels": {"a.b": 1}}, {"labels": {"a.b": 2}}, [('labels["a.b"]', "update", False)]),
    ({"a.b": 1}, {"a.b": 2}, [('["a.b"]', "update", False)]),
    ({"labels": {}}, {"labels": None}, [("labels", "delete", False)]),
    (
        {"disks": [{"size": 10}, {"size": 20}]},
        {"disks": [{"size": 10.0}, {"size": 30}, {"size": 5}]},
        [("disks[1].size", "update", False), ("disks[2]", "add", False)],
    ),
    ({"a": [1, 2]}, {"a": [1]}, [("a[1]", "delete", False)]),
    ({"a": [1]}, {"a": {"b": 1}}, [("a", "update", False)]),
    ({"network": "n"}, {"network": UNKNOWN}, [("network", "update", True)]),
    ({"a": {"b": "n"}}, {"a": {"b": UNKNOWN}}, [("a.b", "update", False)]),
    ({"a": UNKNOWN}, {"a": UNKNOWN}, [("a", "update", False)]),
]


@pytest.mark.parametrize(("old", "new", "expected"), CASES)
def test_cases(
    old: dict[str, Any], new: dict[str, Any], expected: list[tuple[str, str, bool]]
) -> None:
    found = differences(old, new, REPLACES)
    assert [(one.path, one.kind, one.replaces) for one in found] == expected


def test_the_key_is_the_top_one() -> None:
    (found,) = differences({"disks": [{"size": 1}]}, {"disks": [{"size": 2}]}, frozenset({"disks"}))
    assert found == Difference("disks[0].size", "disks", "update", True)


words = some.text(max_size=3)
leaves = some.none() | some.booleans() | some.integers() | words
trees = some.recursive(
    leaves,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
maps = some.dictionaries(words, trees, max_size=3)


@given(maps)
@settings(max_examples=40)
def test_nothing_differs_from_itself(inputs: dict[str, Any]) -> None:
    assert differences(inputs, inputs, frozenset()) == []


@given(maps, maps)
@settings(max_examples=60)
def test_both_directions_see_the_same_paths(a: dict[str, Any], b: dict[str, Any]) -> None:
    forth, back = differences(a, b, frozenset()), differences(b, a, frozenset())
    assert [one.path for one in forth] == [one.path for one in back]
    turned = {"add": "delete", "delete": "add", "update": "update"}
    assert [turned[one.kind] for one in forth] == [one.kind for one in back]
