"""What is due when."""

import pytest

from provision.emulator import agenda


def test_the_agenda_runs_in_order_and_not_before_its_time() -> None:
    clock = [0.0]
    made = agenda.Agenda(lambda: clock[0])
    seen: list[str] = []
    made.after(2, lambda: seen.append("late"))
    made.after(1, lambda: seen.append("early"))
    made.after(1, lambda: seen.append("never")).cancel()
    assert made.advance() == pytest.approx(1)
    clock[0] = 5
    assert (made.advance(), seen) == (None, ["early", "late"])
