"""The only printer: events to stderr and a file (:mod:`provision.cli.display`), results to stdout."""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from provision.cli.display import Display, EventsFile
from provision.cli.tables import Table, plain
from provision.cli.terminal import terminal_of
from provision.cli.words import clean
from provision.errors import ProvisionError
from provision.events import Event, Warned


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """What the flags say: ``output`` is ``table`` or ``json``, ``events`` a file for all events."""

    output: str = "table"
    quiet: bool = False
    events: Path | None = None


class Console:
    """Shows one command's events and result. ``emit`` may be called from any thread."""

    def __init__(
        self,
        options: ConsoleOptions,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.options = options
        self._stdout = sys.stdout if stdout is None else stdout
        self._stderr = sys.stderr if stderr is None else stderr
        self._environ = os.environ if environ is None else environ
        self._lock = threading.RLock()
        self._display = Display(self._stderr, self._environ, quiet=options.quiet)
        self._events = EventsFile(options.events) if options.events else None

    @property
    def json(self) -> bool:
        """Whether the result is to be JSON."""
        return self.options.output == "json"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the display and the events file; costs nothing the second time."""
        with self._lock:
            self._display.close()
            if self._events:
                self._events.close()

    def emit(self, event: Event) -> None:
        """Show and record the event."""
        with self._lock:
            why = self._events.write(event) if self._events else ""
            if why:
                self._unrecorded(why)
            self._display.show(event)

    def result(self, data: object, *shown: Table | str) -> None:
        """Print the result: ``data`` as JSON, or what is ``shown``: tables, and lines of text."""
        with self._lock:
            self._display.pause()
            if self.json:
                self.write(json.dumps(data, indent=2) + "\n")
                return
            for turn, part in enumerate(shown):
                if isinstance(part, str):
                    self.write(clean(part) + "\n")
                    continue
                if turn and not isinstance(shown[turn - 1], str):
                    self.write("\n")
                self._table(part)

    def table(self, columns: tuple[str, ...], rows: list[Any]) -> None:
        """Print one table, whatever ``--output`` says."""
        with self._lock:
            self._display.pause()
            self._table(Table(columns, rows))

    def write(self, text: str) -> None:
        """Write text to stdout as it is.

        Raises:
            BrokenPipeError: nobody reads it any more.
            ProvisionError: stdout cannot be written.
        """
        with self._lock:
            self._display.pause()
            try:
                if self._stdout is None:
                    raise BrokenPipeError
                self._stdout.write(text)
                self._stdout.flush()
            except BrokenPipeError:
                raise
            except UnicodeEncodeError as error:
                self._stdout.write(text.encode(error.encoding, "replace").decode(error.encoding))
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "it is closed"
                fix = "make room or give another place"
                raise ProvisionError(f"the result cannot be written ({why})", fix) from error

    def note(self, text: str) -> None:
        """A line on stderr for the one who types, unless ``--quiet``."""
        if not self.options.quiet:
            self._say(text)

    def confirm(self, question: str) -> bool:
        """Ask on stderr for yes or no; no where nothing is typed, or Ctrl-C."""
        import click

        with self._lock:
            self._display.pause()
            try:
                return click.confirm(clean(question), default=False, err=True)
            except click.Abort:
                return False

    def complain(self, text: str) -> None:
        """A line on stderr that ``--quiet`` does not silence."""
        self._say(f"provision: {text}")

    def _unrecorded(self, why: str) -> None:
        text = f"--events: no more can be written ({why}); the run goes on"
        if self.options.quiet:
            self.complain(text)
        else:
            self._display.show(Warned(text=text))

    def _say(self, text: str) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError, AttributeError):
            self._display.pause()
            self._stderr.write(clean(text) + "\n")
            self._stderr.flush()

    def _table(self, table: Table) -> None:
        terminal = terminal_of(self._stdout, self._environ)
        if not terminal.live:
            self.write(plain(table))
            return
        from provision.cli.richtable import draw

        draw(table, self._stdout, terminal)
