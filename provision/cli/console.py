"""The only printer: events to stderr (live, plain, or not at all) and a file, results to stdout.

A run never fails because its progress cannot be shown: a view that breaks is put away.
"""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from provision.cli.tables import Table, plain
from provision.cli.terminal import terminal_of
from provision.cli.words import clean
from provision.errors import ProvisionError, UsageError
from provision.events import Event, Warned, as_dict


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """What the flags say: ``output`` is ``table`` or ``json``, ``events`` a file for all events."""

    output: str = "table"
    quiet: bool = False
    events: Path | None = None


class View(Protocol):
    """Shows events until it is closed."""

    def show(self, event: Event) -> None:
        """Show the event."""

    def close(self) -> None:
        """Show what is left to say, and let go of the stream."""


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
        self._view: View | None = None
        self._started = options.quiet or self._stderr is None
        self._events = _opened(options.events) if options.events else None

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
            view, self._view, self._started = self._view, None, True
            events, self._events = self._events, None
            with contextlib.suppress(Exception):
                if view:
                    view.close()
            with contextlib.suppress(OSError):
                if events:
                    events.close()

    def emit(self, event: Event) -> None:
        """Show and record the event."""
        with self._lock:
            self._record(event)
            self._show(event)

    def result(self, data: object, *shown: Table | str) -> None:
        """Print the result: ``data`` as JSON, or what is ``shown``: tables, and lines of text."""
        with self._lock:
            self._end_view()
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
            self._end_view()
            self._table(Table(columns, rows))

    def write(self, text: str) -> None:
        """Write text to stdout as it is.

        Raises:
            BrokenPipeError: nobody reads it any more.
            ProvisionError: stdout cannot be written.
        """
        with self._lock:
            self._end_view()
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
            self._end_view()
            try:
                return click.confirm(clean(question), default=False, err=True)
            except click.Abort:
                return False

    def complain(self, text: str) -> None:
        """A line on stderr that ``--quiet`` does not silence."""
        self._say(f"provision: {text}")

    def _say(self, text: str) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError, AttributeError):
            self._end_view()
            self._stderr.write(clean(text) + "\n")
            self._stderr.flush()

    def _show(self, event: Event) -> None:
        try:
            if not self._started:
                self._started = True
                self._view = self._make_view()
            if self._view:
                self._view.show(event)
        except Exception:  # noqa: BLE001  # a broken display never ends the work
            view, self._view = self._view, None
            with contextlib.suppress(Exception):
                if view:
                    view.close()

    def _end_view(self) -> None:
        view, self._view = self._view, None
        if view:
            self._started = self.options.quiet
            with contextlib.suppress(Exception):
                view.close()

    def _make_view(self) -> View:
        terminal = terminal_of(self._stderr, self._environ)
        if terminal.live:
            from provision.cli.live import LiveView

            return LiveView(self._stderr, terminal)
        from provision.cli.plain import PlainView

        return PlainView(self._stderr, terminal)

    def _table(self, table: Table) -> None:
        terminal = terminal_of(self._stdout, self._environ)
        if not terminal.live:
            self.write(plain(table))
            return
        from provision.cli.richtable import draw

        draw(table, self._stdout, terminal)

    def _record(self, event: Event) -> None:
        if self._events is None:
            return
        try:
            self._events.write(json.dumps(as_dict(event), default=str) + "\n")
            self._events.flush()
        except (OSError, ValueError, TypeError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            with contextlib.suppress(OSError):
                self._events.close()
            self._events = None
            text = f"--events: no more can be written ({why}); the run goes on"
            if self.options.quiet:
                self.complain(text)
            else:
                self._show(Warned(text=text))


def _opened(path: Path) -> TextIO:
    """The events file, made with mode 0600 where it is new."""
    if str(path) == "-":
        raise UsageError("--events cannot write to '-'", "name a file: stdout is for the result")
    try:
        # A pipe is opened only while somebody reads it, and a reader that stops reading ends the
        # record and not the run.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        handle = os.open(path, flags, 0o600)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the name is not valid"
        fix = "name a file in a folder that you may write"
        raise UsageError(f"--events {path} cannot be written ({why})", fix) from None
    return os.fdopen(handle, "a", encoding="utf-8")
