"""Progress on a terminal: steps that run have a spinner at the bottom, what is over scrolls up.

The only module, with :mod:`provision.cli.richtable`, that imports rich.
"""

import time
from dataclasses import dataclass, replace
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from provision.cli.terminal import Terminal
from provision.cli.words import SIGNS, Flood, mark, one_line, progress, seconds, sentence
from provision.events import (
    Event,
    Progress,
    StepEnded,
    StepStarted,
)

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
ASCII_FRAMES = "|/-\\"
REFRESH = 8
"""Redraws a second: smooth to the eye, about 1 % of a core."""


@dataclass(frozen=True, slots=True)
class Row:
    """A step that runs; ``began`` is monotonic seconds."""

    step: str
    text: str
    began: float
    progress: str = ""


class LiveView:
    """Draws on the terminal until it is closed. Rows are replaced as a whole and never changed:
    rich's thread reads them while others write."""

    def __init__(self, stream: TextIO, terminal: Terminal) -> None:
        self._rows: tuple[Row, ...] = ()
        self._flood = Flood()
        self._unicode = terminal.unicode
        self._console = Console(
            file=stream,
            force_terminal=True,
            color_system="standard" if terminal.colour else None,
            no_color=not terminal.colour,
            # None: rich asks the terminal at every redraw, so that it may be resized.
            width=terminal.width if terminal.fixed else None,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._live = Live(
            console=self._console,
            get_renderable=self._draw,
            refresh_per_second=REFRESH,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="ellipsis",
        )
        self._live.start()

    def show(self, event: Event) -> None:
        """Change the running rows, or print a line above them."""
        match event:
            case StepStarted():
                row = Row(event.step, one_line(event.text), time.monotonic())
                self._rows = (*self._without(event.step), row)
                self._live.refresh()
                return
            case Progress():
                self._rows = tuple(
                    replace(row, progress=progress(event)) if row.step == event.step else row
                    for row in self._rows
                )
                return
            case StepEnded():
                self._rows = self._without(event.step)
                # Else the row that is over would be drawn once more below its own end.
                self._live.refresh()
        text = sentence(event)
        if text and self._flood.passes(event):
            self._print(*self._mark(event), text)
            for line in self._flood.tail(event):
                self._print("    | ", "bright_black", line)

    def close(self) -> None:
        """Leave the terminal as it was; steps that never ended are marked so."""
        rows, self._rows = self._rows, ()
        self._live.stop()
        for row in rows:
            took = seconds(time.monotonic() - row.began)
            said = f"{row.text}: {row.progress}" if row.progress else row.text
            self._print(self._sign("✗ ", "x "), "red", f"{said} (stopped after {took})")
        for line in self._flood.rest():
            self._print("! ", "yellow", line)

    def _without(self, step: str) -> tuple[Row, ...]:
        return tuple(row for row in self._rows if row.step != step)

    def _sign(self, sign: str, plain: str) -> str:
        return sign if self._unicode else plain

    def _mark(self, event: Event) -> tuple[str, str]:
        sign, plain, style = SIGNS[mark(event)]
        return self._sign(sign, plain), style

    def _print(self, sign: str, style: str, text: str) -> None:
        self._console.print(Text.assemble((sign, style), text), soft_wrap=True)

    def _draw(self) -> Group:
        now = time.monotonic()
        frames = FRAMES if self._unicode else ASCII_FRAMES
        frame = frames[int(now * REFRESH) % len(frames)]
        return Group(*(self._line(row, frame, now) for row in self._rows))

    def _line(self, row: Row, frame: str, now: float) -> Text:
        """One line that fits: on a narrow terminal the end of the counts gives way."""
        took = seconds(now - row.began)
        room = self._console.width - len(took) - 4
        said = Text(row.progress or row.text, no_wrap=True)
        if row.progress and room > len(row.text) + len(row.progress) + 2:
            said = Text(f"{row.text}: {row.progress}", no_wrap=True)
        said.truncate(max(room, 1), overflow="ellipsis" if self._unicode else "crop")
        return Text.assemble(
            (f"{frame} ", "cyan"), said, (f"  {took}", "bright_black"), no_wrap=True
        )
