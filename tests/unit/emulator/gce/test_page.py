"""Pages and partial answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.listing import fields, order, page
from provision.emulator.gce.world import Json


def row(key: str) -> Json:
    return {"name": key, "creationTimestamp": f"{100 - len(key):03d}{key}"}


@given(st.sets(st.text("abc", min_size=1, max_size=4)), st.integers(1, 7), st.booleans())
def test_pages_put_together_are_the_list(names: set[str], size: int, newest_first: bool) -> None:
    keys = sorted(names)
    chosen = order.key("creationTimestamp desc") if newest_first else None
    seen: list[str] = []
    token = ""
    for _ in range(len(keys) + 1):
        rows, token = page.take(keys, size, token, row, chosen)
        assert len(rows) <= size
        seen += [each["name"] for each in rows]
        if not token:
            break
    assert sorted(seen) == keys
    if not newest_first:
        assert seen == keys


def test_a_token_stays_good_while_rows_come_and_go() -> None:
    rows, token = page.take(["a", "c", "e", "g"], 2, "", row, None)
    assert [each["name"] for each in rows] == ["a", "c"]
    rows, token = page.take(["b", "d", "e", "g"], 2, token, row, None)
    assert ([each["name"] for each in rows], bool(token)) == (["d", "e"], True)


def test_only_what_a_page_holds_is_rendered() -> None:
    rendered: list[str] = []

    def watched(key: str) -> Json:
        rendered.append(key)
        return row(key)

    keys = [f"{n:05d}" for n in range(10_000)]
    page.take(keys, 100, "", watched, None)
    assert len(rendered) <= 101


@pytest.mark.parametrize("token", ["x", "%%%", "W10", "eyJhIjoxfQ", "é"])
def test_a_bad_token(token: str) -> None:
    with pytest.raises(ApiError, match="Invalid page token"):
        page.take(["a"], None, token, row, None)


@pytest.mark.parametrize("size", [-1, 501])
def test_a_bad_size(size: int) -> None:
    with pytest.raises(ApiError, match="maxResults"):
        page.take(["a"], size, "", row, None)


def test_orders() -> None:
    assert order.key("name") is None
    assert order.key("creationTimestamp  desc") == order.Order("creationTimestamp", descending=True)
    with pytest.raises(ApiError, match="orderBy"):
        order.key("size")


CONTENT: Json = {"items": [{"name": 1, "a": {"b": 2, "c": 3}, "x": 1}], "next": "t", "k": 1}


@pytest.mark.parametrize(
    ("mask", "left"),
    [
        ("items(name,a/b),next", {"items": [{"name": 1, "a": {"b": 2}}], "next": "t"}),
        ("items/name", {"items": [{"name": 1}]}),
        ("items/a(b,c)", {"items": [{"a": {"b": 2, "c": 3}}]}),
        ("*", CONTENT),
        ("items(*)", {"items": CONTENT["items"]}),
        ("items/*/b", {"items": [{"name": 1, "a": {"b": 2}, "x": 1}]}),
        (" k , next ", {"next": "t", "k": 1}),
        ("items/name,items/x", {"items": [{"name": 1, "x": 1}]}),
        ("nope", {}),
    ],
)
def test_partial_answers(mask: str, left: Json) -> None:
    assert fields.select(mask, CONTENT) == left


@pytest.mark.parametrize("mask", ["items(", "items)", ",", "a//b", "a(b))", "é", "a" * 20_000])
def test_bad_masks(mask: str) -> None:
    with pytest.raises(ApiError, match="Invalid field selection"):
        fields.select(mask, CONTENT)
