"""``--deadline`` ends ``up`` whatever hangs: an operation that never ends, an API that never answers."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.command import Cli
from tests.journeys.emulator import Emulator

NAME = "jdeadline"
ENDLESS = 100_000.0
DEADLINE = 8
SLACK = 45
"""Seconds for all that is no waiting: two starts of Pulumi's CLI on a busy machine."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Emulator, Cli]]:
    quick = ("--set", "operation=0.02", "--set", "never_boot=1")
    emulator = Emulator(Cli(tmp_path / "emulator"), "light", *quick)
    yield emulator, Cli(tmp_path / "state", emulator.environment)
    emulator.process.kill()  # it would wait for the requests that it never answers
    emulator.process.communicate()


def children(cli: Cli) -> str:
    """What still runs of this cluster: Pulumi's CLI, by the folder it works in."""
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in found.splitlines() if f"{cli.state}" in line)


@pytest.mark.parametrize(
    ("dials", "until", "exit_code", "words"),
    [
        ({"operations": {"firewalls": {"insert": ENDLESS}}}, "created", 1, "create the firewall rule"),
        ({"operations": {"instances": {"insert": ENDLESS}}}, "created", 1, f"create the VM {NAME}"),
        ({"operations": {"instances": {"insert": ENDLESS}}}, "joined", 1, f"create the VM {NAME}"),
        ({"faults": [{"method": "networks.insert", "kind": "slow", "seconds": ENDLESS}]}, "created", 1,
         f"create the network {NAME}"),
        ({"faults": [{"method": "regions.get", "kind": "slow", "seconds": ENDLESS}]}, "created", 4,
         "us-central1"),
        ({"faults": [{"method": "regionInstanceGroupManagers.get", "kind": "slow", "seconds": ENDLESS}]},
         "joined", 1, NAME),
    ],
    ids=["rule", "controller", "controller-while-joining", "answer", "preflight", "groups"],
)  # fmt: skip
def test_up_ends_at_its_deadline_and_names_what_it_waited_for(
    place: tuple[Emulator, Cli], dials: dict[str, Any], until: str, exit_code: int, words: str
) -> None:
    emulator, cli = place
    emulator.turn(**dials)
    answer = cli("up", "--cloud", "gce", "--name", NAME, "--nodes", "2", "--yes", "--until", until,
                 "--deadline", f"{DEADLINE}s", expect=exit_code)  # fmt: skip
    assert words in answer.sentence() and answer.seconds < DEADLINE + SLACK
    assert children(cli) == ""
    emulator.turn(faults=[], operations=dict.fromkeys(("firewalls", "instances")))
    cli("down", NAME, expect=None)
    assert [one for one in emulator.control("resources") if NAME in one["name"]] == []


def test_down_ends_at_its_deadline_names_what_is_left_and_goes_on_when_it_is_run_again(
    place: tuple[Emulator, Cli],
) -> None:
    emulator, cli = place
    cli("up", "--cloud", "gce", "--name", NAME, "--nodes", "2", "--yes", "--until", "created")
    emulator.turn(operations={"firewalls": {"delete": ENDLESS}})
    answer = cli("down", NAME, "--yes", "--deadline", f"{DEADLINE}s", expect=1)
    assert f"of {NAME} are still there after {DEADLINE}s" in answer.sentence()
    assert "firewall rule" in answer.sentence() and answer.seconds < DEADLINE + SLACK
    assert children(cli) == "" and (cli.folder(NAME) / "keys.json").exists()
    emulator.turn(operations={"firewalls": None})
    cli("down", NAME, "--yes")
    assert [one for one in emulator.control("resources") if NAME in one["name"]] == []
    assert not cli.folder(NAME).exists()
