"""The judge catches what is wrong: a good exchange, and mistakes planted into it one at a time."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator.discovery import Exchange, problems

B = "http://127.0.0.1:1/compute/v1/projects/p"
INSTANCE: dict[str, Any] = {
    "kind": "compute#instance", "id": "12", "name": "a", "status": "RUNNING",
    "creationTimestamp": "2026-01-01T00:00:00.000-08:00", "fingerprint": "AAAAAAAAAAA=",
    "selfLink": f"{B}/zones/z/instances/a", "canIpForward": False,
    "tags": {"fingerprint": "AAAAAAAAAAA=", "items": ["x"]},
    "disks": [{"kind": "compute#attachedDisk", "diskSizeGb": "10", "boot": True, "index": 0}],
    "labels": {"k": "v"},
    "scheduling": {"maxRunDuration": {"seconds": "60"}, "provisioningModel": "SPOT"},
}  # fmt: skip
OPERATION: dict[str, Any] = {
    "kind": "compute#operation", "id": "5", "name": "operation-1", "operationType": "insert",
    "status": "DONE", "insertTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:01Z",
    "progress": 100, "selfLink": f"{B}/zones/z/operations/operation-1",
}  # fmt: skip
BODY: dict[str, Any] = {"name": "a", "disks": [{"boot": True, "diskSizeGb": "10"}]}
REFUSAL: dict[str, Any] = {
    "error": {
        "code": 404,
        "message": "m",
        "errors": [{"message": "m", "domain": "global", "reason": "notFound"}],
    }
}
PATH = "/compute/v1/projects/p/zones/z/instances"


def got() -> Exchange:
    return Exchange("GET", f"{PATH}/a", answer=json.dumps(INSTANCE).encode())


def inserted() -> Exchange:
    return Exchange("POST", PATH, json.dumps(BODY).encode(), answer=json.dumps(OPERATION).encode())


def refused() -> Exchange:
    return Exchange("GET", f"{PATH}/a", status=404, answer=json.dumps(REFUSAL).encode())


def listed() -> Exchange:
    answer = {"kind": "compute#instanceList", "id": "x", "items": [INSTANCE]}
    return Exchange("GET", f"{PATH}?maxResults=5", answer=json.dumps(answer).encode())


@pytest.mark.parametrize("good", [got, inserted, refused, listed])
def test_what_is_right_is_let_through(good: Callable[[], Exchange]) -> None:
    assert problems(good()) == []


def answering(
    change: Callable[[dict[str, Any]], object], of: Callable[[], Exchange] = got
) -> Exchange:
    exchange = of()
    content = json.loads(exchange.answer)
    change(content)
    exchange.answer = json.dumps(content).encode()
    return exchange


def sending(change: Callable[[dict[str, Any]], object]) -> Exchange:
    exchange = inserted()
    body = copy.deepcopy(BODY)
    change(body)
    exchange.request = json.dumps(body).encode()
    return exchange


def with_target(exchange: Exchange, target: str, verb: str = "") -> Exchange:
    exchange.target, exchange.verb = target, verb or exchange.verb
    return exchange


def with_answer(exchange: Exchange, answer: bytes, **headers: str) -> Exchange:
    exchange.answer = answer
    exchange.headers = {**exchange.headers, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return exchange


def with_status(exchange: Exchange, status: int) -> Exchange:
    exchange.status = status
    return exchange


PLANTED: dict[str, Callable[[], Exchange]] = {
    "unknown field": lambda: answering(lambda a: a.update(nope=1)),
    "unknown nested field": lambda: answering(lambda a: a["tags"].update(nope=1)),
    "unknown field in a list": lambda: answering(lambda a: a["disks"][0].update(nope=1)),
    "number for text": lambda: answering(lambda a: a.update(name=7)),
    "text for boolean": lambda: answering(lambda a: a.update(canIpForward="false")),
    "object for list": lambda: answering(lambda a: a.update(disks={})),
    "list for object": lambda: answering(lambda a: a.update(tags=[])),
    "int64 as number": lambda: answering(lambda a: a["disks"][0].update(diskSizeGb=10)),
    "id as number": lambda: answering(lambda a: a.update(id=12)),
    "id out of range": lambda: answering(lambda a: a.update(id="18446744073709551616")),
    "negative id": lambda: answering(lambda a: a.update(id="-1")),
    "int32 as text": lambda: answering(lambda a: a["disks"][0].update(index="0")),
    "int32 too large": lambda: answering(lambda a: a["disks"][0].update(index=2**31)),
    "boolean for integer": lambda: answering(lambda a: a["disks"][0].update(index=True)),
    "unknown enum value": lambda: answering(lambda a: a.update(status="READY")),
    "enum in lower case": lambda: answering(lambda a: a.update(status="running")),
    "nested enum": lambda: answering(lambda a: a["scheduling"].update(provisioningModel="CHEAP")),
    "nested int64": lambda: answering(lambda a: a["scheduling"]["maxRunDuration"].update(seconds=60)),
    "bad base64": lambda: answering(lambda a: a.update(fingerprint="%%%")),
    "null": lambda: answering(lambda a: a.update(labels=None)),
    "label value": lambda: answering(lambda a: a["labels"].update(k=1)),
    "wrong kind": lambda: answering(lambda a: a.update(kind="compute#disk")),
    "kind is missing": lambda: answering(lambda a: a.pop("kind")),
    "time without a zone": lambda: answering(lambda a: a.update(creationTimestamp="2026-01-01T00:00:00")),
    "time as number": lambda: answering(lambda a: a.update(creationTimestamp=5)),
    "link elsewhere": lambda: answering(lambda a: a.update(selfLink="/zones/z/instances/a")),
    "item of a list": lambda: answering(lambda a: a["items"][0].update(nope=1), listed),
    "kind of a list": lambda: answering(lambda a: a.update(kind="compute#diskList"), listed),
    "operation without name": lambda: answering(lambda a: a.pop("name"), inserted),
    "operation without verb": lambda: answering(lambda a: a.pop("operationType"), inserted),
    "finished without end": lambda: answering(lambda a: a.pop("endTime"), inserted),
    "operation's status": lambda: answering(lambda a: a.update(status="FINISHED"), inserted),
    "error with 200": lambda: with_answer(got(), json.dumps(REFUSAL).encode()),
    "refusal without errors": lambda: answering(lambda a: a["error"].pop("errors"), refused),
    "refusal without reason": lambda: answering(lambda a: a["error"]["errors"][0].pop("reason"), refused),
    "refusal without message": lambda: answering(lambda a: a["error"].update(message=""), refused),
    "code and status differ": lambda: answering(lambda a: a["error"].update(code=400), refused),
    "refusal as text": lambda: with_answer(refused(), b"Not Found"),
    "HTML": lambda: with_answer(got(), b"<html>", content_type="text/html"),
    "plain content type": lambda: with_answer(got(), got().answer, content_type="text/plain"),
    "201": lambda: with_status(got(), 201),
    "no content": lambda: with_status(got(), 204),
    "unknown path": lambda: with_target(got(), "/compute/v1/projects/p/zones/z/machines/a"),
    "wrong verb": lambda: with_target(got(), f"{PATH}/a", "PUT"),
    "unknown query parameter": lambda: with_target(got(), f"{PATH}/a?nope=1"),
    "query parameter's type": lambda: with_target(listed(), f"{PATH}?maxResults=many"),
    "required parameter": lambda: with_target(
        inserted(), "/compute/v1/projects/p/zones/z/instanceGroupManagers/g/resize"
    ),
    "path parameter": lambda: with_target(got(), "/compute/v1/projects/p/zones/z/instances/A_B"),
    "sent unknown field": lambda: sending(lambda b: b.update(nope=1)),
    "sent wrong type": lambda: sending(lambda b: b.update(disks="x")),
    "sent bad int64": lambda: sending(lambda b: b["disks"][0].update(diskSizeGb="ten")),
    "sent body to a get": lambda: with_target(inserted(), f"{PATH}/a", "GET"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_caught(mistake: str) -> None:
    assert problems(PLANTED[mistake]()) != []


def test_there_are_enough_of_them() -> None:
    assert len(PLANTED) >= 20
