"""What must change so that old inputs become new ones: field by field, for every kind alike."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from provision.provider.values import UNKNOWN

Kind = Literal["add", "delete", "update"]
PLAIN = re.compile(r"[^.\[\]\"\s]+$")
"""Keys that need no quotes in a property path."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs. ``path`` is Pulumi's: ``labels.team``, ``disks[0].size``."""

    path: str
    key: str
    kind: Kind
    replaces: bool


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], replace_on: frozenset[str]
) -> list[Difference]:
    """All fields that differ, in the order of their keys.

    A missing key and one that is None are the same, and so are 1 and 1.0. A value that is not yet
    known may turn out to be anything, so it counts as changed.
    """
    return [
        Difference(path, key, kind, key in replace_on)
        for key in sorted({*old, *new})
        for path, kind in _compare(_quoted(key), old.get(key), new.get(key))
    ]


def _compare(path: str, old: Any, new: Any) -> Iterator[tuple[str, Kind]]:
    if old is None and new is None:
        return
    if old is None:
        yield path, "add"
    elif new is None:
        yield path, "delete"
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _compare(_below(path, key), old.get(key), new.get(key))
    elif _is_list(old) and _is_list(new):
        for index in range(max(len(old), len(new))):
            yield from _compare(f"{path}[{index}]", _at(old, index), _at(new, index))
    elif not _same(old, new):
        yield path, "update"


def _same(old: Any, new: Any) -> bool:
    if UNKNOWN in (old, new):
        return False
    # True equals 1 in Python and nowhere else.
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _at(values: Sequence[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if PLAIN.match(key) else f"{path}{_quoted(key)}"


def _quoted(key: str) -> str:
    if PLAIN.match(key):
        return key
    escaped = key.replace('"', '\\"')
    return f'["{escaped}"]'
