"""The judge: is this request, is this answer, what Google's own document says it must be?

Written from the document alone and sharing nothing with the emulator. An exchange's problems are
sentences that name the method, the place in the JSON, and what is wrong there.
"""

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)\Z")
RANGES = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
TEXT_NUMBERS = ("int64", "uint64")
TIMES = ("insertTime", "startTime", "endTime", "timestamp")
OTHER_YEARS = {"returnPartialSuccess", "includeAllScopes", "serviceProjectNumber"}
"""Parameters that Google's documents of other years have."""


@dataclass
class Exchange:
    """One request with its answer. ``target`` is path and query; header names are lower case."""

    verb: str
    target: str
    request: bytes = b""
    status: int = 200
    answer: bytes = b"{}"
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"content-type": "application/json; charset=UTF-8"}
    )


@cache
def document() -> dict[str, Any]:
    """Google's discovery document of Compute v1."""
    path = files("googleapiclient").joinpath("discovery_cache/documents/compute.v1.json")
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


@cache
def _patterns() -> list[tuple[re.Pattern[str], str, dict[str, Any]]]:
    found = []
    for resource in document()["resources"].values():
        for method in resource.get("methods", {}).values():
            parts = re.split(r"\{(\w+)\}", method["flatPath"])
            text = "".join(
                f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)
            )
            found.append((re.compile(text + r"\Z"), method["httpMethod"], method))
    return found


