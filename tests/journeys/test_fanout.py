"""A command on a hundred machines at once, each a real sshd behind one connection to the controller."""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.journeys.command import Cli, stop_when

NAME = "jfanout"
NODES = 100


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, roomy: None) -> Iterator[Cli]:
    made = Cli(tmp_path_factory.mktemp("state"))
    try:
        made("up", "--name", NAME, "--nodes", str(NODES), "--machines", "light", "--ttl", "2h")
        yield made
    finally:
        made("down", NAME, "--yes", expect=None)


def running(cli: Cli, word: str) -> int:
    """How many nodes run a process of that name."""
    answers = cli("run", NAME, "-o", "json", "--", f"pgrep -x {word} | wc -l").json()
    return sum(int(answer["stdout"]) for answer in answers)


def test_every_node_answers_every_time(cli: Cli) -> None:
    for _ in range(3):
        answers = cli("run", NAME, "-o", "json", "--", "hostname").json()
        said = {answer["stdout"].strip() for answer in answers}
        assert said == {f"{NAME}-worker-{number:04d}" for number in range(1, NODES + 1)}
        assert {(answer["exit_code"], answer["error"]) for answer in answers} == {(0, "")}


def test_a_command_that_talks_for_ever_ends_at_its_limit_and_runs_nowhere_after(cli: Cli) -> None:
    began = time.monotonic()
    done = cli(
        "run", NAME, "--timeout", "5", "--", "while :; do echo x; sleep 61; done", expect=124
    )
    assert time.monotonic() - began < 60 and "within 5 s" in done.stdout
    assert running(cli, "sleep") == 0


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_here_within_seconds_and_there_too(cli: Cli, sign: signal.Signals) -> None:
    process = cli.start("run", NAME, "--", "touch /tmp/began; while :; do echo x; sleep 62; done")
    began = time.monotonic()
    answer = stop_when(process, lambda: time.monotonic() - began > 5, sign)
    assert answer.exit_code == 130 and answer.seconds < 20, answer
    assert running(cli, "sleep") == 0
