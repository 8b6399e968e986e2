"""Two processes run the tests at once (pytest -n 2): who runs what, and how long each layer took.

Tests that boot machines look at the whole machine, so one process has all of them, from the beginning on;
the others are handed out a file at a time.
"""

from collections import defaultdict
from collections.abc import Iterable

import pytest

BOOTING = ("tests/nodes/", "tests/journeys/", "tests/live/")
"""Layers whose tests boot machines."""


def scope(nodeid: str) -> str:
    """What is handed out together: all that boots machines, or a file."""
    return "machines" if nodeid.startswith(BOOTING) else nodeid.partition("::")[0]


def longest_first(items: list[pytest.Item]) -> None:
    """What boots machines takes longest, so a run in several processes begins with it."""
    items.sort(key=lambda item: not item.nodeid.startswith(BOOTING))


def seconds(reports: Iterable[pytest.TestReport]) -> dict[str, float]:
    """How long the tests of each layer took, their fixtures included."""
    took: defaultdict[str, float] = defaultdict(float)
    for report in reports:
        took["/".join(report.nodeid.split("/")[:2])] += report.duration
    return dict(took)
