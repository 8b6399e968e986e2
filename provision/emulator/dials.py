"""All that can be dialled in, at start and while the emulator runs.

Durations are in seconds and may be a number (``2.5``), a range (``20..40``, uniform) or a normal
spread with a floor at zero (``30~5``). Shares are between 0 and 1.
"""

import fnmatch
import random
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def draw(duration: str | float, chance: random.Random) -> float:
    """Seconds of one thing that takes that long."""
    text = str(duration)
    if ".." in text:
        low, _, high = text.partition("..")
        return chance.uniform(float(low), float(high))
    if "~" in text:
        middle, _, spread = text.partition("~")
        return max(0.0, chance.gauss(float(middle), float(spread)))
    return float(text)


def _duration(value: str | float) -> str | float:
    try:
        seconds = draw(value, random.Random(0))
        low = float(str(value).partition("..")[0].partition("~")[0])
    except ValueError as error:
        raise ValueError("give seconds: 2.5, a range 20..40, or 30~5") from error
    if not (seconds >= 0 and low >= 0 and seconds < 1e9):
        raise ValueError("seconds cannot be negative or endless")
    return value


Duration = Annotated[str | float, AfterValidator(_duration)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Dial(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fault(_Dial):
    """Answers that go wrong. The first rule that matches a request decides.

    ``method`` is a pattern over method ids (``compute.instances.*``; ``compute.`` may be left out).
    ``kind``: ``http`` answers ``status``/``reason``/``message`` at once; ``operation`` lets the
    operation fail with ``code``/``message`` and HTTP status; ``silent`` the same without HTTP status;
    ``slow`` waits ``seconds`` first; ``drop`` closes the connection. ``share`` of the requests, at most
    ``times`` of them (None for ever). ``retry_after`` is the header's seconds.
    """

    method: str = "*"
    kind: Literal["http", "operation", "silent", "slow", "drop"] = "http"
    share: Share = 1.0
    times: Annotated[int, Field(ge=0)] | None = None
    status: Annotated[int, Field(ge=400, le=599)] = 503
    reason: str = "backendError"
    code: str = "INTERNAL_ERROR"
    message: str = "The emulator was told to fail this."
    seconds: Duration = 0.0
    retry_after: Annotated[int, Field(ge=0)] | None = None

    def concerns(self, method: str) -> bool:
        """Whether the rule is about that method id."""
        short = method.removeprefix("compute.")
        return fnmatch.fnmatchcase(method, self.method) or fnmatch.fnmatchcase(short, self.method)


class Later(_Dial):
    """A ``share`` of the machines to which it happens ``after`` so long."""

    share: Share = 0.0
    after: Duration = 60.0


class Rates(_Dial):
    """Requests per minute and project, and per region where regional; None is no limit.

    Google's documented defaults (https://cloud.google.com/compute/api-quota).
    """

    queries: Annotated[int, Field(ge=0)] | None = 1500
    reads: Annotated[int, Field(ge=0)] | None = 1500
    lists: Annotated[int, Field(ge=0)] | None = 1500
    operation_reads: Annotated[int, Field(ge=0)] | None = 1500
    waits: Annotated[int, Field(ge=0)] | None = 1500
    global_queries: Annotated[int, Field(ge=0)] | None = 1500
    global_reads: Annotated[int, Field(ge=0)] | None = 1500


class Dials(_Dial):
    """Everything, with the values an emulator starts with."""

    seed: int = 0
    speed: Annotated[float, Field(gt=0, le=100_000)] = 1.0
    """Emulated durations (latencies, boot times, TTL) pass that many times faster."""
    operation: Duration = 0.2
    """From an operation's acceptance to DONE."""
    provisioning: Duration = 0.0
    """From a VM's acceptance to RUNNING."""
    boot: Duration = 0.0
    """From RUNNING until the machine begins to execute."""
    stopping: Duration = 0.0
    """From STOPPING to gone or TERMINATED."""
    group_retry: Duration = 10.0
    """Between two attempts of a group to create a VM that could not be."""
    capacity: Mapping[str, Mapping[str, Annotated[int, Field(ge=0)]]] = {}
    """VMs a zone can hold, by machine type (``*`` for all types together); absent is endless."""
    quota: Mapping[str, Mapping[str, Annotated[float, Field(ge=0)]]] = {}
    """Limits by place (a region, ``regions`` for each of them, or ``global``) and metric."""
    rates: Rates = Rates()
    faults: tuple[Fault, ...] = ()
    denied: tuple[str, ...] = ()
    """Methods (patterns as in a fault's ``method``) that the caller has no permission for."""
    never_boot: Share = 0.0
    """VMs that are RUNNING and never execute anything."""
    never_join: Share = 0.0
    """VMs that execute, cut off from every network."""
    die: Later = Later()
    """VMs that crash: TERMINATED although nobody asked."""
    preempt: Later = Later()
    """Spot VMs that are preempted."""
    max_duration_floor: Duration = 30.0
    """Least ``maxRunDuration`` that is accepted; Google's is 30 s."""


FREE = ("capacity", "quota")
"""Dials whose keys are the user's own; None takes one away. Elsewhere None is a value."""


def merged(dials: Dials, change: Mapping[str, Any]) -> Dials:
    """The dials with a change: mappings are merged key by key, the rest is replaced.

    Raises pydantic's ``ValidationError`` where the outcome is no valid set of dials.
    """
    old = dials.model_dump()
    for key, value in change.items():
        old[key] = _merge(old.get(key), value, key in FREE)
    return Dials.model_validate(old)


def _merge(old: Any, change: Any, free: bool) -> Any:
    if not isinstance(old, Mapping) or not isinstance(change, Mapping):
        return change
    result = dict(old)
    for key, value in change.items():
        if value is None and free:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value, free)
    return result
