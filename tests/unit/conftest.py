"""Unit tests start no process, open no socket and see nothing of the user's; see tests/guards.py."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import USERS_FOLDERS
from tests.guards import ANY_USERS, Guard, changed, guarding, redirected
from tests.world import world as world


@pytest.fixture(autouse=True)
def guarded(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """Set up before and ended after every other fixture of the test."""
    before = dict(os.environ)
    ours = [tmp_path_factory.getbasetemp()]
    with guarding(Guard(USERS_FOLDERS, ours)) as guard, pytest.MonkeyPatch.context() as patch:
        for name, value in redirected(tmp_path).items():
            patch.setenv(name, value)
        patch.setenv("XDG_STATE_HOME", str(tmp_path))
        for name in ANY_USERS:
            patch.delenv(name, raising=False)
        yield guard
    assert guard.broken == [], "the test went on after it was refused"
    assert changed(before, os.environ) == [], "the test left the environment changed"
