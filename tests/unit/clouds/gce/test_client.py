"""What is tried again, for how long, and what of it is told; operations and pages without a network."""

import ast
import inspect
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from google.api_core import exceptions as core
from google.auth import exceptions as auth
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1 as c

from provision import failures, refusals
from provision.clouds.gce.api import compute
from provision.clouds.gce.api.signin import ambient_project
from provision.clouds.gce.client import Gce
from provision.clouds.gce.resources import RANKS
from provision.clouds.gce.settings import Settings
from provision.errors import RefusedError
from provision.events import Event, Retried

ENDPOINT = "http://127.0.0.1:9"
SETTINGS = Settings(project="p", region="us-east1", endpoint=ENDPOINT)


class Clock:
    """A clock that only sleeping and ``attempt`` move forward, in seconds."""

    def __init__(self, attempt: float = 0.0) -> None:
        self.now, self.attempt = 1000.0, attempt
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Method:
    """An SDK's method with prepared answers: an exception is raised, anything else is answered."""

    def __init__(self, clock: Clock, answers: Iterator[Any]) -> None:
        self.clock, self.answers = clock, answers
        self.requests: list[Any] = []
        self.timeouts: list[float] = []

    def answer(self, request: Any, retry: Any, timeout: Any) -> Any:
        assert retry is None, "the SDK would retry by itself"
        self.requests.append(request)
        self.timeouts.append(timeout)
        self.clock.now += self.clock.attempt
        found = next(self.answers)
        if isinstance(found, Exception):
            raise found
        return found

    def insert(
        self, request: c.InsertNetworkRequest | dict[str, Any] | None = None, *,
        retry: Any, timeout: Any,
    ) -> Any:  # fmt: skip
        return self.answer(request, retry, timeout)

    def get(
        self,
        request: c.GetRegionRequest | dict[str, Any] | None = None,
        *,
        retry: Any,
        timeout: Any,
    ) -> Any:
        return self.answer(request, retry, timeout)


class Bench:
    """A ``Gce`` on a clock of its own, and what it told."""

    def __init__(self, *answers: Any, endless: bool = False, attempt: float = 0.0) -> None:
        self.clock = Clock(attempt)
        self.told: list[Event] = []
        self.stop = threading.Event()
        self.gce = Gce(
            SETTINGS, self.told.append, stop=self.stop, clock=self.clock, sleep=self.clock.sleep
        )
        # An endless one meets the same for ever.
        self.method = Method(
            self.clock, iter(lambda: answers[0], None) if endless else iter(answers)
        )

    @property
    def retries(self) -> list[Retried]:
        return [event for event in self.told if isinstance(event, Retried)]


def http(
    status: int, reason: str = "", headers: dict[str, str] | None = None
) -> core.GoogleAPICallError:
    response = requests.Response()
    response.headers.update(headers or {})
    made: core.GoogleAPICallError = core.from_http_status(
        status, "POST https://x/y: no\nway", errors=[{"reason": reason}], response=response
    )
    return made


TRANSIENT: list[Exception] = [
    http(403, "rateLimitExceeded"), http(403, "userRateLimitExceeded"), http(429), http(500), http(502),
    http(503), http(504), http(400, "resourceNotReady"), requests.exceptions.ConnectionError("reset"),
    requests.exceptions.ReadTimeout("slow"), requests.exceptions.ChunkedEncodingError("cut"),
    ConnectionResetError(104, "Connection reset by peer"), auth.TransportError("no way"),
    auth.RefreshError("later", retryable=True),
]  # fmt: skip
FINAL: list[Exception] = [
    http(400, "invalid"), http(401), http(403, "forbidden"), http(403, "quotaExceeded"), http(404),
    http(409, "alreadyExists"), http(412), http(501), http(503, "insufficientCapacity"),
    requests.exceptions.SSLError("untrusted"), auth.DefaultCredentialsError("none"),
    auth.RefreshError("expired"),
]  # fmt: skip


@pytest.mark.parametrize("error", TRANSIENT, ids=str)
def test_what_may_work_later_is_tried_again_and_told(error: Exception) -> None:
    bench = Bench(error, error, "done")
    assert bench.gce.call("create the network n", bench.method.insert) == "done"
    assert [(each.what, each.attempt) for each in bench.retries] == [
        ("create the network n", 1), ("create the network n", 2),
    ]  # fmt: skip
    assert [each.wait for each in bench.retries] == [round(s, 3) for s in bench.clock.slept]
    assert all(each.error and "\n" not in each.error for each in bench.retries)


