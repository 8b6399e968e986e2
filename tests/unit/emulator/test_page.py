"""Pages of any list."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.emulator import page

Json = dict[str, Any]


@dataclass
class Newest:
    """By age, the youngest first."""

    descending: bool = True

    def rank(self, row: Json) -> str:
        return str(row["made"])


def row(key: str) -> Json:
    return {"name": key, "made": f"{100 - len(key):03d}{key}"}


@given(st.sets(st.text("abc", min_size=1, max_size=4)), st.integers(1, 7), st.booleans())
def test_pages_put_together_are_the_list(names: set[str], size: int, newest_first: bool) -> None:
    keys = sorted(names)
    chosen = Newest() if newest_first else None
    seen: list[str] = []
    token = ""
    for _ in range(len(keys) + 1):
        rows, token = page.take(keys, size, token, row, chosen)
        assert len(rows) <= size
        seen += [each["name"] for each in rows]
        if not token:
            break
    wanted = sorted(keys, key=lambda key: str(row(key)["made"]), reverse=True)
    assert seen == (wanted if newest_first else keys)


def test_a_token_stays_good_while_rows_come_and_go() -> None:
    rows, token = page.take(["a", "c", "e", "g"], 2, "", row)
    assert [each["name"] for each in rows] == ["a", "c"]
    rows, token = page.take(["b", "d", "e", "g"], 2, token, row)
    assert ([each["name"] for each in rows], bool(token)) == (["d", "e"], True)


def test_only_what_a_page_holds_is_rendered() -> None:
    rendered: list[str] = []

    def watched(key: str) -> Json:
        rendered.append(key)
        return row(key)

    keys = [f"{n:05d}" for n in range(10_000)]
    page.take(keys, 100, "", watched)
    assert len(rendered) <= 101


@pytest.mark.parametrize("token", ["x", "%%%", "W10", "eyJhIjoxfQ", "é"])
def test_a_bad_token(token: str) -> None:
    with pytest.raises(page.BadToken):
        page.take(["a"], 10, token, row)
