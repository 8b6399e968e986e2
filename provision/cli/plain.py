"""Progress as plain lines, for a stream that is no terminal: a log, a pipe, a CI job."""

import time
from collections.abc import Callable
from typing import TextIO

from provision.cli.terminal import Terminal
from provision.cli.words import SIGNS, Flood, mark, sentence
from provision.events import (
    Event,
    Progress,
    StepStarted,
)

EVERY = 5.0
"""Seconds between two progress lines of a step that does not get on by a tenth."""
OFF = "\x1b[0m"
COLOURS = {"": "", "green": "\x1b[32m", "yellow": "\x1b[33m", "red": "\x1b[31m"}


class PlainView:
    """A line when a step starts and ends, and now and then how far it is."""

    def __init__(
        self, stream: TextIO, terminal: Terminal, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._terminal, self._clock = stream, terminal, clock
        self._flood = Flood()
        self._said: dict[str, tuple[float, int, str]] = {}

    def show(self, event: Event) -> None:
        """Write the event's line, if it has one now."""
        text = sentence(event)
        if not text or not self._flood.passes(event) or not self._due(event, text):
            return
        if isinstance(event, StepStarted):
            text += " …" if self._terminal.unicode else " ..."
        self._line(self._mark(event) + text)
        for line in self._flood.tail(event):
            self._line(f"    | {line}")

    def close(self) -> None:
        """Say what was held back."""
        for line in self._flood.rest():
            self._line(line)

    def _due(self, event: Event, text: str) -> bool:
        """Progress only at each tenth, or after some time, and where it says anything new."""
        if not isinstance(event, Progress):
            return True
        now = self._clock()
        decile = event.done * 10 // event.total if event.total else 0
        last = self._said.get(event.step)
        if last and (text == last[2] or (decile == last[1] and now - last[0] < EVERY)):
            return False
        self._said[event.step] = (now, decile, text)
        return True

    def _mark(self, event: Event) -> str:
        sign, plain, name = SIGNS[mark(event)]
        sign, colour = (sign if self._terminal.unicode else plain), COLOURS[name]
        return f"{colour}{sign}{OFF}" if self._terminal.colour and colour else sign

    def _line(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()
