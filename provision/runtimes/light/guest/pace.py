"""How many machines execute their user-data at a time: those that only wait are not counted.

Executing costs a core, and a host has few: so many at a time, the others queue. But user-data may wait
for another machine, perhaps for one that is still in the queue, so whoever waits gives its place away.
"""

import time
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 3.0
"""Seconds a machine may execute its user-data until the next one starts all the same."""
LOOK = 0.05
"""Seconds between two looks at those that execute, while others queue."""
IDLE_LOOKS = 4
"""So many looks after each other at which nothing of a machine ran, and it is waiting."""
WORKING = ("R", "D")
"""States (proc(5)) of a process that uses or wants a core, or the disk."""


def works(process: int, proc: str = "/proc") -> bool:
    """Whether a process or one of its descendants does; what cannot be read has ended."""
    left = [process]
    while left:
        one = left.pop()
        try:
            if Path(f"{proc}/{one}/stat").read_text().rpartition(") ")[2][:1] in WORKING:
                return True
            left += map(int, Path(f"{proc}/{one}/task/{one}/children").read_text().split())
        except OSError:
            continue
    return False


@dataclass(slots=True)
class Executing:
    """A machine that executes its user-data since then (monotonic seconds)."""

    process: int
    since: float
    idle: int = 0

    def look(self) -> None:
        """See whether it works; one that was found waiting is not looked at again."""
        if self.idle < IDLE_LOOKS:
            self.idle = 0 if works(self.process) else self.idle + 1

    def holds(self, now: float) -> bool:
        """Whether the next one has to wait for it."""
        return self.idle < IDLE_LOOKS and now - self.since < PATIENCE


def free(executing: list[Executing], slots: int) -> bool:
    """Whether one more may execute. Looks at those that do, where all places are taken."""
    now = time.monotonic()
    holding = [one for one in executing if one.holds(now)]
    if len(holding) < slots:
        return True
    for one in holding:
        one.look()
    return sum(one.holds(now) for one in holding) < slots
