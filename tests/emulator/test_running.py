"""An emulator as the command line runs it: what its environment leads to, and what was asked for."""

from collections.abc import Iterator, Mapping

import pytest
import requests

from provision.emulator import asking, serve
from provision.errors import UsageError
from provision.events import ignore


@pytest.fixture
def environment() -> Iterator[Mapping[str, str]]:
    with serve.running(serve.Options(links="own"), ignore) as made:
        yield made


def test_the_printed_token_turns_dials_and_nothing_else_does(
    environment: Mapping[str, str],
) -> None:
    endpoint = environment["PROVISION_GCE_ENDPOINT"]
    token = environment["PROVISION_EMULATOR_TOKEN"]
    assert asking.turn(endpoint, token, {"seed": 7})["seed"] == 7
    for other in ("", "emulator", token[:-1]):
        with pytest.raises(UsageError, match="want the token"):
            asking.turn(endpoint, other, {"seed": 8})
    assert asking.turn(endpoint, token, {})["seed"] == 7


def test_every_answer_says_that_nothing_boots_also_one_that_refuses(
    environment: Mapping[str, str],
) -> None:
    for path, status in (("/compute/v1/projects/p", 200), ("/_emulator/", 401), ("/no", 404)):
        answer = requests.get(f"{environment['PROVISION_GCE_ENDPOINT']}{path}", timeout=30)
        assert (answer.status_code, answer.headers["Provision-Machines"]) == (status, "none")


def test_links_are_what_was_asked_for(environment: Mapping[str, str]) -> None:
    base = f"{environment['PROVISION_GCE_ENDPOINT']}/compute/v1/projects/p"
    assert requests.get(base, timeout=30).json()["selfLink"] == base
