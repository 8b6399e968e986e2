"""Stacks of the toy cloud with the real Pulumi CLI; nothing that a test starts outlives it."""

import contextlib
import os
import signal
from collections.abc import Container, Iterator
from pathlib import Path

import pytest
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.engine.binary import Binary, lookup
from tests.conftest import RUN_ID
from tests.engine.place import Place
from tests.guards import RUN

SETTLE = 10.0
"""Seconds what is ending may take to be gone."""


@pytest.fixture(scope="session")
def binary() -> Binary:
    """The CLI that ``tools/setup.sh test`` leaves in the user's own cache."""
    found = lookup()
    if found is None:
        pytest.skip("the Pulumi CLI is not here: run 'tools/setup.sh test'")
    return found


@pytest.fixture
def place(tmp_path: Path, binary: Binary) -> Iterator[Place]:
    """A stack and its cloud."""
    before = children()
    yield Place(tmp_path, binary)
    left = left_running(before)
    assert left == {}, "the test left processes"


def left_running(before: Container[int]) -> dict[int, str]:
    """What this run started since ``before``, once what is ending has ended; it is killed."""

    def new() -> dict[int, str]:
        return {pid: words for pid, words in children().items() if pid not in before}

    with contextlib.suppress(RetryError):
        Retrying(retry=retry_if_result(bool), wait=wait_fixed(0.05), stop=stop_after_delay(SETTLE))(
            new
        )
    left = new()
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return left


def children() -> dict[int, str]:
    """Processes that this run of the tests started, with their command lines."""
    found = {}
    mark = f"{RUN}={RUN_ID}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    words = (folder / "cmdline").read_bytes().decode(errors="replace")
                    found[int(folder.name)] = words.replace("\0", " ").strip()
    return found
