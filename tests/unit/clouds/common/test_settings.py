"""Who says first where to work, and what is wrong with an endpoint, a key or the caller's own address."""

import io
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from provision.clouds.common.settings import (
    Said,
    callers_range,
    endpoint_findings,
    file_findings,
    of_environment,
    plain,
)
from provision.errors import RefusedError


def test_the_first_variable_that_says_something_is_named() -> None:
    environment = {"A": "", "B": "b", "C": "c"}
    assert of_environment(environment, ("A", "B", "C")) == Said("b", "B")
    assert of_environment(environment, ("A", "D")) == Said("", "")


@pytest.mark.parametrize(
    ("endpoint", "key", "problem"),
    [("", True, ""), ("http://127.0.0.1:8080", True, ""), ("http://[::1]:1", True, ""),
     ("https://toy.example", True, ""), ("http://toy.example", False, ""),
     ("http://toy.example", True, "would sign requests that travel unencrypted"),
     ("toy.example:1", False, "is no address of a server"), ("ftp://h", False, "is no address"),
     ("http://h/path", False, "is no address"), ("http://h?q=1", False, "is no address"),
     ("http://", False, "is no address")],
)  # fmt: skip
def test_an_endpoint_is_an_address_and_gets_no_key_in_the_clear(
    endpoint: str, key: bool, problem: str
) -> None:
    file = Path("/key.json") if key else None
    found = list(endpoint_findings(endpoint, "TOY_ENDPOINT", file, "TOY_KEY"))
    assert bool(found) == bool(problem)
    for each in found:
        assert each.where == "TOY_ENDPOINT" and problem in each.problem
        assert ("TOY_KEY" in each.fix) == key


def test_a_key_that_is_not_there_is_found(tmp_path: Path) -> None:
    (tmp_path / "key").touch()
    assert list(file_findings(tmp_path / "key", "TOY_KEY")) == list(file_findings(None, "x")) == []
    (found,) = file_findings(tmp_path / "none", "TOY_KEY")
    assert found.where == "TOY_KEY" and "there is no file" in found.problem
    assert list(file_findings(tmp_path, "TOY_KEY")), "a folder is no key"


def test_to_an_emulator_the_caller_is_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        pytest.fail("asked the world")

    monkeypatch.setattr(urllib.request, "urlopen", never)
    assert callers_range("http://127.0.0.1:1") == "127.0.0.1/32"
    assert plain("http://x") and not plain("https://x") and not plain("")


@pytest.mark.parametrize("answer", [b"203.0.113.7\n", b"<html>", b"::1", OSError("no route")])
def test_the_callers_own_address_is_one_or_a_sentence(
    answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(url: str, timeout: float) -> Any:
        assert url.startswith("https://") and timeout <= 5
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer)

    monkeypatch.setattr(urllib.request, "urlopen", asked)
    if answer == b"203.0.113.7\n":
        assert callers_range("") == "203.0.113.7/32"
        return
    with pytest.raises(RefusedError, match="say who may reach the controller's SSH"):
        callers_range("")
