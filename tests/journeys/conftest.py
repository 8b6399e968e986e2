"""Real things are made here, so the ledger is open; see tests/ledger.py."""

from collections.abc import Iterator

import pytest

from provision.runtimes import limits
from provision.runtimes.light import host
from tests.ledger import ledger

__all__ = ["ledger"]


@pytest.fixture(scope="session")
def roomy() -> Iterator[None]:
    """Kernel limits for a thousand light machines, and put back."""
    with limits.raised(host.NEEDS.limits, 1001):
        yield
