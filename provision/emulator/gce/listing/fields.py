"""``fields``: partial answers (https://cloud.google.com/compute/docs/api/how-tos/performance).

``items(name,networkInterfaces/networkIP),nextPageToken``: names separated by commas, a slash goes down,
parentheses go down to several, ``*`` is all of them. Lists are gone through.
"""

import re
from functools import lru_cache
from typing import Any

from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.world import Json

Mask = dict[str, "Mask"]
"""What is wanted of an object; an empty mask wants everything."""
_TOKEN = re.compile(r"\s*([A-Za-z0-9_\-$.*]+|[(),/])")
LONGEST = 10_000
DEEPEST = 32


def select(text: str, content: Json) -> Json:
    """The content with only the fields that the text asks for. Raises ApiError 400."""
    result: Json = _cut(_mask(text), content)
    return result


def _cut(mask: Mask, value: Any) -> Any:
    if not mask:
        return value
    if isinstance(value, list):
        return [_cut(mask, each) for each in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, inner in value.items():
        chosen = [mask[name] for name in (key, "*") if name in mask]
        if chosen:
            result[key] = _cut(_joined(chosen), inner)
    return result


def _joined(masks: list[Mask]) -> Mask:
    if any(not mask for mask in masks):
        return {}
    result: Mask = {}
    for mask in masks:
        for key, inner in mask.items():
            result[key] = _joined([result[key], inner]) if key in result else inner
    return result


@lru_cache(maxsize=256)
def _mask(text: str) -> Mask:
    tokens, at = [], 0
    if len(text) > LONGEST:
        raise _bad(text)
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise _bad(text)
        tokens.append(found[1])
        at = found.end()
    mask, rest = _names(tokens, text, 0)
    if rest:
        raise _bad(text)
    return mask


def _names(tokens: list[str], text: str, depth: int) -> tuple[Mask, list[str]]:
    """One list of names up to its end; answers the tokens after it, too."""
    if depth > DEEPEST:
        raise _bad(text)
    mask: Mask = {}
    while True:
        path: list[str] = []
        while True:
            if not tokens or tokens[0] in "(),/":
                raise _bad(text)
            path.append(tokens[0])
            tokens = tokens[1:]
            if tokens[:1] != ["/"]:
                break
            tokens = tokens[1:]
        inner: Mask = {}
        if tokens[:1] == ["("]:
            inner, tokens = _names(tokens[1:], text, depth + 1)
            if tokens[:1] != [")"]:
                raise _bad(text)
            tokens = tokens[1:]
        for name in reversed(path[1:]):
            inner = {name: inner}
        mask[path[0]] = _joined([mask[path[0]], inner]) if path[0] in mask else inner
        if tokens[:1] != [","]:
            return mask, tokens
        tokens = tokens[1:]


def _bad(text: str) -> ApiError:
    return ApiError(
        400, "invalidParameter", f"Invalid field selection {text[:200]}", location="fields",
        location_type="parameter",
    )  # fmt: skip
