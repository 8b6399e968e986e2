"""Two ``up``s of one name on one host: one has it, the other is refused and harms nothing."""

from pathlib import Path

import pytest

from tests.journeys.command import Answer, Cli

NAME = "jtwo"


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


@pytest.mark.parametrize("machines", ["light", "container"])
def test_one_name_on_one_host(tmp_path: Path, roomy: None, machines: str) -> None:
    clis = places(tmp_path, {}, hosts=2)  # machines of this host are no folder's
    won, lost = both(clis, "--name", NAME, "--nodes", "2", "--machines", machines)
    assert (won.exit_code, lost.exit_code) == (0, 4), f"{won} {lost}"
    assert NAME in lost.sentence()
    (winner,) = [cli for cli in clis if cli.folder(NAME).exists()]
    assert winner("run", NAME, "--", "true").exit_code == 0
    winner("down", NAME, "--yes")
