"""Events on stderr (live, plain, or not at all), and in the file of ``--events``.

A run never fails because its progress cannot be shown: a view that breaks is put away.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TextIO

from provision.cli.terminal import terminal_of
from provision.errors import UsageError
from provision.events import Event, as_dict


class View(Protocol):
    """Shows events until it is closed."""

    def show(self, event: Event) -> None:
        """Show the event."""

    def close(self) -> None:
        """Show what is left to say, and let go of the stream."""


class Display:
    """Shows events by the view that the stream can take, which is made with the first of them."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str], *, quiet: bool) -> None:
        self._stream, self._environ, self._quiet = stream, environ, quiet
        self._view: View | None = None
        self._started = quiet or stream is None

    def show(self, event: Event) -> None:
        try:
            if not self._started:
                self._started = True
                self._view = self._make_view()
            if self._view:
                self._view.show(event)
        except Exception:  # noqa: BLE001  # a broken display never ends the work
            self._put_away()

    def pause(self) -> None:
        """Let go of the stream; the next event takes it again."""
        if self._view:
            self._started = self._quiet
            self._put_away()

    def close(self) -> None:
        """Let go of the stream for good; costs nothing the second time."""
        self._started = True
        self._put_away()

    def _put_away(self) -> None:
        view, self._view = self._view, None
        with contextlib.suppress(Exception):
            if view:
                view.close()

    def _make_view(self) -> View:
        terminal = terminal_of(self._stream, self._environ)
        if terminal.live:
            from provision.cli.live import LiveView

            return LiveView(self._stream, terminal)
        from provision.cli.plain import PlainView

        return PlainView(self._stream, terminal)


class EventsFile:
    """The file of ``--events``: one JSON object a line.

    Raises:
        UsageError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._file: TextIO | None = _opened(path)

    def write(self, event: Event) -> str:
        """Add the event; answers, once, why no more can be written."""
        if self._file is None:
            return ""
        try:
            self._file.write(json.dumps(as_dict(event), default=str) + "\n")
            self._file.flush()
        except (OSError, ValueError, TypeError) as error:
            self.close()
            return getattr(error, "strerror", None) or type(error).__name__
        return ""

    def close(self) -> None:
        """Let go of the file; costs nothing the second time."""
        file, self._file = self._file, None
        with contextlib.suppress(OSError):
            if file:
                file.close()


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
