"""What holds of every method and every field of Google's document, and not only where it was met."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from provision.emulator.gce import frame, schema, urls
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.urls import Method

METHODS = list(urls.load().methods.values())
SCHEMAS = urls.load().schemas
GOOD = "3f3d0d4e-6f0c-4d5a-8f3f-0d4e6f0c4d5a"
Place = tuple[str | int, ...]


def fields(of: dict[str, Any], above: Place, seen: frozenset[str]) -> Iterator[tuple[Place, Any]]:
    """Every field below a schema with the way there; each schema once on a way."""
    if "$ref" in of:
        if of["$ref"] in seen:
            return
        seen |= {of["$ref"]}
        of = SCHEMAS[of["$ref"]]
    yield above, of
    for name, field in of.get("properties", {}).items():
        yield from fields(field, (*above, name), seen)
    if isinstance(of.get("additionalProperties"), dict):
        yield from fields(of["additionalProperties"], (*above, "key"), seen)
    if "items" in of:
        yield from fields(of["items"], (*above, 0), seen)


def nested(place: Place, value: Any) -> Any:
    """A body with the value at that place and nothing else."""
    for step in reversed(place):
        value = [value] if isinstance(step, int) else {step: value}
    return value


def at(place: Place, body: Any) -> Any:
    for step in place:
        body = body[step]
    return body


def bodies() -> Iterator[tuple[Method, Place, Any]]:
    known = set()
    for method in METHODS:
        if method.request and method.request not in known:
            known.add(method.request)
            for place, field in fields({"$ref": method.request}, (), frozenset()):
                yield method, place, field


def parsed(method: Method, body: Any) -> Any:
    return schema.parse_body(method, json.dumps(body).encode(), "application/json")


def test_an_empty_message_is_no_elements_of_every_repeated_field() -> None:
    """Google's own clients of several years send ``{}`` for "none"."""
    found = [(method, place) for method, place, field in bodies() if field.get("type") == "array"]
    assert len(found) > 900
    for method, place in found:
        assert at(place, parsed(method, nested(place, {}))) == [], (method.id, place)


@pytest.mark.parametrize("items", [{"a": "b"}, "", 0, False, "x"])
def test_what_is_no_list_and_not_empty_is_still_refused(items: object) -> None:
    method = urls.load().methods["compute.instances.setTags"]
    with pytest.raises(ApiError, match="Invalid value at 'items'"):
        parsed(method, {"items": items})


def test_a_request_id_is_a_uuid_of_every_method_that_takes_one() -> None:
    """ "The request ID must be a valid UUID with the exception that zero UUID is not supported"."""
    takers = [method for method in METHODS if "requestId" in method.parameters]
    assert len(takers) > 400
    for method in takers:
        # The required ones first: what is judged here is the id alone.
        given = [(name, "1") for name, p in method.parameters.items() if p.required]
        given = [
            (name, text) for name, text in given if method.parameters[name].location == "query"
        ]
        for text in ("abc", "0", "00000000-0000-0000-0000-000000000000", f"{{{GOOD}}}", GOOD[1:]):
            with pytest.raises(ApiError, match="field 'requestId'"):
                schema.parse_query(method, [*given, ("requestId", text)])
        for text in (GOOD, GOOD.upper()):
            assert schema.parse_query(method, [*given, ("requestId", text)])["requestId"] == text


def test_what_is_not_emulated_gets_a_final_answer_that_names_it() -> None:
    """Of every method of the document: emulated, or refused with a status that no client tries again."""
    refused = 0
    for method in METHODS:
        try:
            frame.handler(method)
        except ApiError as error:
            refused += 1
            assert (error.status, error.reason) == (400, "notImplemented")
            assert error.message.startswith(f"{method.id} is part of Compute Engine")
    assert 100 < len(METHODS) - refused < len(METHODS)
