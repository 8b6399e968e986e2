"""No exception of the SDK, or of what it stands on, gets past the seam."""

import http.client
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import docker
import docker.errors
import pytest
import requests
import requests.exceptions
import urllib3.exceptions

from provision.errors import RuntimeFailure
from provision.runtimes.container import failures
from provision.runtimes.container.engine import Conflict, Gone
from tests import foreign


def modules() -> Iterator[ModuleType]:
    """Every module of the SDK, and the two that name the errors below it."""
    for info in pkgutil.walk_packages(docker.__path__, "docker."):
        # Windows pipes need a Windows module.
        if "npipe" not in info.name and not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)
    yield from (requests.exceptions, urllib3.exceptions, http.client)


def exceptions() -> list[type[Exception]]:
    """All that a call may raise."""
    return foreign.exceptions(modules(), {"docker", "requests", "urllib3", "http"})


def test_the_list_is_complete() -> None:
    found = exceptions()
    assert len(found) > 40
    assert [one for one in found if not issubclass(one, failures.FOREIGN)] == []


@pytest.mark.parametrize(
    ("code", "kind"), [(404, Gone), (409, Conflict), (500, RuntimeFailure), (400, RuntimeFailure)]
)
def test_the_status_decides_the_kind(code: int, kind: type[RuntimeFailure]) -> None:
    response = requests.Response()
    response.status_code = code
    error = docker.errors.APIError("wrapping", response=response, explanation="in its\nown words")
    words = r"could not start c-1 \(in its own words\)"
    with pytest.raises(kind, match=words) as caught, failures.translated("start c-1"):
        raise error
    assert type(caught.value) is kind


def test_a_time_out_says_so() -> None:
    silent = requests.exceptions.ReadTimeout("HTTPConnectionPool(host=...")
    with pytest.raises(RuntimeFailure, match="not answer in time"), failures.translated("list"):
        raise silent


def test_a_bug_of_ours_stays_a_bug() -> None:
    with pytest.raises(KeyError), failures.translated("list containers"):
        raise KeyError("Id")