@pytest.mark.parametrize("error", FINAL, ids=str)
def test_what_cannot_work_is_not_tried_again(error: Exception) -> None:
    bench = Bench(error)
    with pytest.raises(failures.ServiceFailure) as caught:
        bench.gce.call("create the network n", bench.method.insert)
    assert (bench.told, bench.clock.slept) == ([], [])
    assert "tries" not in str(caught.value)


def test_a_change_keeps_its_request_id_over_all_tries_and_has_a_new_one_next_time() -> None:
    bench = Bench(http(503), http(503), "done", "done")
    body = c.Network(name="n")
    for _ in range(2):
        bench.gce.call("create the network n", bench.method.insert, network_resource=body)
    ids = [request.request_id for request in bench.method.requests]
    assert len(set(ids[:3])) == 1 and len(set(ids)) == 2
    assert [len(each.split("-")) for each in ids] == [5, 5, 5, 5]
    assert [(r.project, r.network_resource.name) for r in bench.method.requests] == [("p", "n")] * 4


def test_a_read_has_the_settings_place_and_no_request_id() -> None:
    bench = Bench("done", "done")
    bench.gce.call("look", bench.method.get)
    bench.gce.call("look", bench.method.get, project="q", region="us-west1")
    found = [(request.project, request.region) for request in bench.method.requests]
    assert found == [("p", "us-east1"), ("q", "us-west1")]


def test_a_field_that_the_request_has_not_is_a_bug() -> None:
    bench = Bench("done")
    with pytest.raises(ValueError, match="networck"):
        bench.gce.call("look", bench.method.insert, networck=1)


Status = c.Operation.Status
GLOBAL = f"{ENDPOINT}/compute/v1/projects/p/global/operations/op"
ZONAL = f"{ENDPOINT}/compute/v1/projects/p/zones/us-east1-b/operations/op"
REGIONAL = f"{ENDPOINT}/compute/v1/projects/q/regions/us-east1/operations/op"


def operation(status: int = Status.RUNNING, link: str = GLOBAL, **more: Any) -> c.Operation:
    return c.Operation(
        name="op", status=status, self_link=link, operation_type="insert",
        target_link=f"{ENDPOINT}/compute/v1/projects/p/global/networks/n", **more,
    )  # fmt: skip


def looks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *seen: Any, endless: bool = False
) -> list[Any]:
    """Let every operations client answer these; what was asked of which one comes back."""
    asked: list[Any] = []
    answers = iter(lambda: seen[0], None) if endless else iter(seen)

    def of(kind: type[Any]) -> Callable[..., Any]:
        def get(self: Any, request: Any, retry: Any, timeout: Any) -> Any:
            assert retry is None
            asked.append((kind.__name__, request))
            found = next(answers)
            if isinstance(found, Exception):
                raise found
            return found

        get.__signature__ = inspect.signature(kind.get)  # type: ignore[attr-defined] # what we read
        return get

    for kind in (c.GlobalOperationsClient, c.RegionOperationsClient, c.ZoneOperationsClient):
        monkeypatch.setattr(kind, "get", of(kind))
    return asked


