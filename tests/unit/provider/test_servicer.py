"""The asynchronous shell, driven by hand: a loop would open a socket."""

import importlib
import sys
import threading
from collections.abc import Coroutine
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2
from pulumi.runtime import proto

from provision.errors import CloudFailure
from provision.provider.protocol import ProviderCalls
from provision.provider.resource import Registry, Resource, Unfinished
from provision.provider.server import Configured
from provision.provider.servicer import STATUS, Servicer
from provision.provider.values import decode_map, encode_map
from tests.unit.provider.test_protocol import TOKEN, Thing


class Aborted(Exception):
    """What gRPC raises to end a call."""


class Context:
    """Keeps what a call is ended with."""

    def __init__(self) -> None:
        self.code: grpc.StatusCode | None = None
        self.details = ""
        self.metadata: tuple[tuple[str, bytes], ...] = ()

    def set_trailing_metadata(self, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.metadata = metadata

    async def abort(self, code: grpc.StatusCode, details: str) -> None:
        self.code, self.details = code, details
        raise Aborted(details)


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run what never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waited")


class Broken(Thing):
    """Raises what it is told to."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def check(self, inputs: Any) -> Any:
        raise self.error


def servicer(kind: Resource) -> Servicer:
    return Servicer(ProviderCalls(Registry([kind]), threading.Event()), on_cancel=lambda: None)


def test_an_answer_comes_through() -> None:
    request = proto.CheckRequest(type=TOKEN, news=encode_map({"name": "n", "zone": "a"}))
    answer = drive(servicer(Thing()).Check(request, Context()))
    assert decode_map(answer.inputs) == {"name": "n", "zone": "a"}


def test_an_error_is_a_sentence_without_a_traceback() -> None:
    error, context = CloudFailure("no room", "ask for less"), Context()
    asked = servicer(Broken(error))
    request = proto.CheckRequest(type=TOKEN, urn="urn:x", news=encode_map({}))
    with pytest.raises(Aborted):
        drive(asked.Check(request, context))
    assert context.details == "no room: ask for less"
    # After UNKNOWN and INTERNAL the engine gives the whole state up for doubtful.
    assert context.code == grpc.StatusCode.FAILED_PRECONDITION
    assert asked.failures == {"urn:x": error}


def test_half_a_resource_travels_in_the_details() -> None:
    error, context = Unfinished("id-1", {"link": "l"}, "half done", "look"), Context()
    request = proto.CreateRequest(type=TOKEN, urn="urn:x", properties=encode_map({"name": "n"}))

    async def failing() -> None:
        raise error

    with pytest.raises(Aborted):
        drive(servicer(Thing())._told(request, context, failing()))
    ((key, packed),) = context.metadata
    status = status_pb2.Status.FromString(packed)
    told = proto.ErrorResourceInitFailed()
    assert key == STATUS and status.details[0].Unpack(told)
    assert (told.id, decode_map(told.properties)) == ("id-1", {"link": "l"})


def test_the_engines_goodbye_stops_nothing() -> None:
    stopping = threading.Event()
    attached = Servicer(ProviderCalls(Registry([]), stopping), on_cancel=lambda: None)
    drive(attached.Cancel(None, Context()))
    assert not stopping.is_set()


def test_a_plugin_is_stopped_by_the_engine() -> None:
    stopping = threading.Event()
    drive(Configured(lambda config: [], stopping).Cancel(None, Context()))
    assert stopping.is_set()


def test_a_plugin_makes_its_kinds_from_the_configuration() -> None:
    told: list[Any] = []

    def factory(config: Any) -> list[Resource]:
        told.append(config)
        return [Thing()]

    plugin = Configured(factory, threading.Event())
    request = proto.ConfigureRequest(variables={"provision:config:project": "p"})
    answer = drive(plugin.Configure(request, Context()))
    assert told == [{"project": "p"}]
    assert answer.acceptSecrets and answer.supportsPreview
    assert not answer.acceptOutputs and not answer.acceptResources
    check = proto.CheckRequest(type=TOKEN, news=encode_map({"name": "n", "zone": "a"}))
    assert not drive(plugin.Check(check, Context())).failures


def test_googles_clients_may_be_in_the_same_process() -> None:
    """protobuf refuses two files that define one message, and a copy of Google's is in Pulumi's SDK."""
    assert importlib.import_module("google.api_core.exceptions").GoogleAPIError
    assert "pulumi.runtime.proto.status_pb2" not in sys.modules


def test_a_plugin_that_lacks_something_says_what() -> None:
    def factory(config: Any) -> list[Resource]:
        raise CloudFailure("no credentials", "run 'gcloud auth login'")

    context = Context()
    with pytest.raises(Aborted):
        drive(Configured(factory, threading.Event()).Configure(proto.ConfigureRequest(), context))
    assert context.details == "no credentials: run 'gcloud auth login'"
