"""A request's query and body against Google's schema: parsed and canonical, or refused as Google does.

Bodies are JSON of protocol buffers (https://protobuf.dev/programming-guides/json): 64-bit numbers may be
numbers or text and become text, names may be in camel or snake case, null is absent.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from provision.emulator.gce import errors
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.urls import Method, Parameter, load
from provision.emulator.gce.world import Json

DEEPEST = 64
"""Levels of nesting; a protocol buffer's parser takes 100."""
MOST_FAULTS = 50
INTEGERS = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
WIDE = ("int64", "uint64")
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_DECIMAL = re.compile(r"-?\d{1,20}\Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_SNAKE = re.compile(r"_([a-z0-9])")
TOLERATED = frozenset(
    {
        "returnPartialSuccess",
        "includeAllScopes",
        "serviceProjectNumber",
        "pp",
        "trace",
        "userProject",
    }
)
"""Parameters that clients of other years send; Google takes them, whatever one document lists."""


def parse_query(method: Method, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Query parameters by name, with their types. Raises ApiError 400."""
    common = load().common
    result: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for name, text in pairs:
        parameter = method.parameters.get(name) or common.get(name)
        if parameter is None and name in TOLERATED:
            continue
        if parameter is None or parameter.location != "query":
            why = f"Cannot bind query parameter. Field '{name}' could not be found in request message."
            faults.append((name, f'Unknown name "{name[:200]}": {why}'))
            continue
        value = _query_value(parameter, text)
        if parameter.repeated:
            result.setdefault(name, []).append(value)
        else:
            result[name] = value
    if faults:
        raise _unreadable(faults)
    for parameter in method.parameters.values():
        if parameter.required and parameter.location == "query" and parameter.name not in result:
            raise errors.required(parameter.name)
    _check_request_id(result.get("requestId", ""))
    if result.get("alt", "json") != "json":
        raise errors.invalid("alt", result["alt"], "Only json is served here.")
    return result


def _check_request_id(text: str) -> None:
    """A UUID, and not the one of zeros (the parameter's text in the document)."""
    if text and (not _UUID.match(text) or not text.strip("0-")):
        why = "Must be a valid UUID; the zero UUID is not supported."
        raise errors.invalid("requestId", text[:200], why)


def check_path(method: Method, values: Mapping[str, str]) -> None:
    """Path parameters against their patterns. Raises ApiError 400."""
    for name, value in values.items():
        pattern = method.parameters[name].pattern if name in method.parameters else None
        if pattern and not pattern.match(value):
            shown = pattern.pattern[3:-3]
            raise errors.invalid(name, value[:200], f"Must be a match of regex '{shown}'")


def _query_value(parameter: Parameter, text: str) -> Any:
    name = parameter.name
    if parameter.kind == "boolean":
        if text.lower() not in ("true", "false", "1", "0", ""):
            raise errors.invalid(name, text, "Must be true or false.")
        return text.lower() in ("true", "1")
    if parameter.kind == "integer" or parameter.format in INTEGERS:
        low, high = INTEGERS[parameter.format or "int32"]
        low = low if parameter.minimum is None else max(low, parameter.minimum)
        high = high if parameter.maximum is None else min(high, parameter.maximum)
        if not _DECIMAL.match(text) or not low <= int(text) <= high:
            raise errors.invalid(name, text[:200], f"Must be a number between {low} and {high}.")
        return int(text)
    if parameter.enum and text not in parameter.enum:
        raise errors.invalid(
            name, text[:200], f"Must be one of {', '.join(sorted(parameter.enum))}."
        )
    return text


def parse_body(method: Method, raw: bytes, content_type: str) -> Json:
    """The body in its canonical form, {} where there is none. Raises ApiError 400.

    It must say that it is JSON: a page of another site can send what says nothing, or something else,
    without the browser asking us first (fetch.spec.whatwg.org, "CORS-safelisted request-header").
    """
    if not raw.strip():
        return {}
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(400, "badContent", f"Unsupported content with type: {kind or 'none'}")
    try:
        given = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, "parseError", f"Parse Error: {error}") from None
    if not isinstance(given, dict):
        raise _unreadable([("", "Root element must be a message.")])
    faults: list[tuple[str, str]] = []
    result = _message(method.request, given, "", faults, 0)
    if faults:
        raise _unreadable(faults)
    return result


def _unreadable(faults: Sequence[tuple[str, str]]) -> ApiError:
    """All faults of one request in Google's one error."""
    shown = list(faults[:MOST_FAULTS])
    text = "\n".join(why for _, why in shown)
    violations = [
        {"field": place, "description": why} if place else {"description": why}
        for place, why in shown
    ]
    return ApiError(
        400, "badRequest", f"Invalid JSON payload received. {text}" if shown else text,
        details=[{"@type": BAD_REQUEST, "fieldViolations": violations}],
    )  # fmt: skip


Faults = list[tuple[str, str]]


def _message(name: str, given: Json, place: str, faults: Faults, depth: int) -> Json:
    return _object(load().schemas[name], given, place, faults, depth)


def _object(schema: Json, given: Json, place: str, faults: Faults, depth: int) -> Json:
    if depth > DEEPEST:
        faults.append((place, "Message too deep."))
        return {}
    properties = schema.get("properties", {})
    result: Json = {}
    for key, value in given.items():
        if len(faults) >= MOST_FAULTS:
            break
        known = properties.get(key)
        if known is None and "_" in key:
            camel = _SNAKE.sub(lambda found: found[1].upper(), key)
            if camel in properties:
                key, known = camel, properties[camel]
        inner = f"{place}.{key}" if place else key
        if known is None:
            where = f" at '{place}'" if place else ""
            faults.append((place, f'Unknown name "{key[:200]}"{where}: Cannot find field.'))
        elif value is not None:
            result[key] = _value(known, value, inner, faults, depth + 1)
    return result


def _value(schema: Json, value: Any, place: str, faults: Faults, depth: int) -> Any:
    if "$ref" in schema:
        if isinstance(value, dict):
            return _message(schema["$ref"], value, place, faults, depth)
        return _wrong(place, "TYPE_MESSAGE", value, faults)
    return _BY_TYPE[schema["type"]](schema, value, place, faults, depth)


def _wrong(place: str, kind: str, value: Any, faults: Faults) -> None:
    shown = orjson.dumps(value).decode()[:200]
    faults.append((place, f"Invalid value at '{place}' ({kind}), {shown}"))


def _structure(schema: Json, value: Any, place: str, faults: Faults, depth: int) -> Any:
    if not isinstance(value, dict):
        return _wrong(place, "TYPE_MESSAGE", value, faults)
    each = schema.get("additionalProperties")
    if each is None or "properties" in schema:
        return _object(schema, value, place, faults, depth)
    return {
        key: _value(each, inner, f"{place}[{key[:64]}]", faults, depth + 1)
        for key, inner in value.items()
        if len(faults) < MOST_FAULTS
    }


def _array(schema: Json, value: Any, place: str, faults: Faults, depth: int) -> Any:
    if value == {}:
        return []  # what Google's own clients of several years send for "none"
    if not isinstance(value, list):
        return _wrong(place, "TYPE_MESSAGE", value, faults)
    if depth > DEEPEST:
        faults.append((place, "Message too deep."))
        return []
    return [
        _value(schema["items"], inner, f"{place}[{index}]", faults, depth + 1)
        for index, inner in enumerate(value)
        if len(faults) < MOST_FAULTS
    ]


def _boolean(schema: Json, value: Any, place: str, faults: Faults, depth: int) -> Any:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    return _wrong(place, "TYPE_BOOL", value, faults)


def _integer(schema: Json, value: Any, place: str, faults: Faults, depth: int) -> Any:
    kind = schema.get("format", "int32")
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif (isinstance(value, float) and value.is_integer() and abs(value) < 2**63) or (
        isinstance(value, str) and _DECIMAL.match(value)
    ):
        number = int(value)
    low, high = INTEGERS[kind]
    if number is None or not low <= number <= high:
        return _wrong(place, f"TYPE_{kind.upper()}", value, faults)
    return str(number) if kind in WIDE else number


def _number(schema: Json, value: Any, place: str, faults: Faults, depth: int) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    return _wrong(place, f"TYPE_{schema.get('format', 'double').upper()}", value, faults)


def _string(schema: Json, value: Any, place: str, faults: Faults, depth: int) -> Any:
    kind = schema.get("format", "")
    if kind in INTEGERS:
        return _integer(schema, value, place, faults, depth)
    if not isinstance(value, str):
        return _wrong(place, "TYPE_ENUM" if "enum" in schema else "TYPE_STRING", value, faults)
    if "enum" in schema and value not in schema["enum"]:
        return _wrong(place, "TYPE_ENUM", value, faults)
    if kind == "byte":
        try:
            base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_")
        except (binascii.Error, ValueError):
            return _wrong(place, "TYPE_BYTES", value, faults)
    return value


def _any(schema: Json, value: Any, place: str, faults: Faults, depth: int) -> Any:
    return value


Reader = Callable[[Json, Any, str, Faults, int], Any]
_BY_TYPE: Mapping[str, Reader] = {
    "object": _structure,
    "array": _array,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "string": _string,
    "any": _any,
}
