"""``fields``: partial answers (https://cloud.google.com/compute/docs/api/how-tos/performance).

``items(name,networkInterfaces/networkIP),nextPageToken``: names separated by commas, a slash or a dot goes
down, parentheses go down to several, ``*`` is all of them. Lists are gone through. A map's key may hold a
slash (``items`` of an aggregated list has ``zones/us-central1-a``): it is meant whole, in backquotes, by
its segments, or by the first of them alone, as slurm-gcp's ``items.zones.instances(name)`` does.
A name that the answer's schema does not have is refused: an empty answer would read as "there are none".
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from provision.emulator.gce import urls
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.world import Json

Mask = dict[str, "Mask"]
"""What is wanted of an object; an empty mask wants everything."""
_TOKEN = re.compile(r"\s*(?:`([^`]+)`|([A-Za-z0-9_\-$]+|[*(),/.]))")
_MARKS = frozenset("(),/.")
LONGEST = 10_000
DEEPEST = 32


def select(text: str, content: Json, schema: str = "") -> Json:
    """The content with only the fields that the text asks for; ``schema`` names what it is of.

    Raises ApiError 400.
    """
    result: Json = _cut(_mask(text, schema), content)
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
        if "/" in key:
            chosen += _by_segments(mask, key.split("/"), inner)
        if chosen:
            result[key] = _cut(_joined(chosen), inner)
    return result


def _by_segments(mask: Mask, segments: list[str], value: Any) -> Iterator[Mask]:
    """What a mask wants of the value that goes down its key's segments, or names only the first."""
    inner = mask.get(segments[0])
    if inner is None:
        return
    deeper = [inner[name] for name in (segments[1], "*") if name in inner] if inner else []
    fields = value.keys() if isinstance(value, dict) else ()
    fitting = [each for each in deeper if not each or "*" in each or set(each) & set(fields)]
    if fitting or not inner or set(inner) & set(fields):
        yield _joined(fitting) if fitting else inner


def _joined(masks: list[Mask]) -> Mask:
    if any(not mask for mask in masks):
        return {}
    result: Mask = {}
    for mask in masks:
        for key, inner in mask.items():
            result[key] = _joined([result[key], inner]) if key in result else inner
    return result


@lru_cache(maxsize=256)
def _mask(text: str, schema: str) -> Mask:
    tokens, at = list[str](), 0
    if len(text) > LONGEST:
        raise _bad(text)
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise _bad(text)
        # A quoted key is told from a mark of its spelling by the quote before it.
        tokens.append(f"`{found[1]}" if found[1] else found[2])
        at = found.end()
    mask, rest = _names(tokens, text, 0)
    if rest:
        raise _bad(text)
    unknown = _unknown(mask, {"$ref": schema}) if schema else ""
    if unknown:
        raise _bad(unknown)
    return mask


def _names(tokens: list[str], text: str, depth: int) -> tuple[Mask, list[str]]:
    """One list of names up to its end; answers the tokens after it, too."""
    if depth > DEEPEST:
        raise _bad(text)
    mask: Mask = {}
    while True:
        path: list[str] = []
        while True:
            if not tokens or tokens[0] in _MARKS:
                raise _bad(text)
            path.append(tokens[0].removeprefix("`"))
            tokens = tokens[1:]
            if tokens[:1] not in (["/"], ["."]):
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


def _unknown(mask: Mask, schema: Json) -> str:
    """The first name that the schema has no place for, '' where it has one for all."""
    while "$ref" in schema or schema.get("type") == "array":
        schema = urls.load().schemas[schema["$ref"]] if "$ref" in schema else schema["items"]
    known = schema.get("properties", {})
    each = schema.get("additionalProperties")
    if schema.get("type") == "any":
        return ""
    for name, inner in mask.items():
        if each is not None and name not in known:
            wrong = _unknown(inner, each)
            # Or the name is a segment of a key, and so are those under it.
            if wrong and not any(_unknown(deeper, each) for deeper in inner.values()):
                wrong = ""
        elif name == "*":
            wrong = "" if any(not _unknown(inner, of) for of in known.values()) else name
        else:
            wrong = _unknown(inner, known[name]) if name in known else name
        if wrong:
            return wrong
    return ""


def _bad(text: str) -> ApiError:
    return ApiError(
        400, "invalidParameter", f"Invalid field selection {text[:200]}", location="fields",
        location_type="parameter",
    )  # fmt: skip
