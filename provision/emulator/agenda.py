"""What is due when: one heap of things to do, run on the world's own clock.

All that happens by itself in the emulated cloud (an operation ends, a machine boots, a TTL fires) is an
entry here. Nothing blocks and nothing sleeps: a server drives :meth:`Agenda.run`, a test can drive
:meth:`Agenda.advance` by hand.
"""

import asyncio
import contextlib
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Action = Callable[[], None]

SLICE = 200
"""Entries run before requests get their turn again."""


@dataclass(order=True, slots=True)
class Entry:
    """One thing to do; ``due`` is in seconds of the world's clock."""

    due: float
    order: int
    action: Action | None = field(compare=False)

    def cancel(self) -> None:
        """Do nothing when the time comes."""
        self.action = None


class Agenda:
    """``speed`` makes every emulated duration that many times shorter than it says.

    The clock starts at the present time (seconds since the epoch) and runs with the machine's
    monotonic one; only durations are scaled, so that timestamps stay those of the day.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._origin = time.time() - monotonic()
        self._heap: list[Entry] = []
        self._count = itertools.count()
        self._changed = asyncio.Event()
        self.speed = 1.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._origin + self._monotonic()

    def after(self, seconds: float, action: Action) -> Entry:
        """Do that in so many emulated seconds; never at once, also for 0."""
        return self.at(self.now() + max(0.0, seconds) / self.speed, action)

    def at(self, due: float, action: Action) -> Entry:
        """Do that at that time."""
        entry = Entry(due, next(self._count), action)
        heapq.heappush(self._heap, entry)
        self._changed.set()
        return entry

    def advance(self, limit: int = SLICE) -> float | None:
        """Do what is due, at most ``limit`` entries; answers seconds until the next, None if none."""
        for _ in range(limit):
            if not self._heap:
                return None
            wait = self._heap[0].due - self.now()
            if wait > 0:
                return wait
            action = heapq.heappop(self._heap).action
            if action:
                action()
        return 0.0 if self._heap else None

    async def run(self, failed: Callable[[Exception], None]) -> None:
        """Do everything in its time, until cancelled.

        An action that raises is a bug of the emulator: it is told to ``failed`` and the rest goes on.
        With nothing due it sleeps until something is, or until something new is put down.
        """
        while True:
            self._changed.clear()
            try:
                wait = self.advance()
            except Exception as error:  # noqa: BLE001  # told as a bug; what is due next still happens
                failed(error)
                wait = 0.0
            if wait == 0:
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)
