"""Two ``up``s of one name from two places: one has it, the other is refused and harms nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.command import Answer, Cli, until
from tests.journeys.emulator import Emulator

NAME = "jtwo"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    made = Emulator(Cli(tmp_path / "emulator"), "none", "--set", "operation=0.5")
    yield made
    made.end()


def places(folder: Path, environment: dict[str, str], hosts: int = 1) -> list[Cli]:
    """Two state folders; with two ``hosts`` they do not see each other's locks either."""
    made = []
    for number in (1, 2):
        # Beside the test's own folder: the path of a socket has at most 107 bytes.
        temporary = folder.parent / f"t{number if hosts == 2 else 0}"
        temporary.mkdir(exist_ok=True)
        made.append(Cli(folder / f"state{number}", {**environment, "TMPDIR": f"{temporary}"}))
    return made


def both(clis: list[Cli], *words: str) -> list[Answer]:
    """Begun together; the one that came through first."""
    running = [cli.start("up", *words) for cli in clis]
    answers = []
    for process in running:
        out, err = process.communicate(timeout=200)
        answers.append(Answer(process.returncode, out, err, 0.0))
    return sorted(answers, key=lambda answer: answer.exit_code)


@pytest.mark.parametrize("hosts", [1, 2, 2])
def test_on_gce_one_has_the_name_and_the_other_is_refused(
    emulator: Emulator, tmp_path: Path, hosts: int
) -> None:
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
    process.communicate(timeout=120)
    assert process.returncode == 0
    second("down", NAME, "--yes")
    assert [one for one in emulator.control("resources") if NAME in one["name"]] == []


@pytest.mark.parametrize("machines", ["light", "container"])
def test_one_name_on_one_host(tmp_path: Path, roomy: None, machines: str) -> None:
    clis = places(tmp_path, {}, hosts=2)  # machines of this host are no folder's
    won, lost = both(clis, "--name", NAME, "--nodes", "2", "--machines", machines)
    assert (won.exit_code, lost.exit_code) == (0, 4), f"{won} {lost}"
    assert NAME in lost.sentence()
    (winner,) = [cli for cli in clis if cli.folder(NAME).exists()]
    assert winner("run", NAME, "--", "true").exit_code == 0
    winner("down", NAME, "--yes")
