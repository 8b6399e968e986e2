"""It is safe to leave running: whatever comes in, JSON goes out, and nothing hangs."""

import gzip
import json
import socket
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.emulator.conftest import Gce
from tests.emulator.discovery import document

BASE = "/compute/v1/projects/p/zones/us-central1-a/instances"
METHODS = [
    method
    for resource in document()["resources"].values()
    for method in resource.get("methods", {}).values()
]
NAMES = st.sampled_from(
    ["a", "us-central1", "us-central1-a", "default", "p", "A_B", "x" * 70, "é", "*", "0"]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
JUNK = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def fitting(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a schema, now and then wrong ones."""
    if "$ref" in schema:
        schema = document()["schemas"][schema["$ref"]]
    kind = schema.get("type", "any")
    good: st.SearchStrategy[Any]
    if "enum" in schema:
        good = st.sampled_from(schema["enum"])
    elif kind == "object" and depth < 3:
        known = {
            k: fitting(v, depth + 1) for k, v in list(schema.get("properties", {}).items())[:25]
        }
        good = st.fixed_dictionaries({}, optional=known)
    elif kind == "array" and depth < 3:
        good = st.lists(fitting(schema["items"], depth + 1), max_size=2)
    elif kind in ("integer", "number"):
        good = st.integers(-5, 5000)
    elif kind == "boolean":
        good = st.booleans()
    elif kind == "string":
        good = st.one_of(NAMES, st.integers(0, 9999).map(str), st.just("10.0.0.0/24"))
    else:
        good = st.just({})
    return st.one_of(good, good, good, JUNK) if depth else good


@st.composite
def asked(draw: st.DrawFn) -> tuple[str, str, bytes]:
    """Verb, target and body of a request that is more or less one of Google's."""
    method = draw(st.sampled_from(METHODS))
    path, query = method["flatPath"], {}
    for name, about in method.get("parameters", {}).items():
        if about["location"] == "path":
            value = draw(
                st.sampled_from(["p", "us-central1", "us-central1-a", "default", "a"]) | NAMES
            )
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        elif about.get("required") or draw(st.integers(0, 4)) == 0:
            query[name] = draw(fitting(about, 1))
    body = b""
    if "request" in method:
        content = draw(fitting(method["request"]))
        body = (
            json.dumps(content).encode()
            if draw(st.integers(0, 9))
            else draw(st.binary(max_size=40))
        )
    text = urlencode({k: str(v) for k, v in query.items()}, errors="replace")
    return method["httpMethod"], f"/compute/v1/{path}?{text}", body


@pytest.mark.parametrize("round_", range(10))
def test_a_thousand_odd_requests_find_no_5xx_and_no_hang(gce: Gce, round_: int) -> None:
    session = requests.Session()

    @seed(round_)
    @settings(
        max_examples=1000, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(asked())
    def one(request: tuple[str, str, bytes]) -> None:
        verb, target, body = request
        answer = session.request(
            verb, gce.endpoint + target, data=body, timeout=60,
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status_code < 500, answer.text
        if answer.status_code != 204:
            answer.json()

    one()
    gce.exchanges.clear()  # nonsense that is answered is no exchange to be judged


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{" * 5000, b'{"name":' * 3000, b"1e999"]
)
def test_bad_json_is_refused(gce: Gce, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(gce.endpoint + BASE, data=body, headers=headers, timeout=60)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == 400


def test_unknown_fields_are_named_all_at_once(gce: Gce) -> None:
    body = {"nme": 1, "disks": [{"bot": True}], "canIpForward": "maybe"}
    answer = requests.post(gce.endpoint + BASE, json=body, timeout=60)
    message = answer.json()["error"]["message"]
    assert 'Unknown name "nme": Cannot find field.' in message
    assert "Unknown name \"bot\" at 'disks[0]': Cannot find field." in message
    assert "Invalid value at 'canIpForward' (TYPE_BOOL)" in message


@pytest.mark.parametrize("packed", [False, True])
def test_a_hundred_megabytes_are_refused(gce: Gce, packed: bool) -> None:
    data = b'{"name": "' + b"a" * (100 * 2**20) + b'"}'
    headers = {"Content-Type": "application/json"}
    if packed:
        data, headers = gzip.compress(data, 1), {**headers, "Content-Encoding": "gzip"}
    try:
        answer = requests.post(gce.endpoint + BASE, data=data, headers=headers, timeout=30)
        assert answer.status_code == 413
    except requests.exceptions.ConnectionError:
        pass  # the server hung up while the client was still sending
    assert requests.get(gce.endpoint + BASE, timeout=60).ok
    gce.exchanges.clear()


def test_half_open_connections_do_not_disturb_others(gce: Gce) -> None:
    host, port = gce.endpoint.removeprefix("http://").split(":")
    idle = [socket.create_connection((host, int(port))) for _ in range(200)]
    for each in idle[:100]:
        each.sendall(
            b"POST /compute/v1/projects/p HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"
        )
    assert requests.get(gce.endpoint + BASE, timeout=60).ok
    for each in idle:
        each.close()
    gce.exchanges.clear()


def test_nothing_is_html(gce: Gce) -> None:
    for path in (
        "/",
        "/compute",
        "/compute/v1",
        "/compute/v2/projects/p",
        "/favicon.ico",
        "/batch",
        "/token",
    ):
        answer = requests.get(gce.endpoint + path, timeout=60)
        assert answer.status_code in (404, 405)
        assert answer.headers["content-type"].startswith(("application/json", "text/plain"))
    gce.exchanges.clear()


def test_tokens_for_keys_and_refresh_tokens(gce: Gce) -> None:
    from google.auth.transport.requests import Request
    from google.oauth2 import credentials, service_account

    from provision.emulator.gce import signin

    key = json.loads(signin.key_file("proj", gce.endpoint))
    made = service_account.Credentials.from_service_account_info(key, scopes=["x"])
    made.refresh(Request())
    assert made.token.startswith("ya29.")
    refreshed = credentials.Credentials(None, "r", None, f"{gce.endpoint}/token", "i", "s")
    refreshed.refresh(Request())
    assert refreshed.token
    bad = requests.post(f"{gce.endpoint}/token", data={"grant_type": "x"}, timeout=60)
    assert (bad.status_code, bad.json()["error"]) == (400, "unsupported_grant_type")


def test_a_region_that_there_is_not_is_refused_everywhere(gce: Gce) -> None:
    url = f"{gce.endpoint}/compute/v1/projects/p/regions/nowhere1/instances/bulkInsert"
    answer = requests.post(url, json={"count": "1"}, timeout=60)
    assert answer.status_code == 400 and "Unknown region" in answer.text
