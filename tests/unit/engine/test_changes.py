"""From the engine's events, as the command sends them, to changes."""

from typing import Any

import pytest
from pulumi.automation import EngineEvent

from provision.engine import changes
from provision.engine.changes import HIDDEN, Heard, ResourceChange, StackOutcome, Verb
from provision.provider import values

URN = "urn:pulumi:demo::provision::provision:gce:Network::net"
STACK = "urn:pulumi:demo::provision::pulumi:pulumi:Stack::provision-demo"
SECRET = {changes.SIGNATURE: values.SECRET, "ciphertext": "[secret]"}


def step(kind: str, op: str, urn: str = URN, planning: bool = False, **more: Any) -> EngineEvent:
    """An event about a step of an operation."""
    metadata = {"op": op, "urn": urn, "type": changes.type_of(urn), **more}
    return EngineEvent.from_json({kind: {"metadata": metadata, "planning": planning}})


def said(severity: str, message: str, urn: str = "") -> EngineEvent:
    """A diagnostic event."""
    fields = {"message": message, "severity": severity, "color": "never", "urn": urn}
    return EngineEvent.from_json({"diagnosticEvent": fields})


def new(**outputs: Any) -> dict[str, Any]:
    return {"new": {"type": "t", "urn": "u", "outputs": outputs}}


DIFF = {"labels.team": {"diffKind": "update", "inputDiff": True}}


@pytest.mark.parametrize(
    ("ops", "operation"),
    [
        (["create"], "create"),
        (["update"], "update"),
        (["delete"], "delete"),
        (["same"], "same"),
        (["read"], "read"),
        (["import"], "create"),
        (["delete-replaced", "replace", "create-replacement"], "replace"),
        (["create-replacement", "replace", "delete-replaced"], "replace"),
    ],
)
def test_a_resource_has_one_change(ops: list[str], operation: str) -> None:
    told: list[ResourceChange] = []
    heard = Heard(told.append)
    for op in ops:
        heard(step("resourcePreEvent", op))
        heard(step("resOutputsEvent", op, detailedDiff=DIFF))
    (change,) = heard.changes.values()
    assert told == [change]
    assert (change.operation, change.type, change.name) == (
        operation,
        "provision:gce:Network",
        "net",
    )
    assert change.properties == ("labels.team",)


@pytest.mark.parametrize(
    ("op", "operation"), [("update", "drifted"), ("delete", "gone"), ("same", "same")]
)
def test_a_refresh_finds_and_does_nothing(op: str, operation: str) -> None:
    heard = Heard(refreshing=True)
    heard(step("resourcePreEvent", "refresh"))
    heard(step("resOutputsEvent", op))
    assert [one.operation for one in heard.changes.values()] == [operation]


def test_a_step_takes_time_and_a_preview_none(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 12.5, 20.0, 25.0])
    monkeypatch.setattr("provision.engine.changes.time.monotonic", lambda: next(now))
    heard = Heard()
    heard(step("resourcePreEvent", "create"))
    heard(step("resOutputsEvent", "create"))
    assert heard.changes[URN].seconds == 2.5
    heard = Heard()
    heard(step("resourcePreEvent", "create", planning=True))
    heard(step("resOutputsEvent", "create", planning=True))
    assert heard.changes[URN].seconds == 0


def test_what_is_in_no_cloud_is_left_out_but_for_the_outputs() -> None:
    heard = Heard()
    provider = "urn:pulumi:demo::provision::pulumi:providers:provision::default"
    heard(step("resOutputsEvent", "create", provider))
    outputs = {"address": "10.0.0.1", "key": SECRET, "deep": [{"a": SECRET}], "n": {"a": 1}}
    heard(step("resOutputsEvent", "create", STACK, **new(**outputs, later=changes.UNKNOWN_TEXT)))
    assert heard.changes == {}
    assert heard.outputs == {"address": "10.0.0.1", "key": HIDDEN, "deep": HIDDEN, "n": {"a": 1}}
    assert repr(HIDDEN) == "HIDDEN"


def test_only_errors_are_complaints() -> None:
    heard = Heard()
    for severity in ("debug", "info", "info#err", "warning"):
        heard(said(severity, "registering resource"))
    heard(said("error", "update failed\n"))
    heard(said("error", "no room\n", URN))
    assert [(one.urn, one.text) for one in heard.complaints] == [(URN, "no room")]


def test_a_failed_operation_is_noted() -> None:
    heard = Heard()
    heard(step("resOpFailedEvent", "create"))
    assert heard.failed == {URN: "create"} and heard.changes == {}


def test_what_killed_runs_left_is_noticed() -> None:
    heard = Heard()
    heard(said("warning", "Attempting to deploy or update resources with 2 pending operations from "
                          "previous deployment.\n  * urn, interrupted while creating"))  # fmt: skip
    assert heard.pending


def test_a_listener_that_raises_is_kept_and_stops_the_operation() -> None:
    stops: list[bool] = []

    def listen(change: ResourceChange) -> None:
        raise ValueError(change.name)

    heard = Heard(listen, on_error=lambda: stops.append(True))
    for _ in range(2):
        heard(step("resOutputsEvent", "create"))
    assert isinstance(heard.error, ValueError)
    assert stops == [True]


def test_an_outcome_counts() -> None:
    verbs: tuple[Verb, ...] = ("create", "same", "update")
    made = [ResourceChange(verb, "t", "n", f"u{n}") for n, verb in enumerate(verbs)]
    outcome = StackOutcome(tuple(made), {}, 1.0)
    assert outcome.count("create", "update") == 2
    assert [one.operation for one in outcome.changed] == ["create", "update"]


def test_names_and_types_of_urns() -> None:
    child = "urn:pulumi:demo::provision::a:b:Parent$provision:gce:Disk::na::me"
    assert (changes.name_of(child), changes.type_of(child)) == ("na::me", "provision:gce:Disk")
    assert changes.type_of("urn") == ""


def test_the_marks_are_those_of_the_wire() -> None:
    assert (changes.SIGNATURE, changes.UNKNOWN_TEXT) == (values.SIGNATURE, values.UNKNOWN_TEXT)
