"""Which requests and operations go wrong because a dial says so; how that looks is each API's own."""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence

from provision.emulator.dials import Dials, Fault, draw

IN_OPERATIONS = ("operation", "silent")


class Faults:
    """Decides by rule, and counts how often each rule has struck (since the rules last changed).

    ``chance`` is the world's source of chance for one thing.
    """

    def __init__(self, chance: Callable[..., random.Random], dials: Callable[[], Dials]) -> None:
        self._chance, self._dials = chance, dials
        self._rules: Sequence[Fault] = ()
        self._struck: Counter[int] = Counter()
        self._seen: Counter[int] = Counter()
        self._slow = itertools.count(1)

    def request(self, method: str) -> Fault | None:
        """The rule for this request: an answer, a delay or a dropped connection."""
        return self._strike(method, lambda fault: fault.kind not in IN_OPERATIONS)

    def operation(self, method: str) -> Fault | None:
        """The rule that the operation of this request is to fail by."""
        return self._strike(method, lambda fault: fault.kind in IN_OPERATIONS)

    def delay(self, fault: Fault) -> float:
        """Seconds that an answer waits by a rule of the slow kind; 0 by all others."""
        if fault.kind != "slow":
            return 0.0
        return draw(fault.seconds, self._chance("slow", next(self._slow)))

    def _strike(self, method: str, wanted: Callable[[Fault], bool]) -> Fault | None:
        rules = self._dials().faults
        if rules is not self._rules:
            self._rules = rules
            self._struck.clear()
            self._seen.clear()
        for index, fault in enumerate(rules):
            if not wanted(fault) or not fault.concerns(method):
                continue
            if fault.times is not None and self._struck[index] >= fault.times:
                continue
            self._seen[index] += 1
            if self._chance("fault", index, self._seen[index]).random() < fault.share:
                self._struck[index] += 1
                return fault
        return None
