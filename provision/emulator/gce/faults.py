"""Which requests and operations go wrong because a dial says so."""

from collections import Counter
from collections.abc import Callable, Sequence

from provision.emulator.dials import Dials, Fault
from provision.emulator.gce.errors import OperationError
from provision.emulator.gce.world import World

TITLES = {
    400: "BAD REQUEST",
    403: "FORBIDDEN",
    404: "NOT FOUND",
    409: "CONFLICT",
    412: "PRECONDITION FAILED",
    429: "TOO MANY REQUESTS",
    500: "INTERNAL SERVER ERROR",
    503: "SERVICE UNAVAILABLE",
}
"""``httpErrorMessage`` by ``httpErrorStatusCode``."""

IN_OPERATIONS = ("operation", "silent")


class Faults:
    """Decides by rule, and counts how often each rule has struck (since the rules last changed)."""

    def __init__(self, world: World, dials: Callable[[], Dials]) -> None:
        self._world, self._dials = world, dials
        self._rules: Sequence[Fault] = ()
        self._struck: Counter[int] = Counter()
        self._seen: Counter[int] = Counter()

    def request(self, method: str) -> Fault | None:
        """The rule for this request: an answer, a delay or a dropped connection."""
        return self._strike(method, lambda fault: fault.kind not in IN_OPERATIONS)

    def operation(self, method: str, target: str) -> OperationError | None:
        """What the operation of this request is to fail with; ``target`` is not looked at."""
        fault = self._strike(method, lambda fault: fault.kind in IN_OPERATIONS)
        if fault is None:
            return None
        errors = [{"code": fault.code, "message": fault.message}]
        if fault.kind == "silent":
            return OperationError(errors, 0, "")
        return OperationError(errors, fault.status, TITLES.get(fault.status, "ERROR"))

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
            if self._world.chance("fault", index, self._seen[index]).random() < fault.share:
                self._struck[index] += 1
                return fault
        return None
