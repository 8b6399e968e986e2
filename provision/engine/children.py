"""Child processes that end when we end, and a way to run one to its end with a word now and then."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.processes import end

EVERY = 2.0
"""Seconds between two words of progress."""
END = 10.0
"""Seconds a child may take to end after it was told to."""


class ChildFailed(Exception):
    """It failed, or took too long; ``str()`` is its last line."""


def bound_to_us() -> list[str]:
    """Words before a command that make the kernel kill it when we die, where there are such.

    ``PR_SET_PDEATHSIG`` (prctl(2)) fires when the *thread* that forked the child ends, so that thread
    must stay until the child has ended. SIGKILL and nothing softer: who would read its last words?
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def run(
    command: Sequence[str],
    deadline: float,
    progress: Callable[[int, str], None],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a command; ``progress`` gets how many lines it wrote so far and the last of them.

    ``deadline`` is in seconds.

    Raises:
        ChildFailed: with its last line.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        try:
            child = subprocess.Popen(
                [*bound_to_us(), *command],
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise ChildFailed(f"{command[0]}: {error.strerror}") from error
        try:
            _wait(child, log, began + deadline, progress)
        finally:
            end(child, END)
        if child.returncode:
            raise ChildFailed(_lines(log)[-1] if _lines(log) else f"exit code {child.returncode}")


def _wait(
    child: subprocess.Popen[bytes],
    log: IO[str],
    until: float,
    progress: Callable[[int, str], None],
) -> None:
    def ended() -> bool:
        try:
            child.wait(EVERY)
        except subprocess.TimeoutExpired:
            lines = _lines(log)
            progress(len(lines), lines[-1] if lines else "")
            return False
        return True

    try:
        Retrying(
            retry=retry_if_result(lambda done: not done),
            wait=wait_fixed(0),
            stop=stop_after_delay(max(0.0, until - time.monotonic())),
        )(ended)
    except RetryError as error:
        raise ChildFailed("it took too long and was stopped") from error


def _lines(log: IO[str]) -> list[str]:
    log.seek(0)
    return [line.strip() for line in log.read().splitlines() if line.strip()]
