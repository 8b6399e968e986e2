"""An emulator in this process, over a real socket; every exchange is judged when a test ends."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.clouds.common import calls
from provision.emulator.emulator import Emulator
from provision.emulator.gce.dials import Dials, turned
from provision.emulator.gce.making import emulator
from provision.emulator.machines import Machines, NoMachines
from provision.emulator.serve import listen, server_of
from provision.emulator.server import application
from tests.emulator.discovery import Exchange, problems

ENDLESS = {"queries": None, "reads": None, "lists": None, "operation_reads": None, "waits": None,
           "global_queries": None, "global_reads": None}  # fmt: skip
"""Rates for tests that ask often; the limits have tests of their own."""
LEFT = 499
"""Status of what nobody waits for any more: the client has gone in the middle of its request."""
QUICK = {"operation": 0.02, "rates": ENDLESS}


class Recording:
    """ASGI: passes everything on, and keeps what went over the wire."""

    def __init__(self, app: Any, kept: list[Exchange]) -> None:
        self.app, self.kept = app, kept

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        query = scope["query_string"].decode()
        target = scope["raw_path"].decode().partition("?")[0] + (f"?{query}" if query else "")
        exchange = Exchange(scope["method"], target, answer=b"")

        async def hear() -> Any:
            message = await receive()
            exchange.request += message.get("body", b"")
            return message

        async def say(message: Any) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                exchange.headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
                if exchange.status != LEFT:
                    self.kept.append(exchange)
            exchange.answer += message.get("body", b"")
            await send(message)

        await self.app(scope, hear, say)


@dataclass
class Gce:
    """One running emulator as tests see it."""

    endpoint: str
    made: Emulator
    exchanges: list[Exchange] = field(default_factory=list)

    def turn(self, **change: Any) -> None:
        """Turn dials."""
        self.made.cloud.change(change)

    @property
    def key(self) -> dict[str, str]:
        """Headers that open the control paths."""
        return {"Authorization": f"Bearer {self.made.access.token}"}

    def calls(self, method: str) -> int:
        """How many requests of a method came."""
        return sum(n for (m, _), n in self.made.record.counts.items() if m == f"compute.{method}")


Start = Callable[..., Gce]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start emulators with dials; they end, and are judged, with the test."""
    running: list[tuple[uvicorn.Server, threading.Thread, Gce]] = []

    def begin(
        machines: Machines | None = None,
        projects: tuple[str, ...] = (),
        links: str = "google",
        **dials: Any,
    ) -> Gce:
        listener = listen("127.0.0.1", 0)
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        chosen = turned(Dials(), {**QUICK, **dials})
        gce = Gce(
            endpoint, emulator(endpoint, machines or NoMachines(), chosen, projects, links=links)
        )
        app = Recording(application(gce.made), gce.exchanges)
        server = server_of(app)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        running.append((server, thread, gce))
        Retrying(
            retry=retry_if_result(lambda up: not up),
            wait=wait_fixed(0.01),
            stop=stop_after_delay(30),
        )(lambda: server.started)
        return gce

    yield begin
    for server, thread, _ in running:
        server.should_exit = True
        thread.join(15)
    found = [
        why
        for _, _, gce in running
        for exchange in gce.exchanges
        if exchange.target.startswith("/compute/")
        for why in problems(exchange)
    ]
    assert found == []


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No project, key or state of anybody's; operations are looked at as often as they are quick here."""
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "CLOUDSDK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", f"{tmp_path}")
    monkeypatch.setenv("XDG_STATE_HOME", f"{tmp_path}")
    monkeypatch.setattr(calls, "FIRST_LOOK", 0.02)


@pytest.fixture
def gce(start: Start) -> Gce:
    """An emulator with quick operations and no limits of requests."""
    return start()