def method_of(verb: str, path: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """The method and its path's parameters, None where the document has none."""
    clean = path.removeprefix("/compute/v1/")
    if clean == path:
        return None
    hits = [
        (method, {key: unquote(value) for key, value in hit.groupdict().items()})
        for pattern, of, method in _patterns()
        if of == verb and (hit := pattern.match(clean))
    ]
    # A word of the API beats a name that happens to be spelled like it.
    return min(hits, key=lambda hit: len(hit[1]), default=None)


def problems(exchange: Exchange) -> list[str]:
    """All that is wrong; an answer that refuses is judged by its shape alone."""
    parts = urlsplit(exchange.target)
    found = method_of(exchange.verb, parts.path)
    refused = exchange.status >= 400
    if found is None:
        if refused:
            return list(_refusal(exchange, "no method"))
        return [
            f"{exchange.verb} {parts.path}: no method of Google's, and answered {exchange.status}"
        ]
    method, values = found
    name = method["id"]
    result = (
        []
        if refused
        else [f"{name}: {why}" for why in _request(method, values, parts.query, exchange)]
    )
    result += (
        _refusal(exchange, name)
        if refused
        else [f"{name}: {why}" for why in _answer(method, exchange)]
    )
    return result


def _request(
    method: dict[str, Any], values: dict[str, str], query: str, exchange: Exchange
) -> Iterator[str]:
    known = {**document()["parameters"], **method.get("parameters", {})}
    given = parse_qsl(query, keep_blank_values=True)
    for key, value in values.items():
        pattern = known[key].get("pattern")
        if pattern and not re.fullmatch(pattern, value):
            yield f"path parameter {key} is {value!r}"
    for key, value in given:
        if key in OTHER_YEARS:
            continue
        if key not in known:
            yield f"unknown query parameter {key}"
        else:
            yield from _parameter(key, value, known[key])
    for key, about in method.get("parameters", {}).items():
        if about.get("required") and key not in values and key not in dict(given):
            yield f"required parameter {key} is missing"
    if exchange.request.strip():
        if "request" not in method:
            yield "a body where the method takes none"
            return
        try:
            body = json.loads(exchange.request)
        except ValueError:
            yield "the body is not JSON"
            return
        yield from _value({"$ref": method["request"]["$ref"]}, body, "body", sent=True)


def _parameter(key: str, value: str, about: dict[str, Any]) -> Iterator[str]:
    if about.get("type") == "boolean" and value.lower() not in ("true", "false"):
        yield f"query parameter {key} is {value!r}, no boolean"
    if about.get("type") == "integer" and not re.fullmatch(r"-?\d+", value):
        yield f"query parameter {key} is {value!r}, no integer"
    if "enum" in about and value not in about["enum"]:
        yield f"query parameter {key} is {value!r}, none of its values"


def _answer(method: dict[str, Any], exchange: Exchange) -> Iterator[str]:
    if exchange.status == 204:
        if "response" in method:
            yield "no content, where the document promises some"
        return
    if exchange.status != 200:
        yield f"HTTP {exchange.status}"
    body = yield from _json(exchange)
    if body is None:
        return
    if not isinstance(body, dict):
        yield "the answer is no object"
        return
    if "fields=" in exchange.target:
        return
    if set(body) == {"error"}:
        yield "HTTP 200 with an error for a body"
        return
    schema = document()["schemas"][method["response"]["$ref"]]
    yield from _value({"$ref": method["response"]["$ref"]}, body, "answer", sent=False)
    kind = schema.get("properties", {}).get("kind", {}).get("default")
    if kind and body.get("kind") != kind:
        yield f"answer.kind is {body.get('kind')!r}, not {kind!r}"
    if method["response"]["$ref"] == "Operation":
        for key in ("id", "name", "operationType", "status", "selfLink", "insertTime"):
            if not body.get(key):
                yield f"answer.{key} of an operation is missing"
        if body.get("status") == "DONE" and not body.get("endTime"):
            yield "answer.endTime of a finished operation is missing"


def _json(exchange: Exchange) -> Any:
    if not exchange.headers.get("content-type", "").startswith("application/json"):
        yield f"content type is {exchange.headers.get('content-type')!r}"
    data = exchange.answer
    if exchange.headers.get("content-encoding") == "gzip":
        data = gzip.decompress(data)
    try:
        return json.loads(data)
    except ValueError:
        yield "the answer is not JSON"
        return None


def _refusal(exchange: Exchange, name: str) -> Iterator[str]:
    body = yield from _json(exchange)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        yield f"{name}: a refusal without 'error'"
        return
    if error.get("code") != exchange.status:
        yield f"{name}: error.code is {error.get('code')!r} and the status {exchange.status}"
    if not isinstance(error.get("message"), str) or not error["message"]:
        yield f"{name}: error.message is missing"
    entries = error.get("errors")
    if not isinstance(entries, list) or not entries:
        yield f"{name}: error.errors is missing"
        return
    for entry in entries:
        for key in ("reason", "message", "domain"):
            if not isinstance(entry.get(key), str) or not entry[key]:
                yield f"{name}: error.errors[].{key} is missing"


def _value(schema: dict[str, Any], value: Any, place: str, *, sent: bool) -> Iterator[str]:
    if "$ref" in schema:
        schema = document()["schemas"][schema["$ref"]]
    if value is None:
        if not sent:
            yield f"{place} is null"
        return
    kind = schema.get("type", "any")
    if kind == "object":
        yield from _object(schema, value, place, sent=sent)
    elif kind == "array":
        if sent and value == {}:
            return  # Google takes it for an empty list
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        for index, each in enumerate(value):
            yield from _value(schema["items"], each, f"{place}[{index}]", sent=sent)
    elif kind == "string":
        yield from _string(schema, value, place, sent=sent)
    elif kind == "boolean":
        if not isinstance(value, bool):
            yield f"{place} is {value!r}, no boolean"
    elif kind == "integer":
        low, high = RANGES[schema.get("format", "int32")]
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            yield f"{place} is {value!r}, no {schema.get('format', 'int32')}"
    elif kind == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
        yield f"{place} is {value!r}, no number"


def _object(schema: dict[str, Any], value: Any, place: str, *, sent: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place} is {value!r}, no object"
        return
    known = schema.get("properties", {})
    each = schema.get("additionalProperties")
    for key, inner in value.items():
        if key in known:
            yield from _value(known[key], inner, f"{place}.{key}", sent=sent)
        elif each is not None:
            yield from _value(each, inner, f"{place}[{key}]", sent=sent)
        else:
            yield f"{place}.{key} is no field of {schema.get('id', 'it')}"


def _string(schema: dict[str, Any], value: Any, place: str, *, sent: bool) -> Iterator[str]:
    kind = schema.get("format", "")
    if kind in TEXT_NUMBERS:
        low, high = RANGES[kind]
        text = str(value) if sent and isinstance(value, int) else value
        if (
            not isinstance(text, str)
            or not re.fullmatch(r"-?\d+", text)
            or not low <= int(text) <= high
        ):
            yield f"{place} is {value!r}, no {kind} in text"
        return
    if not isinstance(value, str):
        yield f"{place} is {value!r}, no text"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} is {value!r}, none of its values"
    if kind == "byte":
        try:
            base64.b64decode(value, altchars=b"-_", validate=True)
        except ValueError:
            yield f"{place} is {value!r}, no base64"
    leaf = place.rpartition(".")[2]
    timed = leaf.endswith("Timestamp") or leaf in TIMES
    if not sent and timed and not TIME.match(value):
        yield f"{place} is {value!r}, no RFC 3339 time"
    if not sent and leaf == "selfLink":
        path = urlsplit(value).path
        if not value.startswith("http") or not path.startswith("/compute/v1/projects/"):
            yield f"{place} is {value!r}, no link of the API"
