"""What the library tells while it works. It never prints: a console, a file or a web page listens.

Every event is a frozen dataclass with ``at`` (seconds since the epoch). :func:`as_dict` is the form
that ``--events FILE`` writes, one JSON object a line, with the class name under ``event``.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events."""

    at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    """A step of a recipe began, for instance ``create``; ``text`` says it in words."""

    step: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded(Event):
    """A step ended after ``seconds``; ``text`` is its result in words.

    ``complete`` is false where it came to less than was asked for.
    """

    step: str
    text: str
    seconds: float
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """How far a step is: ``done`` of ``total``, further counts by name, and who is late."""

    step: str
    done: int
    total: int
    counts: Mapping[str, int] = field(default_factory=dict)
    late: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    """Something worth a line that is neither progress nor trouble."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(Event):
    """Something is not as it should be; the run goes on."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFailed(Event):
    """A machine could not be started or never joined: its last phase and the tail of its console."""

    machine: str
    phase: str
    reason: str
    console_tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReplaced(Event):
    """A machine was removed and requested anew under the same name."""

    machine: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried(Event):
    """A call failed and is tried again after ``wait`` seconds."""

    what: str
    attempt: int
    wait: float
    error: str


Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An :data:`Emit` for callers who do not listen."""


def as_dict(event: Event) -> dict[str, Any]:
    """The event as plain data: ``{"event": "Progress", "at": …, …}``."""
    return {"event": type(event).__name__, **dataclasses.asdict(event)}
