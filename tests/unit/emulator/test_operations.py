"""Long-running operations of any API, with the clock in hand."""

from dataclasses import dataclass
from typing import Any

from provision.emulator import operations
from provision.emulator.agenda import Agenda
from provision.emulator.operations import Failure, Operations, Work
from provision.emulator.world import Table


@dataclass(slots=True, kw_only=True)
class Operation(operations.Operation):
    """One that shows nothing but its progress."""

    def json(self) -> dict[str, Any]:
        return {"percent": self.progress()}


class Clock:
    """Operations that take ten seconds, in a world that stands still until :meth:`later`."""

    def __init__(self, fate: Failure | None = None) -> None:
        self.now, self.table = 0.0, Table()
        self.agenda = Agenda(lambda: self.now)
        self.operations = Operations(self.agenda, lambda method, target: 10.0, lambda method: fate)
        self.done: list[str] = []

    def accept(self, name: str = "one", **work: Any) -> Operation:
        def made(inserted: float, due: float) -> Operation:
            return Operation(name=name, agenda=self.agenda, inserted=inserted, due=due)

        asked = Work(
            "make", "it", apply=work.pop("apply", lambda: self.done.append("applied")),
            undo=lambda: self.done.append("undone"), **work,
        )  # fmt: skip
        return self.operations.accept(self.table, "here", asked, "toy.make", made)

    def later(self, seconds: float) -> None:
        self.now += seconds
        while self.agenda.advance() == 0.0:
            pass


def test_what_is_accepted_is_done_when_its_time_has_come() -> None:
    clock = Clock()
    operation = clock.accept()
    assert clock.table.get("here", "one") is operation and not operation.started
    clock.later(5)
    assert (operation.json(), bool(operation.started), clock.done) == ({"percent": 50}, True, [])
    clock.later(5)
    assert (operation.json(), bool(operation.ended), clock.done) == (
        {"percent": 100},
        True,
        ["applied"],
    )


def test_what_fails_in_its_time_says_why() -> None:
    clock = Clock()
    failure = Failure("no room")

    def fail() -> None:
        raise failure

    operation = clock.accept(apply=fail)
    clock.later(10)
    assert operation.ended and operation.failure is failure


def test_what_a_dial_dooms_is_undone_and_never_applied() -> None:
    fate = Failure("dialled")
    clock = Clock(fate)
    operation = clock.accept(held=True)
    assert operation.doomed
    clock.later(10)
    assert (operation.failure, clock.done) == (fate, ["undone"])


def test_what_is_held_ends_when_its_holder_says_so() -> None:
    clock = Clock()
    operation = clock.accept(held=True)
    clock.later(100)
    assert not operation.ended
    operations.finish(operation)
    first = operation.ended
    clock.later(1)
    operations.finish(operation, Failure("too late"))
    assert (operation.ended, operation.failure) == (first, None)


def test_work_may_take_a_time_of_its_own() -> None:
    clock = Clock()
    operation = clock.accept(seconds=3.0)
    clock.later(3)
    assert operation.ended


def test_the_oldest_that_is_done_is_forgotten_when_there_are_too_many(monkeypatch: Any) -> None:
    monkeypatch.setattr(operations, "KEPT", 2)
    clock = Clock()
    clock.accept("first")
    clock.accept("second")
    clock.accept("third")
    assert clock.table.names("here") == ["first", "second", "third"], "none is done"
    clock.later(10)
    clock.accept("fourth")
    assert clock.table.names("here") == ["fourth", "second", "third"]
