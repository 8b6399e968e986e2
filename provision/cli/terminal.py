"""What a stream can show: lines that redraw, colours, how many columns, which alphabet."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

WIDTH = 80
"""Columns where nothing says how wide the terminal is."""
NARROWEST = 20


@dataclass(frozen=True, slots=True)
class Terminal:
    """``live``: lines can be redrawn. ``colour``: ANSI colours are wanted. ``width`` in columns.

    ``fixed`` means that ``COLUMNS`` says how wide it is, and not the terminal itself.
    """

    live: bool
    colour: bool
    width: int
    unicode: bool
    fixed: bool = False


def terminal_of(stream: TextIO | None, environ: Mapping[str, str]) -> Terminal:
    """Look at the stream and at ``NO_COLOR``, ``CLICOLOR``, ``CLICOLOR_FORCE`` and ``TERM``.

    The order is that of https://bixense.com/clicolors: ``NO_COLOR`` wins over ``CLICOLOR_FORCE``.
    """
    dumb = environ.get("TERM", "dumb") in ("dumb", "")
    there = _is_terminal(stream)
    colour = there and not dumb and environ.get("CLICOLOR", "1") != "0"
    if environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        colour = True
    if environ.get("NO_COLOR", ""):
        colour = False
    width = _width(stream, environ)
    return Terminal(there and not dumb, colour, width, _unicode(stream), "COLUMNS" in environ)


def can_ask() -> bool:
    """Whether somebody is there to read a question and type an answer."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def _width(stream: TextIO | None, environ: Mapping[str, str]) -> int:
    text = environ.get("COLUMNS", "")
    if text.isascii() and text.isdigit() and int(text) > 0:
        return max(NARROWEST, int(text))
    try:
        width = os.get_terminal_size(stream.fileno()).columns if stream else 0
    except (OSError, ValueError, AttributeError):
        width = 0
    return max(NARROWEST, width) if width else WIDTH


def _unicode(stream: TextIO | None) -> bool:
    try:
        "✓✗…".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True
