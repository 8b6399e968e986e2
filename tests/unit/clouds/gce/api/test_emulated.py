"""What an emulator says of its machines, and who is asked."""

from typing import Any

import pytest
import requests

from provision.clouds.gce.api.emulated import here, stateless
from provision.clouds.gce.settings import Settings


def settings(endpoint: str) -> Settings:
    return Settings("p", "us-central1", endpoint=endpoint)


@pytest.mark.parametrize(
    ("endpoint", "says", "expected"),
    [
        ("http://127.0.0.1:8", {"provision-machines": "none"},
         "VMs of the emulator at http://127.0.0.1:8 are state only"),
        ("http://127.0.0.1:8", {"Provision-Machines": "light"}, ""),
        ("http://127.0.0.1:8", {}, ""),
        ("http://127.0.0.1:8", None, ""),
        ("https://compute.googleapis.com", {"provision-machines": "none"}, ""),
        ("", {"provision-machines": "none"}, ""),
    ],
    ids=["nothing", "light", "another's", "no answer", "tls", "google"],
)  # fmt: skip
def test_only_our_emulators_own_word_says_that_nothing_boots(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, says: dict[str, str] | None, expected: str
) -> None:
    def get(url: str, timeout: float) -> Any:
        assert url == f"{endpoint}/_emulator/" and timeout <= 10
        if says is None:
            raise requests.ConnectionError("refused")
        answer = requests.Response()
        answer.headers.update(says)
        return answer

    monkeypatch.setattr(requests, "get", get)
    assert stateless(settings(endpoint)) == expected


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://127.0.0.1:8", True),
        ("http://10.0.0.1:8", False),
        ("https://127.0.0.1:8", False),
        ("", False),
    ],
)
def test_which_endpoint_is_an_emulator_of_this_machine(endpoint: str, expected: bool) -> None:
    assert here(settings(endpoint)) is expected
