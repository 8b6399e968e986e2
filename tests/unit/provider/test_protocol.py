"""The protocol's calls, without a wire: from a request to an answer."""

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from pulumi.runtime import proto

from provision.errors import CloudFailure, ProvisionError
from provision.provider.protocol import ProviderCalls
from provision.provider.resource import (
    Created,
    InputFault,
    Inputs,
    Outputs,
    Registry,
    Resource,
    Unfinished,
    Work,
)
from provision.provider.server import stack_config
from provision.provider.servicer import WORDS, sentence
from provision.provider.values import (
    SIGNATURE,
    UNKNOWN,
    UNKNOWN_TEXT,
    decode_map,
    encode_map,
    secret_keys,
)

TOKEN = "provision:test:Thing"


class Thing(Resource):
    """Remembers what it was asked."""

    token = TOKEN
    outputs = frozenset({"link", "key"})
    replace_on = frozenset({"zone"})
    secret = frozenset({"password", "key"})
    seconds = 7.0

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.found: Outputs | None = {"zone": "a", "labels": {"team": "blue"}, "link": "l"}

    def check(self, inputs: Inputs) -> Sequence[InputFault]:
        self.asked.append(inputs)
        missing = [
            InputFault(key, "must be given") for key in ("name", "zone") if key not in inputs
        ]
        return [
            *missing,
            *(InputFault("size", "is too small") for _ in [1] if inputs.get("size", 9) < 9),
        ]

    def create(self, inputs: Inputs, work: Work) -> Created:
        self.asked.append((inputs, work))
        return Created("id-1", {**inputs, "link": "l", "key": "k"})

    def read(self, ident: str, state: Outputs) -> Outputs | None:
        self.asked.append((ident, state))
        return self.found

    def update(self, ident: str, old: Outputs, new: Inputs, work: Work) -> Outputs:
        self.asked.append((ident, old, new, work))
        return {**old, **new}

    def delete(self, ident: str, state: Outputs, work: Work) -> None:
        self.asked.append((ident, state, work))


@pytest.fixture
def thing() -> Thing:
    return Thing()


@pytest.fixture
def operations(thing: Thing) -> ProviderCalls:
    return ProviderCalls(Registry([thing]), threading.Event())


def test_check_reports_all_faults(operations: ProviderCalls) -> None:
    request = proto.CheckRequest(type=TOKEN, news=encode_map({"size": 3}))
    found = operations.check(request).failures
    assert {one.property: one.reason for one in found} == {
        "name": "must be given",
        "zone": "must be given",
        "size": "is too small",
    }


def test_check_says_nothing_of_what_is_not_known(operations: ProviderCalls, thing: Thing) -> None:
    news = encode_map({"name": "n", "zone": UNKNOWN, "size": [UNKNOWN]})
    answer = operations.check(proto.CheckRequest(type=TOKEN, news=news))
    assert list(answer.failures) == []
    assert thing.asked == [{"name": "n"}]
    assert decode_map(answer.inputs) == {"name": "n", "zone": UNKNOWN, "size": [UNKNOWN]}


def test_check_keeps_secrets_and_drops_nulls(operations: ProviderCalls) -> None:
    news = encode_map(
        {"name": "n", "zone": "a", "password": "p", "mine": "m", "no": None}, secret={"mine"}
    )
    inputs = operations.check(proto.CheckRequest(type=TOKEN, news=news)).inputs
    assert secret_keys(inputs) == {"password", "mine"}
    assert "no" not in inputs.fields


def test_diff_compares_inputs_with_inputs(operations: ProviderCalls) -> None:
    """Outputs that are no inputs would look deleted otherwise."""
    answer = operations.diff(
        proto.DiffRequest(
            type=TOKEN,
            olds=encode_map({"name": "n", "link": "l"}),
            old_inputs=encode_map({"name": "n"}),
            news=encode_map({"name": "n"}),
        )
    )
    assert answer.changes == proto.DiffResponse.DIFF_NONE
    assert answer.hasDetailedDiff and answer.deleteBeforeReplace


def test_diff_tells_updates_from_replacements(operations: ProviderCalls) -> None:
    old = {"zone": "a", "size": 1, "labels": {"team": "red"}}
    new = {"zone": "b", "size": 1.0, "labels": {"team": "blue"}}
    answer = operations.diff(
        proto.DiffRequest(type=TOKEN, old_inputs=encode_map(old), news=encode_map(new))
    )
    assert answer.changes == proto.DiffResponse.DIFF_SOME
    assert (list(answer.replaces), sorted(answer.diffs)) == (["zone"], ["labels", "zone"])
    kinds = {path: one.kind for path, one in answer.detailedDiff.items()}
    update = proto.PropertyDiff
    assert kinds == {"zone": update.UPDATE_REPLACE, "labels.team": update.UPDATE}
    assert all(one.inputDiff for one in answer.detailedDiff.values())