@pytest.mark.parametrize(
    ("given", "kind", "place"),
    [(operation(link=GLOBAL), "GlobalOperationsClient", {"project": "p"}),
     (operation(link=ZONAL), "ZoneOperationsClient", {"project": "p", "zone": "us-east1-b"}),
     (operation(link=REGIONAL), "RegionOperationsClient", {"project": "q", "region": "us-east1"}),
     (operation(link="", zone="https://x/zones/us-east1-c"), "ZoneOperationsClient",
      {"project": "p", "zone": "us-east1-c"}),
     (operation(link="", region="us-west1"), "RegionOperationsClient",
      {"project": "p", "region": "us-west1"})],
)  # fmt: skip
def test_an_operation_is_looked_for_where_it_is(
    given: c.Operation, kind: str, place: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench()
    [(asked, request)] = looks_once(bench, monkeypatch, given)
    assert asked == kind and request.operation == "op"
    assert {name: getattr(request, name) for name in place} == place


def looks_once(bench: Bench, monkeypatch: pytest.MonkeyPatch, given: c.Operation) -> list[Any]:
    asked = looks(bench, monkeypatch, operation(Status.DONE))
    bench.gce.wait(given)
    return asked


def test_what_is_done_already_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    asked = looks(bench, monkeypatch)
    assert bench.gce.wait(operation(Status.DONE)).name == "op"
    assert (asked, bench.clock.slept) == ([], [])


@pytest.mark.parametrize("loud", [False, True])
def test_an_error_of_an_operation_is_raised_loud_or_silent(
    loud: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench()
    message = "Quota 'CPUS' exceeded.  Limit: 2.0 globally."
    ended = operation(Status.DONE)
    ended.error.errors = [c.Errors(code="QUOTA_EXCEEDED", message=message)]
    if loud:
        ended.http_error_status_code, ended.http_error_message = 403, "FORBIDDEN"
    looks(bench, monkeypatch, ended)
    with pytest.raises(
        refusals.OverQuota, match=r"GCE could not insert n \(it takes more CPUS"
    ) as caught:
        bench.gce.wait(operation())
    assert caught.value.codes == ("QUOTA_EXCEEDED",)


def test_looking_is_tried_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    looks(bench, monkeypatch, http(403, "rateLimitExceeded"), operation(Status.DONE))
    bench.gce.wait(operation(), doing="create the network n")
    assert [each.what for each in bench.retries] == [
        "look at the operation to create the network n"
    ]


def test_an_operation_that_takes_too_long_says_how_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    looks(bench, monkeypatch, operation(Status.PENDING), endless=True)
    with pytest.raises(
        failures.TookTooLong, match=r"still PENDING after .. s.*it goes on at Google"
    ):
        bench.gce.wait(operation(), deadline=30.0)
    assert 25 < sum(bench.clock.slept) <= 30


def test_clients_are_made_once_of_one_factory() -> None:
    with Gce(SETTINGS) as gce:
        client = gce.client(c.NetworksClient)
        assert gce.client(c.NetworksClient) is client
        assert client.transport.host == ENDPOINT
        assert isinstance(client.transport._credentials, AnonymousCredentials)
        assert gce.client(c.ZonesClient).transport.host == ENDPOINT
    assert gce.client(c.NetworksClient) is not client


def test_nothing_of_googles_is_imported_before_it_is_needed() -> None:
    """It takes a second, and is an extra; ``exceptions`` alone is imported with the first call."""
    folder = Path(inspect.getfile(Gce)).parent
    for file in folder.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {
            name
            for node in tree.body
            for name in (
                [node.module or ""] if isinstance(node, ast.ImportFrom)
                else [each.name for each in node.names] if isinstance(node, ast.Import) else []
            )
        }  # fmt: skip
        heavy = {name for name in names if name.partition(".")[0] in ("google", "requests")}
        assert bool(heavy) == (file.name == "exceptions.py"), file
        assert "provision.clouds.gce.api.exceptions" not in names


def test_googles_library_is_had_by_its_light_parent_alone() -> None:
    """``from google.cloud import compute_v1`` anywhere else would load all of it again."""
    folder = Path(inspect.getfile(Gce)).parent
    named: set[str] = set()
    for file in folder.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        at = [
            node
            for function in ast.walk(ast.parse(text))
            if isinstance(function, ast.FunctionDef)
            for node in ast.walk(function)
            if isinstance(node, ast.ImportFrom) and f"{node.module}".startswith("google.cloud")
        ]
        assert not at, file
        named |= set(re.findall(r"compute_v1\.(\w+Client)\b", text))
    named |= {kind.client for rank in RANKS for kind in rank}
    assert len(named) > 12
    assert all(compute._of_service(name) is getattr(c, name) for name in named)


def test_a_vms_own_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("google.auth.default", lambda: (None, "of-vm"))
    assert ambient_project() == "of-vm"

    def none() -> None:
        raise auth.DefaultCredentialsError("none")

    monkeypatch.setattr("google.auth.default", none)
    assert ambient_project() == ""


def test_without_the_extra_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RefusedError, match=r"google-cloud-compute, .* missing; pip install 'prov"):
        Gce(SETTINGS)
