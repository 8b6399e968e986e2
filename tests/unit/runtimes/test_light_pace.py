"""Whose turn it is to execute user-data on a host with few cores."""

import time
from pathlib import Path

import pytest

from provision.runtimes.light.guest import pace
from provision.runtimes.light.guest.pace import Executing, free


def process(proc: Path, number: int, state: str, *children: int) -> None:
    """One as proc(5) shows it; its name holds what a parser may stumble over."""
    task = proc / f"{number}" / "task" / f"{number}"
    task.mkdir(parents=True)
    (proc / f"{number}" / "stat").write_text(f"{number} (a ) R b) {state} 1 1 1 0 -1")
    (task / "children").write_text("".join(f"{child} " for child in children))


@pytest.mark.parametrize(
    ("states", "expected"),
    [("SSS", False), ("SSR", True), ("SDS", True), ("RSS", True), ("SZS", False), ("SIS", False)],
)
def test_a_machine_works_while_anything_of_it_does(
    tmp_path: Path, states: str, expected: bool
) -> None:
    process(tmp_path, 10, states[0], 11, 99)
    process(tmp_path, 11, states[1], 12)
    process(tmp_path, 12, states[2])
    process(tmp_path, 50, "R")
    assert pace.works(10, f"{tmp_path}") is expected


def test_who_only_waits_gives_the_place_away_and_who_works_keeps_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "works", lambda process: process == 1)
    now = time.monotonic()
    works, waits = Executing(1, now), Executing(2, now)
    looks = [free([works, waits], 2) for _ in range(pace.IDLE_LOOKS)]
    assert looks == [*[False] * (pace.IDLE_LOOKS - 1), True]
    assert not free([works, Executing(1, now)], 2)
    assert free([works, Executing(1, now - pace.PATIENCE)], 2), "nobody is waited for longer"
