"""Comparing a row's fields with a filter's literals."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from provision.emulator.gce.world import Json

LONGEST_REGEX = 1000
_KEY = re.compile(r"([^.\[]+)|\[\"?([^\]\"]+)\"?\]")
_NESTED = re.compile(r"\([^()]*[*+}][^()]*\)\s*[*+{]")
_INLINE_ENDS = re.compile(r"\(\?[a-zA-Z]+\)")


def path(field: str) -> tuple[str, ...]:
    """``labels.owner``, ``metadata.items.key["a"].value`` as its steps."""
    return tuple(found[1] or found[2] for found in _KEY.finditer(field))


def values(row: Any, steps: Sequence[str]) -> Iterator[Any]:
    """What the steps lead to; through lists it may be many, nowhere it is none."""
    if not steps:
        if isinstance(row, list):
            for each in row:
                yield from values(each, steps)
        elif row is not None:
            yield row
        return
    if isinstance(row, list):
        for each in row:
            yield from values(each, steps)
    elif isinstance(row, dict):
        step = steps[0]
        if step == "key" and len(steps) > 1 and isinstance(row.get("key"), str):
            # metadata.items.key["NAME"].value: the element whose key it is.
            if row["key"] == steps[1]:
                yield from values(row, steps[2:])
        elif step in row:
            yield from values(row[step], steps[1:])
        else:
            snake = re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), step)
            if snake != step and snake in row:
                yield from values(row[snake], steps[1:])


def text(value: Any) -> str:
    """A field's value as filters see it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def regex(pattern: str) -> re.Pattern[str]:
    """A pattern for the old syntax. Raises ``re.error`` for one that could take for ever."""
    if len(pattern) > LONGEST_REGEX or _NESTED.search(pattern) or pattern.count("*") > 12:
        raise re.error("too costly")
    if _INLINE_ENDS.search(pattern[1:]):
        raise re.error("flags may only stand at the beginning")
    return re.compile(pattern, re.DOTALL)


def wild(literal: str) -> Callable[[str], bool]:
    """A literal with ``*`` for anything, without regard to case; in linear time."""
    parts = literal.lower().split("*")

    def test(value: str) -> bool:
        lower = value.lower()
        if len(parts) == 1:
            return lower == parts[0]
        if not lower.startswith(parts[0]):
            return False
        at = len(parts[0])
        for part in parts[1:-1]:
            found = lower.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return len(lower) - at >= len(parts[-1]) and lower.endswith(parts[-1])

    return test


def test(
    steps: tuple[str, ...], sign: str, literals: list[tuple[str, bool]]
) -> Callable[[Json], bool]:
    """The test of one comparison; several literals mean any of them."""
    if sign in ("!=", "!:"):
        positive = test(steps, "=" if sign == "!=" else ":", literals)
        return lambda row: not positive(row)
    tests = [_literal(sign, literal, quoted) for literal, quoted in literals]

    def matches(row: Json) -> bool:
        found = list(values(row, steps))
        return any(one(value) for one in tests for value in found)

    return matches


def _literal(sign: str, literal: str, quoted: bool) -> Callable[[Any], bool]:
    if sign == "=":
        equal = wild(literal)
        return lambda value: not isinstance(value, dict) and equal(text(value))
    if sign == ":":
        return _has(literal)
    return lambda value: _ordered(sign, value, literal)


def _has(literal: str) -> Callable[[Any], bool]:
    """``labels:x`` (a key), ``labels.owner:*`` (is there), ``name:web`` (contains the word)."""
    if literal == "*":
        return lambda value: value not in ("", {}, [])
    equal = wild(literal)
    lower = literal.lower().rstrip("*")

    def has(value: Any) -> bool:
        if isinstance(value, dict):
            return any(equal(key) for key in value)
        shown = text(value)
        return equal(shown) or lower in shown.lower()

    return has


def _ordered(sign: str, value: Any, literal: str) -> bool:
    if isinstance(value, dict | bool):
        return False
    left: Any
    right: Any
    try:
        left, right = float(value), float(literal)
    except ValueError:
        try:
            left, right = _moment(str(value)), _moment(literal)
        except ValueError:
            left, right = str(value), literal
    return bool(
        {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign]
    )


def _moment(value: str) -> float:
    return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
