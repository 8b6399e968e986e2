"""Answers of many machines: one by one, and folded."""

from collections.abc import Iterator

import pytest

from provision.cli import answers
from provision.cli.main import main
from provision.cluster import nodes
from provision.events import Emit, Progress
from provision.remote.fanout import HostResult


def host(number: int) -> str:
    return f"demo-worker-{number:04d}"


def test_equal_answers_are_told_once_under_the_nodes_that_gave_them() -> None:
    results = [HostResult(host(number), 0, "6.12\n") for number in range(1, 100)]
    results.append(HostResult(host(100), 0, "6.1\n"))
    assert answers.folded(results) == [
        answers.RULE, "demo-worker-[0001-0099] (99)", answers.RULE, "6.12",
        answers.RULE, "demo-worker-0100 (1)", answers.RULE, "6.1",
    ]  # fmt: skip


def test_failures_fold_though_each_names_its_node() -> None:
    results = [
        HostResult(host(n), 124, error=f"{host(n)} did not finish 'x' within 5 s") for n in (1, 2)
    ]
    assert answers.folded(results)[1:] == [
        "demo-worker-[0001-0002] (2)", answers.RULE, "exit 124: it did not finish 'x' within 5 s",
    ]  # fmt: skip


def test_an_exit_code_keeps_equal_texts_apart() -> None:
    results = [HostResult(host(1), 0, "x"), HostResult(host(2), 3, "x")]
    assert len(answers.folded(results)) == 9


def test_nothing_on_a_node_steers_the_terminal() -> None:
    assert "\x1b" not in "".join(answers.folded([HostResult(host(1), 0, "\x1b[2Jx")]))


def test_one_by_one_each_line_has_its_node() -> None:
    assert answers.lines(HostResult("a", 3, "x\ny\n", "z\n")) == [
        "a: x",
        "a: y",
        "a: z",
        "a: exit 3",
    ]
    assert answers.lines(HostResult("a", 0)) == ["a: "]
    assert answers.lines(HostResult("a", 255, error="a is off")) == ["a: exit 255: a is off"]


@pytest.mark.parametrize(("count", "flags"), [(2, []), (20, ["--no-fold"])])
def test_run_shows_each_answer_as_it_comes(
    count: int,
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = ran(count, flags, monkeypatch, capsys)
    assert shown[:-1] == [f"{host(number)}: 6.12\n" for number in range(1, count + 1)]
    assert shown[-1] == ""


@pytest.mark.parametrize(("count", "flags"), [(20, []), (2, ["--fold"])])
def test_run_tells_equal_answers_of_many_once_at_the_end(
    count: int,
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    *before, end = ran(count, flags, monkeypatch, capsys)
    assert not any(before)
    assert f"({count})\n" in end and end.count("6.12") == 1


def ran(
    count: int,
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> list[str]:
    """What `run` shows after each of so many equal answers, and at last."""
    shown = []

    def run(name: str, line: str, only: object, timeout: float, emit: Emit) -> Iterator[HostResult]:
        for number in range(1, count + 1):
            emit(Progress(step="run", done=number, total=count))
            yield HostResult(host(number), 0, "6.12\n")
            shown.append(capsys.readouterr().out)

    monkeypatch.setattr(nodes, "run", run)
    assert main(["run", "demo", *flags, "--", "uname"]) == 0
    return [*shown, capsys.readouterr().out]