def test_a_create_passes_plain_inputs(operations: ProviderCalls, thing: Thing) -> None:
    properties = encode_map({"name": "n", "password": "p", "size": 3}, secret={"password"})
    request = proto.CreateRequest(type=TOKEN, properties=properties, timeout=3)
    before = time.monotonic()
    answer = operations.create(request)
    ((inputs, work),) = thing.asked
    assert inputs == {"name": "n", "password": "p", "size": 3}
    assert before + 3 <= work.until <= time.monotonic() + 3
    assert answer.id == "id-1"
    assert decode_map(answer.properties)["link"] == "l"
    assert secret_keys(answer.properties) == {"password", "key"}


def test_without_a_timeout_the_kind_says(operations: ProviderCalls, thing: Thing) -> None:
    operations.delete(proto.DeleteRequest(type=TOKEN, id="id-1", properties=encode_map({})))
    ((ident, state, work),) = thing.asked
    assert (ident, state) == ("id-1", {})
    assert 6 < work.left <= 7


def test_a_preview_creates_nothing(operations: ProviderCalls, thing: Thing) -> None:
    properties = encode_map({"name": "n", "zone": UNKNOWN})
    answer = operations.create(proto.CreateRequest(type=TOKEN, properties=properties, preview=True))
    assert thing.asked == []
    assert answer.id == ""
    shown = decode_map(answer.properties)
    assert shown == {"name": "n", "zone": UNKNOWN, "link": UNKNOWN, "key": UNKNOWN}
    assert answer.properties.fields["link"].string_value == UNKNOWN_TEXT


def test_a_preview_of_an_update_keeps_outputs(operations: ProviderCalls, thing: Thing) -> None:
    answer = operations.update(
        proto.UpdateRequest(
            type=TOKEN,
            olds=encode_map({"name": "n", "gone": "x", "link": "l"}),
            old_inputs=encode_map({"name": "n", "gone": "x"}),
            news=encode_map({"name": "m"}),
            preview=True,
        )
    )
    assert thing.asked == []
    assert decode_map(answer.properties) == {"name": "m", "link": "l"}


def test_an_update_has_old_and_new(operations: ProviderCalls, thing: Thing) -> None:
    request = proto.UpdateRequest(
        type=TOKEN, id="i", olds=encode_map({"size": 1}), news=encode_map({"size": 2})
    )
    assert decode_map(operations.update(request).properties) == {"size": 2}
    assert thing.asked[0][:3] == ("i", {"size": 1}, {"size": 2})


def test_read_shows_drift_in_the_inputs(operations: ProviderCalls, thing: Thing) -> None:
    inputs = {"zone": "a", "labels": {"team": "red"}, "password": "p"}
    answer = operations.read(
        proto.ReadRequest(
            type=TOKEN,
            id="i",
            properties=encode_map({**inputs, "link": "l"}),
            inputs=encode_map(inputs),
        )
    )
    assert answer.id == "i"
    # The password cannot be read back, so it counts as what it was.
    expected = {"zone": "a", "labels": {"team": "blue"}, "password": "p"}
    assert decode_map(answer.inputs) == expected
    assert secret_keys(answer.inputs) == {"password"}
    assert decode_map(answer.properties) == thing.found


def test_what_is_gone_has_no_id(operations: ProviderCalls, thing: Thing) -> None:
    thing.found = None
    assert operations.read(proto.ReadRequest(type=TOKEN, id="i")).id == ""


def test_half_a_resource_is_told_whole(operations: ProviderCalls) -> None:
    properties = encode_map({"name": "n", "password": "p"}, secret={"password"})
    request = proto.CreateRequest(type=TOKEN, properties=properties)
    error = Unfinished("i", {"link": "l", "password": "p"}, "it never started", "look at it")
    told = operations.unfinished(request, error)
    assert (told.id, list(told.reasons)) == ("i", ["it never started: look at it"])
    assert secret_keys(told.properties) == secret_keys(told.inputs) == {"password"}


def test_an_unknown_kind_is_named(operations: ProviderCalls) -> None:
    with pytest.raises(ProvisionError, match=r"no resource provision:test:Other: use the version"):
        operations.check(proto.CheckRequest(type="provision:test:Other"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CloudFailure("no room", "ask for less"), "no room: ask for less"),
        (KeyError("zone"), "KeyError: 'zone'"),
        (CloudFailure("two\nlines"), "two lines"),
    ],
)
def test_an_error_is_one_line(error: Exception, expected: str) -> None:
    assert sentence(error) == expected


def test_an_error_is_not_endless() -> None:
    assert len(sentence(ValueError("x" * 9999))) == WORDS


def test_work_ends() -> None:
    stopping = threading.Event()
    assert Work(time.monotonic() - 1, stopping).left == 0
    assert not Work.within(5, stopping).stopped
    stopping.set()
    assert Work.within(5, stopping).stopped


def test_only_the_providers_own_configuration_is_passed() -> None:
    told = {"provision:config:project": "p", "aws:config:region": "r"}
    assert stack_config(told) == {"project": "p"}


def test_the_signature_is_no_key_of_a_plain_map() -> None:
    assert SIGNATURE not in encode_map({"a": {"b": 1}}).fields["a"].struct_value.fields
