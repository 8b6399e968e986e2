"""The command line as a user runs it, where no machine boots; what a test starts ends with it."""

from collections.abc import Iterator

import pytest

from tests.engine.conftest import children, left_running


@pytest.fixture(scope="package", autouse=True)
def nothing_runs_on() -> Iterator[None]:
    """Emulators, Pulumi and commands have ended with the tests that started them."""
    before = children()
    yield
    left = left_running(before)
    assert left == {}, "the tests left processes"
