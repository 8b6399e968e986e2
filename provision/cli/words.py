"""Events as sentences. No colour and no terminal here: the live and the plain view say the same."""

import re
from collections.abc import Iterable
from enum import StrEnum

from provision.events import (
    Event,
    MachineFailed,
    MachineReplaced,
    Noted,
    Progress,
    Retried,
    StepEnded,
    StepStarted,
    Warned,
)

PAST = {
    "join": "joined",
    "start": "started",
    "create": "created",
    "replace": "replaced",
    "down": "removed",
    "run": "answered",
    "copy": "copied",
}
"""What is done with each of a step's items; a step that is not here counts without a verb."""
LATE_SHOWN = 3
TAIL_LINES = 8
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """The text without what could steer a terminal: machines write their consoles as they like."""
    return _CONTROL.sub("", text.replace("\t", "    "))


def one_line(text: str) -> str:
    """The text, cleaned, with its line ends as spaces."""
    return clean(" ".join(text.split()))


def seconds(span: float) -> str:
    """``4.1s``, ``58s``, ``3m05s``."""
    if span < 10:
        return f"{span:.1f}s"
    whole = round(span)
    return f"{whole}s" if whole < 60 else f"{whole // 60}m{whole % 60:02d}s"


def progress(event: Progress) -> str:
    """``joined 93/100, 5 booting, 2 late: worker-0017 …``."""
    parts = (
        [f"{PAST.get(event.step, '')} {event.done}/{event.total}".strip()] if event.total else []
    )
    parts += [f"{count} {one_line(name)}" for name, count in event.counts.items() if count]
    if event.late:
        names = ", ".join(one_line(name) for name in event.late[:LATE_SHOWN])
        more = " …" if len(event.late) > LATE_SHOWN else ""
        parts.append(f"{len(event.late)} late: {names}{more}")
    line = ", ".join(parts)
    said = one_line(event.text)
    return f"{line} ({said})" if line and said else line or said


class Mark(StrEnum):
    """What stands before an event's line, apart from how a view draws it."""

    NONE = ""
    DONE = "done"
    CARE = "care"
    FAILED = "failed"


SIGNS = {
    Mark.NONE: ("  ", "  ", ""),
    Mark.DONE: ("✓ ", "ok ", "green"),
    Mark.CARE: ("! ", "! ", "yellow"),
    Mark.FAILED: ("✗ ", "x ", "red"),
}
"""In Unicode, in ASCII, and the colour's name."""


def mark(event: Event) -> Mark:
    """Done is only what came to all that was asked for."""
    match event:
        case StepEnded():
            return Mark.DONE if event.complete else Mark.CARE
        case Warned() | Retried():
            return Mark.CARE
        case MachineFailed():
            return Mark.FAILED
    return Mark.NONE


def sentence(event: Event) -> str:
    """One line for the event; '' for one that says nothing by itself."""
    match event:
        case StepStarted() | Noted() | Warned():
            return one_line(event.text)
        case StepEnded():
            return f"{one_line(event.text)} ({seconds(event.seconds)})"
        case Progress():
            return progress(event)
        case MachineFailed():
            return one_line(f"{event.machine} failed ({event.phase}): {event.reason}")
        case MachineReplaced():
            return one_line(f"{event.machine} is replaced: {event.reason}")
        case Retried():
            again = f"try {event.attempt + 1} in {seconds(event.wait)}"
            return one_line(f"{event.what} failed ({event.error}); {again}")
    return ""


def tail(event: Event) -> list[str]:
    """The last lines of a failed machine's console."""
    lines = event.console_tail.splitlines() if isinstance(event, MachineFailed) else []
    return [clean(line).rstrip() for line in lines if line.strip()][-TAIL_LINES:]


class Flood:
    """Lets the first few events of a kind through, then counts the others."""

    def __init__(self, most: int = 10, tails: int = 3) -> None:
        self._most, self._tails = most, tails
        self._seen: dict[str, int] = {}

    def passes(self, event: Event) -> bool:
        """Whether this one is still to be shown."""
        kind = type(event).__name__
        self._seen[kind] = self._seen.get(kind, 0) + 1
        limited = isinstance(event, MachineFailed | MachineReplaced | Retried)
        return not limited or self._seen[kind] <= self._most

    def tail(self, event: Event) -> list[str]:
        """The console's tail, for the first few machines only."""
        return tail(event) if self._seen.get(type(event).__name__, 0) <= self._tails else []

    def rest(self) -> Iterable[str]:
        """A line for each kind of which some were not shown."""
        words = {
            "MachineFailed": "more machines failed",
            "MachineReplaced": "more machines were replaced",
            "Retried": "more calls were tried again",
        }
        for kind, text in words.items():
            hidden = self._seen.get(kind, 0) - self._most
            if hidden > 0:
                yield f"{hidden} {text}; --events FILE keeps them all"
