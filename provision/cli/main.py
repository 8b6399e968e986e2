"""The entry point. ``--help`` and ``--version`` are answered before anything heavy is loaded."""

import os
import sys

from provision import __version__
from provision.cli.commands import BY_NAME, COMPLETE, help_text


def main(argv: list[str] | None = None) -> int:
    """Run the command line (``sys.argv`` without ``argv``) and answer the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if COMPLETE not in os.environ:
        if words[:1] == ["help"]:
            words = [*words[1:2], "--help"] if words[1:2] and words[1] in BY_NAME else ["--help"]
        if not words or words[0] in ("--help", "-h"):
            return _answer(help_text())
        if words[0] in ("--version", "-V"):
            return _answer(f"provision {__version__}\n")
    from provision.cli.app import execute

    return execute(words)


def _answer(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, AttributeError, ValueError):
        # Nobody reads: stdout is closed, or its reader has left.
        from provision.cli.app import unread

        return unread()
    return 0
