"""Ending a child process, however it takes that."""

import contextlib
import subprocess


def end(child: "subprocess.Popen[bytes]", seconds: float) -> None:
    """SIGTERM, and SIGKILL after so many seconds; one that has ended already is left alone.

    Never raises: who ends a child has something more important to tell.
    """
    for tell in (child.terminate, child.kill):
        if child.poll() is not None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            tell()
            child.wait(seconds)
