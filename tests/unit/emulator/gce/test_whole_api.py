"""What holds of every method and every field of Google's document, and not only where it was met."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from provision.emulator.agenda import Agenda
from provision.emulator.gce import frame, schema, urls
from provision.emulator.gce.call import Call
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.models import references
from provision.emulator.gce.urls import Method
from provision.emulator.gce.world import World
from provision.emulator.machines import NoMachines

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


LOOKED_UP = frozenset({
    # By the method that uses it.
    "acceleratorType", "source", "diskType", "type", "sourceInstanceTemplate", "instanceTemplate",
    "sourceImage", "sourceInstance", "machineType", "machineTypes", "network", "subnetwork", "instances",
    "zone",
    # Not asked for, not read, or of another service.
    "replacement", "selfLink", "region", "instanceGroup", "autoscaler", "nextHopGateway", "nextHopNetwork",
    "replicaZones", "identifierRange", "ipRange", "instantiateFrom", "disk", "address",
    # Called so in one message and a plain word or what Google answers with in another.
    "description", "state", "url", "location", "host", "subnetworks", "name",
})  # fmt: skip
"""References that need no look here, with who looks."""
LINK = re.compile(r"\bURLs?\b|\blink\b|[Ff]ull or partial|Resource policies|^Reference to")


def references_of_the_document() -> Iterator[tuple[Method, Place, str]]:
    """Every field of an emulated method's request that the document calls a reference."""
    path = files("googleapiclient").joinpath("discovery_cache/documents/compute.v1.json")
    prose = json.loads(path.read_text())["schemas"]
    told = {
        name
        for schema in prose.values()
        for name, about in schema.get("properties", {}).items()
        if LINK.search(about.get("description", "")) and "utput" not in about["description"]
    }
    for method, place, field in bodies():
        words = [step for step in place if isinstance(step, str)]
        if field.get("type") == "string" and words and words[-1] in told and emulated(method):
            yield method, place, words[-1]


def emulated(method: Method) -> bool:
    try:
        frame.handler(method)
    except ApiError:
        return False
    return True


def test_a_reference_to_what_cannot_exist_is_refused_wherever_it_may_stand() -> None:
    cloud = Cloud(World("http://x/compute/v1/", Agenda()), NoMachines())
    place = {"project": "p", "zone": "us-central1-a"}
    found = dict.fromkeys([*references.ABSENT, *references.TABLES], 0)
    for method, way, name in references_of_the_document():
        if name in LOOKED_UP:
            continue
        body = nested(way, "projects/p/regions/us-central1/things/nowhere")
        with pytest.raises(ApiError, match=r"The referenced .* resource cannot be found"):
            references.check(Call(cloud, method, place, {}, body))
        found[name] += 1
    others = {"linkedVpnTunnel", "linkedInterconnectAttachment"}  # told as "URI"
    assert {name for name, times in found.items() if not times} == others


@pytest.mark.parametrize(
    ("affinity", "refused"),
    [
        ({"consumeReservationType": "ANY_RESERVATION"}, False),
        ({"consumeReservationType": "NO_RESERVATION", "values": []}, False),
        ({"consumeReservationType": "SPECIFIC_RESERVATION", "values": ["r"]}, True),
        ({"consumeReservationType": "SPECIFIC_RESERVATION"}, True),
    ],
)
def test_a_reservation_by_name_is_refused_wherever_it_may_stand(
    affinity: Any, refused: bool
) -> None:
    cloud = Cloud(World("http://x/compute/v1/", Agenda()), NoMachines())
    ways = [
        (method, way) for method, way, _ in bodies() if way[-1:] == ("reservationAffinity",)
        and emulated(method)
    ]  # fmt: skip
    assert len(ways) >= 3
    for method, way in ways:
        call = Call(cloud, method, {"project": "p"}, {}, nested(way, affinity))
        if refused:
            with pytest.raises(ApiError, match="The referenced reservation resource"):
                references.check(call)
        else:
            references.check(call)
