"""Long-running operations: accepted at once, done later; how one looks is each API's own."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from provision.emulator.agenda import Agenda
from provision.emulator.world import Json, Table

KEPT = 20_000
"""Operations of one scope that are remembered."""


class Failure(Exception):  # the APIs' own are called errors
    """Why an accepted operation does not do what was asked."""


def _nothing() -> None:
    """No work, no undoing."""


@dataclass(slots=True, kw_only=True)
class Operation(ABC):
    """One operation. Times are seconds since the epoch; ``due`` is when it will be done."""

    name: str
    agenda: Agenda = field(repr=False)
    inserted: float
    due: float
    started: float = 0.0
    ended: float = 0.0
    failure: Failure | None = None
    doomed: bool = False
    """Whether a dial has decided that it fails."""
    waiters: list[asyncio.Event] = field(default_factory=list)

    @abstractmethod
    def json(self) -> Json:
        """The operation as it is answered."""

    def progress(self) -> int:
        """Percent: by time until it is done."""
        if self.ended:
            return 100
        span = self.due - self.inserted
        share = (self.agenda.now() - self.inserted) / span if span > 0 else 0
        return min(99, int(100 * share))


@dataclass(frozen=True, slots=True)
class Work:
    """What an operation does. ``apply`` when its time has come; ``undo`` where it fails instead.

    ``verb`` and ``target`` say what is done to what. ``apply`` may raise :class:`Failure`. ``seconds`` is
    None for the dialled latency. With ``held`` it does not end by time: whoever holds it calls ``finish``.
    """

    verb: str
    target: str
    target_id: str = ""
    apply: Callable[[], None] = _nothing
    undo: Callable[[], None] = _nothing
    seconds: float | None = None
    held: bool = False


Accepted = TypeVar("Accepted", bound=Operation)


class Operations:
    """Starts, ends and remembers operations.

    ``latency`` gives seconds for a method and the target it is about; ``fate`` may give the failure that a
    dial wants an operation of a method to end with.
    """

    def __init__(
        self,
        agenda: Agenda,
        latency: Callable[[str, str], float],
        fate: Callable[[str], Failure | None],
    ) -> None:
        self._agenda, self._latency, self._fate = agenda, latency, fate

    def accept(
        self,
        table: Table,
        scope: str,
        work: Work,
        method: str,
        made: Callable[[float, float], Accepted],
    ) -> Accepted:
        """Accept the work; ``made`` gives its operation by when it was accepted and when it is due.

        ``method`` is the id the dials go by.
        """
        agenda = self._agenda
        seconds = work.seconds
        if seconds is None:
            seconds = self._latency(method, work.target)
        now = agenda.now()
        operation = made(now, now + seconds / agenda.speed)
        _remember(table, scope, operation)
        agenda.after(min(seconds / 10, 0.1), lambda: _start(operation))
        fate = self._fate(method)
        operation.doomed = fate is not None
        if not work.held or fate:
            agenda.after(seconds, lambda: _end(operation, work, fate))
        return operation


def _remember(table: Table, scope: str, operation: Operation) -> None:
    table.put(scope, operation)
    rows = table.rows(scope)
    if len(rows) > KEPT:
        oldest = next(iter(rows))
        if rows[oldest].ended:
            table.pop(scope, oldest)


def _end(operation: Operation, work: Work, fate: Failure | None) -> None:
    if operation.ended:
        return
    failure = fate
    if fate:
        work.undo()
    else:
        try:
            work.apply()
        except Failure as error:
            failure = error
    finish(operation, failure)


def _start(operation: Operation) -> None:
    if not operation.started:
        operation.started = operation.agenda.now()


def finish(operation: Operation, failure: Failure | None = None) -> None:
    """The operation is done; ``failure`` says why it did not do what was asked."""
    if operation.ended:
        return
    _start(operation)
    operation.ended = operation.agenda.now()
    operation.failure = failure
    for waiter in operation.waiters:
        waiter.set()
    operation.waiters.clear()


async def wait(operation: Operation, seconds: float) -> None:
    """Come back when the operation is done, or after so many seconds of this machine's clock."""
    if operation.ended:
        return
    event = asyncio.Event()
    operation.waiters.append(event)
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
    finally:
        if event in operation.waiters:
            operation.waiters.remove(event)
