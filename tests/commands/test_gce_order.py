"""Order follows from dependencies: each kind that the stack creates is slow once, up and down."""

from collections.abc import Iterator

import pytest

from tests.journeys.command import Cli
from tests.journeys.emulator import Emulator

NAME = "jorder"
NODES = 3
SLOW = 2.0
"""Seconds; every other operation takes a fiftieth of that."""
KINDS = ("networks", "subnetworks", "firewalls", "routers", "addresses", "instanceTemplates", "instances",
         "regionInstanceGroupManagers")  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, Cli]]:
    emulator = Emulator(Cli(tmp_path_factory.mktemp("emulator")), "none", "--set", "operation=0.04")
    yield emulator, Cli(tmp_path_factory.mktemp("state"), emulator.environment)
    emulator.end()


@pytest.mark.parametrize("slow", KINDS)
def test_up_and_down_come_out_the_same_whichever_kind_is_slow(
    place: tuple[Emulator, Cli], slow: str
) -> None:
    emulator, cli = place
    emulator.turn(operations={**dict.fromkeys(KINDS), slow: {"*": SLOW}})
    cli(
        "up", "--cloud", "gce", "--name", NAME, "--nodes", f"{NODES}", "--until", "created", "--yes"
    )
    addresses = {vm["name"]: vm["address"] for vm in emulator.control("machines")}
    assert len(addresses) == len(set(addresses.values())) == 1 + NODES
    assert addresses[f"{NAME}-controller"].endswith(".2"), "planned, and no worker's"
    cli("down", NAME)
    assert emulator.control("resources") == []
    assert all(call["status"] < 500 for call in emulator.control("requests"))


def test_every_kind_that_the_stack_creates_is_slowed(place: tuple[Emulator, Cli]) -> None:
    emulator, _ = place
    created = {name for name in emulator.control("calls") if name.endswith(".insert")}
    assert created == {f"compute.{kind}.insert" for kind in KINDS}
