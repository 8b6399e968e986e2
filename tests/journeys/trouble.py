"""What tests of GCE's trouble share: an emulator with dials, a cluster by a spec, and what was told."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.command import Answer, Cli
from tests.journeys.emulator import Emulator

NAME = "jtrouble"
Made = Callable[..., tuple[Emulator, Cli]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Made]:
    """An emulator with these dials, and a command line led to it; both gone at the end."""
    emulators: list[Emulator] = []

    def made(machines: str, *dials: str) -> tuple[Emulator, Cli]:
        words = [word for dial in dials for word in ("--set", dial)]
        emulator = Emulator(Cli(tmp_path / "emulator"), machines, *words)
        emulators.append(emulator)
        return emulator, Cli(tmp_path / "state", emulator.environment)

    yield made
    for emulator in emulators:
        emulator.end()


def up(
    cli: Cli, nodes: int, *words: str, expect: int | None = 0, name: str = NAME, **ready: Any
) -> Answer:
    """Bring it up by a spec, with the events beside it."""
    spec = {
        "name": name,
        "cloud": {"kind": "gce"},
        "groups": {"worker": {"nodes": nodes}},
        "ready": {"deadline": "150s", **ready},
    }
    file = cli.state.parent / f"{NAME}.yaml"
    file.write_text(json.dumps(spec))
    events = str(cli.state.parent / "events")
    return cli("up", str(file), "--events", events, *words, expect=expect)


def events(cli: Cli, kind: str) -> list[dict[str, Any]]:
    """What was told, of one kind."""
    lines = (cli.state.parent / "events").read_text().splitlines()
    return [event for line in lines if (event := json.loads(line))["event"] == kind]


def vms(emulator: Emulator) -> list[str]:
    """Names of the VMs that exist."""
    found = emulator.control("resources")
    return [resource["name"] for resource in found if resource["kind"] == "instances"]
