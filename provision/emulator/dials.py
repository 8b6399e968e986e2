"""All that can be dialled in, at start and while the emulator runs.

Durations are in seconds and may be a number (``2.5``), a range (``20..40``, uniform) or a normal
spread with a floor at zero (``30~5``). Shares are between 0 and 1.
"""

import fnmatch
import random
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from provision.suggest import did_you_mean

SECONDS = "give seconds: 2.5, a range 20..40, or 30~5"
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_DURATION = re.compile(rf"({_NUMBER})(?:(\.\.|~)({_NUMBER}))?")


class DialError(ValueError):
    """A change that is no valid set of dials; the text says what of it, and what was meant perhaps."""


def draw(seconds: str | float, chance: random.Random) -> float:
    """Seconds of one thing that takes that long."""
    text = str(seconds)
    if ".." in text:
        low, _, high = text.partition("..")
        return chance.uniform(float(low), float(high))
    if "~" in text:
        middle, _, spread = text.partition("~")
        return max(0.0, chance.gauss(float(middle), float(spread)))
    return float(text)


def duration(value: str | float) -> str | float:
    """The same, if it is one. Raises ValueError."""
    found = _DURATION.fullmatch(str(value))
    if not found:
        raise ValueError(SECONDS)
    if found[2] == ".." and float(found[3]) < float(found[1]):
        raise ValueError(f"the range {value} ends before it begins: write {found[3]}..{found[1]}")
    return value


Duration = Annotated[str | float, AfterValidator(duration)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Dial(BaseModel):
    """Settings that only may be what they are declared to be."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


FAULT_KINDS = {
    "http": ("status", "reason", "message", "retry_after"),
    "operation": ("status", "code", "message"),
    "silent": ("code", "message"),
    "slow": ("seconds",),
    "drop": (),
}
"""What a rule of each kind says beside method, share and times."""


class Fault(Dial):
    """Answers that go wrong. The first rule that matches a request decides.

    ``method`` is a pattern over method ids (``instances.*``; the first word of an id may be left out).
    ``kind``: ``http`` answers ``status``/``reason``/``message`` at once; ``operation`` lets the
    operation fail with ``code``/``message`` and HTTP status; ``silent`` the same without HTTP status;
    ``slow`` waits ``seconds`` first; ``drop`` closes the connection. ``share`` of the requests, at most
    ``times`` of them (None for ever). ``retry_after`` is the header's seconds.
    """

    method: str
    kind: Literal["http", "operation", "silent", "slow", "drop"] = "http"
    share: Share = 1.0
    times: Annotated[int, Field(ge=0)] | None = None
    status: Annotated[int, Field(ge=400, le=599)] = 503
    reason: str = "backendError"
    code: str = "INTERNAL_ERROR"
    message: str = "The emulator was told to fail this."
    seconds: Duration = 0.0
    retry_after: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        own = {"method", "kind", "share", "times", *FAULT_KINDS[self.kind]}
        for name, field in type(self).model_fields.items():
            if name not in own and getattr(self, name) != field.default:
                raise ValueError(f"a fault of kind {self.kind} has no {name}")
        if self.kind == "slow" and self.seconds == 0:
            raise ValueError("a fault of kind slow needs seconds")
        return self

    def concerns(self, method: str) -> bool:
        """Whether the rule is about that method id."""
        return concerns(self.method, method)


def concerns(pattern: str, method: str) -> bool:
    """Whether a pattern is about a method id, in full or without its first word."""
    _, _, short = method.partition(".")
    return fnmatch.fnmatchcase(method, pattern) or fnmatch.fnmatchcase(short, pattern)


class Later(Dial):
    """A ``share`` of the machines to which it happens ``after`` so long."""

    share: Share = 0.0
    after: Duration = 60.0


class Dials(Dial):
    """What can be dialled in of any cloud, with the values an emulator starts with; an API adds its own."""

    seed: int = 0
    speed: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] = 1.0
    """Emulated durations (latencies, boot times, TTL) pass that many times faster."""
    operation: Duration = 0.0
    """From an operation's acceptance to its end, of every kind."""
    operations: Mapping[str, Mapping[str, Duration]] = {}
    """The same for one kind and method (``firewalls``: ``insert``, or ``*``), above ``operation``."""
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
    quota: Mapping[str, Mapping[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]] = {}
    """Limits by place (a region, ``regions`` for each of them, or ``global``) and metric."""
    faults: Annotated[tuple[Fault, ...], Field(strict=False)] = ()
    denied: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Methods (patterns as in a fault's ``method``) that the caller has no permission for."""
    never_boot: Share = 0.0
    """VMs that are RUNNING and never execute anything."""
    never_join: Share = 0.0
    """VMs that execute, cut off from every network."""
    die: Later = Later()
    """VMs that crash: TERMINATED although nobody asked."""
    preempt: Later = Later()
    """Spot VMs that are preempted."""


FREE = ("capacity", "quota", "operations")
"""Dials whose keys are the user's own; None takes one away. Elsewhere None is a value."""


Own = TypeVar("Own", bound=Dials)


def merged(dials: Own, change: Mapping[str, Any]) -> Own:
    """The dials with a change: mappings are merged key by key, the rest is replaced.

    Raises DialError where the outcome is no valid set of dials.
    """
    old = dials.model_dump()
    for key, value in change.items():
        old[key] = _merge(old.get(key), value, key in FREE)
    try:
        return type(dials).model_validate(old)
    except ValidationError as error:
        said = [_sentence(each, type(dials)) for each in error.errors()]
        raise DialError("; ".join(dict.fromkeys(said))) from error


def _sentence(each: Mapping[str, Any], model: type[BaseModel]) -> str:
    *above, last = each["loc"]
    path = ".".join(map(str, each["loc"]))
    if last in ("str", "float"):  # the branches of a duration are no part of the dial's name
        return f"{'.'.join(map(str, above))}: {SECONDS}"
    if each["type"] != "extra_forbidden":
        said = each["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        allowed = re.findall(r"'([^']*)'", str(each.get("ctx", {}).get("expected", "")))
        near = did_you_mean(str(each["input"]), allowed) if allowed else ""
        return f"{path}: {said}" + (f"; {near}" if near else "")
    for part in above:
        model = _below(model, part)
    fix = did_you_mean(str(last), model.model_fields, f"there are {', '.join(model.model_fields)}")
    return f"{path}: there is no such dial; {fix}"


def _below(model: type[BaseModel], part: str | int) -> type[BaseModel]:
    """The model of what stands under that key, or of the list's elements; the same one elsewhere."""
    field = model.model_fields.get(str(part))
    hint = field.annotation if field else None
    for each in (hint, *get_args(hint)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return model


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
