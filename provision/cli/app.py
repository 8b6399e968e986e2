"""Runs one command: loads its module only; errors become a sentence and an exit code."""

import contextlib
import errno
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from provision.cli.commands import BY_NAME, COMMANDS, COMPLETE
from provision.cli.groups import CommandGroup, printable, sentence
from provision.errors import (
    EXIT_BUG,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_USAGE,
    InterruptedRun,
    ProvisionError,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PROGRAM = "provision"
STOPPED = InterruptedRun("stopped", "run the same command again to go on")


class Commands(CommandGroup):
    """The commands of the table; the module of a command is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the table's order."""
        return [command.name for command in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The ``run`` of the command's module."""
        if cmd_name not in BY_NAME:
            return None
        found = importlib.import_module(BY_NAME[cmd_name].module).run
        if not isinstance(found, click.Command):
            raise TypeError(f"{BY_NAME[cmd_name].module}.run is no click command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, and the user's defaults for it."""
        found = super().resolve_command(ctx, args)
        if found[1] is not None and not ctx.resilient_parsing:
            _defaults(ctx, args[0], found[1], found[2])
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Names from the table: click's own would import the modules of all commands."""
        from click.shell_completion import CompletionItem

        return [
            CompletionItem(command.name, help=command.text)
            for command in COMMANDS
            if command.name.startswith(incomplete)
        ]


GROUP = Commands(PROGRAM, context_settings={"help_option_names": ["--help", "-h"]})


def execute(words: Sequence[str]) -> int:
    """Run the command and answer its exit code; no exception leaves this function."""
    if asked := os.environ.get(COMPLETE):
        return _complete(asked)
    try:
        with _stoppable():
            code = _invoke(list(words))
            sys.stdout.flush()
            return code
    except ProvisionError as error:
        return fail(str(error), error.exit_code)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        return fail(sentence(error), EXIT_USAGE)
    except (KeyboardInterrupt, click.Abort):
        return fail(str(STOPPED), STOPPED.exit_code)
    except BrokenPipeError:
        return unread()
    except Exception as error:  # noqa: BLE001  # told as what it is, a bug where nothing better is known
        return _refused_by_system(error) or _bug(error)


def _invoke(words: list[str]) -> int:
    # Not GROUP.main(): it has its own answers to Ctrl-C and to a closed pipe.
    with GROUP.make_context(PROGRAM, words) as context:
        code = GROUP.invoke(context)
    return code if isinstance(code, int) else EXIT_DONE


def _defaults(context: click.Context, name: str, command: click.Command, words: list[str]) -> None:
    """Flags from the environment and the user's file; what is wrong there does not hide the help."""
    from provision.cli import defaults

    for stray in defaults.strays():
        fail(stray, EXIT_DONE)
    try:
        defaults.apply(context, name, command)
    except ProvisionError:
        if not {"--help", "-h"} & set(words):
            raise


def _complete(asked: str) -> int:
    """Answer a shell; it can do nothing with an error, so there is none."""
    from click.shell_completion import shell_complete

    try:
        return shell_complete(GROUP, {}, PROGRAM, COMPLETE, asked)
    except Exception:  # noqa: BLE001  # a shell can do nothing with it
        return EXIT_FAILED


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM and a closed terminal stop the run in the way Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:  # not under nohup
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def fail(said: str, code: int) -> int:
    """Print the error, one line per finding, and answer the exit code."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        for line in printable(said).splitlines():
            sys.stderr.write(f"{PROGRAM}: {line}\n")
        sys.stderr.flush()
    return code


def unread() -> int:
    """Nobody reads the result any more: no message, and none at the interpreter's end either."""
    with contextlib.suppress(OSError, AttributeError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    return EXIT_FAILED


SHORT_OF = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.EROFS,
    errno.EIO,
}
"""What a system runs out of, or cannot do, whatever is asked of it."""


def _refused_by_system(error: Exception) -> int:
    """A file that the system refuses is trouble of this machine and no bug; 0 where it is neither."""
    if not isinstance(error, OSError) or not error.strerror:
        return 0
    if error.filename is None and error.errno not in SHORT_OF:
        return 0
    if os.environ.get("PROVISION_DEBUG") == "1":
        sys.stderr.write("".join(traceback.format_exception(error)))
    where = (
        os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else "this machine"
    )
    fix = "mend that, and run the same command again"
    return fail(f"{where}: {error.strerror}; {fix}", EXIT_FAILED)


def _bug(error: Exception) -> int:
    """Keep the traceback in a file only its owner can read; its text may hold anything."""
    text = "".join(traceback.format_exception(error))
    if os.environ.get("PROVISION_DEBUG") == "1":
        sys.stderr.write(text)
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" in {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    try:
        import platformdirs

        from provision.files import write_private

        name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        path = Path(platformdirs.user_state_dir(PROGRAM)) / name
        write_private(path, text)
        fix = f"please report it with {path}"
    except OSError:
        fix = "run it again with PROVISION_DEBUG=1 and please report what it shows"
    return fail(f"this is a bug ({type(error).__name__}{place}); {fix}", EXIT_BUG)
