"""Podman's API service on a private socket, alive as long as this process and no longer."""

import atexit
import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.errors import RuntimeFailure
from provision.processes import end

START = 20.0
"""Seconds the service may take until its socket is there (0.2 s on an idle host)."""
STOP = 5.0
"""Seconds it may take to end."""
PREFIX = "provision-engine-"


class PodmanService:
    """``podman system service`` in a folder of mode 0700 that goes when the service goes.

    The kernel ends the service when this process dies, even by SIGKILL: ``PR_SET_PDEATHSIG``
    (prctl(2)) fires when the *thread* that forked it ends, so a thread of its own does that and
    lives until :meth:`stop`.
    """

    def __init__(self, podman: str, runtime: str) -> None:
        """``runtime`` is the OCI runtime to use, '' for Podman's own choice."""
        self._command = [podman, *(["--runtime", runtime] if runtime else [])]
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._error: OSError | None = None
        self._started = threading.Event()
        self._ended = threading.Event()

    def start(self) -> str:
        """Start it and wait for its socket; answers its URL."""
        sweep()
        atexit.register(self.stop)
        # The process id in the name lets a later run clear away what kill -9 left.
        self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        socket = self._folder / "podman.sock"
        threading.Thread(target=self._hold, args=(socket,), daemon=True, name="podman").start()
        self._started.wait(START)
        try:
            Retrying(
                retry=retry_if_result(lambda done: not done),
                wait=wait_fixed(0.02),
                stop=stop_after_delay(START),
            )(lambda: socket.exists() or self._over())
        except RetryError as error:
            raise RuntimeFailure(
                f"Podman's API service did not start within {START:.0f} s",
                "run 'podman info' and mend what it says",
            ) from error
        if self._over():
            raise RuntimeFailure(
                f"Podman's API service ended at once ({self._last_words()})",
                "run 'podman info' and mend what it says",
            )
        return f"unix://{socket}"

    def stop(self) -> None:
        """End it and remove its folder; nothing to end is no error."""
        atexit.unregister(self.stop)
        process, self._process = self._process, None
        if process:
            end(process, STOP)
        self._ended.set()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _hold(self, socket: Path) -> None:
        arguments = ["system", "service", "--time", "0", f"unix://{socket}"]
        try:
            with (socket.parent / "log").open("wb") as log:
                self._process = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "TERM", *self._command, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    # Ctrl-C in the terminal is ours to handle; the engine must outlive it a while.
                    start_new_session=True,
                )
        except OSError as error:
            self._error = error
        self._started.set()
        self._ended.wait()

    def _over(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _last_words(self) -> str:
        if self._error:
            return str(self._error)
        lines: list[str] = []
        if self._folder:
            with contextlib.suppress(OSError):
                lines = (self._folder / "log").read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "no reason given")


def sweep(parent: Path | None = None) -> None:
    """Remove service folders of this user whose process is gone."""
    for folder in (parent or Path(tempfile.gettempdir())).glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.getuid() and not Path("/proc", pid).exists():
                shutil.rmtree(folder, ignore_errors=True)
