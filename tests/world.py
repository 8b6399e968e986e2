"""The recipes' surroundings for a unit test: a cloud and a scheduler in memory, and what was told."""

from typing import Any

import pytest

from provision.cluster import listing, session, status
from provision.events import Event
from provision.recipes.consent import Purchase
from provision.recipes.outcome import Outcome
from provision.recipes.up import up
from provision.spec.clouds import LocalCloud
from provision.spec.models import Spec
from tests.memory import MemoryCloud, MemoryScheduler, NoShell


class World:
    def __init__(self) -> None:
        self.cloud = MemoryCloud()
        self.scheduler = MemoryScheduler(self.cloud)
        self.events: list[Event] = []
        self.asked: list[Purchase] = []

    def up(self, nodes: int = 8, **changes: Any) -> Outcome:
        spec = {"name": "demo", "groups": {"worker": {"nodes": nodes}}, **changes}
        return up(Spec.model_validate(spec), self.events.append)

    @property
    def workers(self) -> list[str]:
        return [m.name for m in self.cloud.machines() if m.role == "worker"]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    for module in (session, status, listing):
        monkeypatch.setattr(module, "cloud_of", lambda spec, emit=None, folders=None: made.cloud)
    for module in (session, listing):
        monkeypatch.setattr(module, "places", lambda: [LocalCloud()])
    monkeypatch.setattr(session, "scheduler_of", lambda name: made.scheduler)
    monkeypatch.setattr(session.Session, "try_shell", lambda self, plan: NoShell())
    monkeypatch.setattr(session.Session, "shell", lambda self: NoShell())
    return made
