"""What stands behind VMs where nobody says."""

from typing import Any

import pytest

from provision.emulator import serve
from provision.errors import Finding
from provision.events import Event, Warned
from provision.runtime import HostCheck


class Light:
    """A runtime that finds this wrong with the host."""

    def __init__(self, *findings: Finding | None) -> None:
        self.findings = findings

    def check(self, machines: int) -> list[HostCheck]:
        return [HostCheck("it", "seen", finding) for finding in self.findings]

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("asked", "wrong", "expected", "told"),
    [
        ("auto", None, "light", ""),
        ("auto", Finding("host: root", "light machines need root", "run it as root"), "none",
         "VMs are state only, and boot nothing here: light machines need root"),
        ("container", Finding("host: root", "light machines need root", ""), "container", ""),
        ("none", None, "none", ""),
    ],
)  # fmt: skip
def test_light_machines_where_they_can(
    monkeypatch: pytest.MonkeyPatch, asked: str, wrong: Finding | None, expected: str, told: str
) -> None:
    made: Any = Light(None, wrong)
    monkeypatch.setattr(serve, "runtime_of", lambda kind: made)
    events: list[Event] = []
    assert serve._kind(asked, events.append) == expected
    assert [event.text for event in events if isinstance(event, Warned)] == ([told] if told else [])
