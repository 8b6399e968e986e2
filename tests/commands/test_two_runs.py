"""Two ``up``s of one name on one cloud: one has it, the other is refused and harms nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.command import Cli, until
from tests.journeys.emulator import Emulator
from tests.journeys.test_two_runs import both, places

NAME = "jtwogce"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    made = Emulator(Cli(tmp_path_factory.mktemp("emulator")), "none")
    yield made
    made.end()


@pytest.mark.parametrize("hosts", [1, 2, 2])  # noqa: PT014  # twice: who is first is chance
def test_on_gce_one_has_the_name_and_the_other_is_refused(
    emulator: Emulator, tmp_path: Path, hosts: int
) -> None:
    emulator.turn(operation=0.5)
    clis = places(tmp_path, emulator.environment, hosts)
    words = ("--cloud", "gce", "--name", NAME, "--nodes", "2", "--until", "created", "--yes")
    won, lost = both(clis, *words)
    assert (won.exit_code, lost.exit_code) == (0, 4), f"{won} {lost}"
    assert NAME in lost.sentence()
    there = [cli for cli in clis if cli.folder(NAME).exists()]
    assert len(there) == 1, "what was refused made nothing and keeps nothing"
    assert len(emulator.control("machines")) == 3
    there[0]("up", *words)  # it is still the winner's, and whole
    there[0]("down", NAME, "--yes")
    assert [one for one in emulator.control("resources") if NAME in one["name"]] == []


def test_a_down_from_another_folder_is_refused_while_up_runs(
    emulator: Emulator, tmp_path: Path
) -> None:
    first, second = places(tmp_path, emulator.environment)
    emulator.turn(operation=3.0)
    process = first.start(
        "up", "--cloud", "gce", "--name", NAME, "--nodes", "2", "--until", "created", "--yes"
    )
    until(lambda: any(one["name"] == NAME for one in emulator.control("resources")), 60)
    refused = second("down", NAME, "--yes", expect=4)
    assert "is being changed by" in refused.sentence()
    emulator.turn(operation=0.1)  # what is left of it need not be slow
    process.communicate(timeout=120)
    assert process.returncode == 0
    second("down", NAME, "--yes")
    assert [one for one in emulator.control("resources") if NAME in one["name"]] == []
