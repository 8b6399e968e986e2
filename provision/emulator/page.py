"""Pages of a list: only what a page holds is rendered, and a token stays good while rows change."""

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Protocol

Json = dict[str, Any]
Accept = Callable[[str], Json | None]


class BadToken(ValueError):
    """A token that no page ended with."""


class Order(Protocol):
    """Another order than by key."""

    @property
    def descending(self) -> bool:
        """Whether the largest comes first."""

    def rank(self, row: Json) -> str:
        """What rows are compared by."""


def take(
    keys: Sequence[str], size: int, token: str, accept: Accept, order: Order | None = None
) -> tuple[list[Json], str]:
    """One page of rows and the next page's token, '' at the end. Raises BadToken.

    ``keys`` are sorted; ``accept`` renders a key's row, or None where a filter leaves it out. Without
    an order only the rows of the page (and those left out on the way) are rendered. A token names the
    last key shown, so that rows which come or go between two pages shift nothing.
    """
    if order is not None:
        return _ordered(keys, size, token, accept, order)
    start = bisect_right(keys, _key(token)) if token else 0
    rows: list[Json] = []
    last = ""
    for key in keys[start:]:
        row = accept(key)
        if row is None:
            continue
        if len(rows) == size:
            return rows, _token(last)
        rows.append(row)
        last = key
    return rows, ""


def _ordered(
    keys: Sequence[str], size: int, token: str, accept: Accept, order: Order
) -> tuple[list[Json], str]:
    found = [(order.rank(row), key, row) for key in keys if (row := accept(key)) is not None]
    found.sort(key=lambda each: (each[0], each[1]))
    if order.descending:
        found.sort(key=lambda each: each[0], reverse=True)
    start = 0
    if token:
        shown = _key(token)
        start = next((at + 1 for at, each in enumerate(found) if each[1] == shown), len(found))
    chosen = found[start : start + size]
    more = start + size < len(found)
    return [row for _, _, row in chosen], _token(chosen[-1][1]) if more and chosen else ""


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([key]).encode()).decode().rstrip("=")


def _key(token: str) -> str:
    try:
        decoded = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        raise BadToken(token) from None
    if isinstance(decoded, list) and len(decoded) == 1 and isinstance(decoded[0], str):
        return decoded[0]
    raise BadToken(str(decoded))
