"""No web page drives an emulator, and nobody turns its dials who was not told how."""

import socket
from typing import Any

import pytest
import requests
from starlette.datastructures import Headers

from provision.emulator.access import Access
from tests.emulator.conftest import Gce

NETWORKS = "/compute/v1/projects/p/global/networks"
PAGE = {"Origin": "http://evil.example"}


def send(gce: Gce, verb: str, path: str, **headers: str) -> requests.Response:
    body: dict[str, Any] = {"name": "made"} if verb in ("POST", "PATCH") else {}
    return requests.request(
        verb, f"{gce.endpoint}{path}", json=body or None, headers=headers, timeout=60
    )


def names(gce: Gce) -> set[str]:
    return {item["name"] for item in send(gce, "GET", NETWORKS).json()["items"]}


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "", "localhost.", "[::1", "127.1"],
)  # fmt: skip
def test_a_name_that_is_not_the_listeners_reads_and_makes_nothing(gce: Gce, host: str) -> None:
    for verb, path in (
        ("GET", NETWORKS), ("POST", NETWORKS), ("DELETE", f"{NETWORKS}/default"), ("GET", "/_emulator/"),
        ("POST", "/batch"), ("POST", "/token"),
    ):  # fmt: skip
        answer = send(gce, verb, path, Host=host, **gce.key)
        assert answer.status_code in (400, 403), (verb, path, answer.text)
        assert "default" not in answer.text
    assert names(gce) == {"default"}


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:9", "10.1.2.3"])
def test_addresses_and_localhost_name_the_listener(gce: Gce, host: str) -> None:
    port = gce.endpoint.rpartition(":")[2]
    assert send(gce, "GET", NETWORKS, Host=host.format(port=port)).status_code == 200


def test_a_listener_that_has_a_name_answers_to_it() -> None:
    access = Access("Box.lan")
    hosts = {"box.lan": 0, "BOX.lan:8080": 0, "lan": 403, "box.lan.evil.example": 403}
    told = {host: access.refusal("GET", NETWORKS, Headers({"host": host}))[0] for host in hosts}
    assert told == hosts


@pytest.mark.parametrize(
    "headers",
    [
        PAGE,
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_another_sites_page_reads_and_makes_nothing(gce: Gce, headers: dict[str, str]) -> None:
    for verb, path in (
        ("GET", NETWORKS), ("POST", NETWORKS), ("DELETE", f"{NETWORKS}/default"),
        ("OPTIONS", NETWORKS), ("PATCH", "/_emulator/dials"), ("GET", "/_emulator/resources"),
    ):  # fmt: skip
        answer = send(gce, verb, path, **headers, **gce.key)
        assert answer.status_code == 403 and "default" not in answer.text
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert names(gce) == {"default"}


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
def test_what_a_form_can_send_makes_nothing(gce: Gce, kind: str) -> None:
    """Also where no header tells that a page speaks, as in browsers of old."""
    for path, status in ((NETWORKS, 400), ("/_emulator/happen", 415)):
        answer = requests.post(
            f"{gce.endpoint}{path}", data='{"name": "made"}',
            headers={"Content-Type": kind, **gce.key}, timeout=60,
        )  # fmt: skip
        assert answer.status_code == status, answer.text
    assert names(gce) == {"default"}


def test_a_form_is_no_batch(gce: Gce) -> None:
    part = f"--x\r\nContent-Type: application/http\r\n\r\nDELETE {NETWORKS}/made HTTP/1.1\r\n\r\n\r\n--x--"
    for kind, status in (("form-data", 400), ("mixed", 200)):
        answer = requests.post(
            f"{gce.endpoint}/batch", data=part, timeout=60,
            headers={"Content-Type": f"multipart/{kind}; boundary=x"},
        )  # fmt: skip
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "path", ["", "dials", "requests", "calls", "resources", "machines", "happen", "nothing"]
)
@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer wrong", "Bearer é"])
def test_the_control_paths_want_the_printed_token(gce: Gce, path: str, token: str) -> None:
    url = f"{gce.endpoint}/_emulator/{path}"
    answer = requests.get(url, headers={"Authorization": token.encode()}, timeout=60)
    assert answer.status_code == 401 and "PROVISION_EMULATOR_TOKEN" in answer.text
    assert gce.made.access.token not in answer.text


def test_the_token_is_in_no_log_or_repr(gce: Gce) -> None:
    assert gce.made.access.token not in f"{gce.made!r}"


@pytest.mark.parametrize(
    "twice",
    [
        ("Host: evil.example", "Host: 127.0.0.1"),
        ("Host: 127.0.0.1", "Host: evil.example"),
        ("Host: 127.0.0.1", "Origin: http://127.0.0.1", "Origin: http://evil.example"),
        ("Host: 127.0.0.1", "Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"),
    ],
)
def test_a_header_that_comes_twice_is_no_way_in(gce: Gce, twice: tuple[str, ...]) -> None:
    port = int(gce.endpoint.rpartition(":")[2])
    lines = "".join(f"{line}\r\n" for line in twice)
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        line.sendall(f"GET {NETWORKS} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert b" 403 " in answer.split(b"\r\n")[0] and b"default" not in answer
