"""Answers of many machines: one by one, and folded."""

from provision.cli import answers
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
