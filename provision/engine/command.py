"""The ``pulumi`` command as a child that stops when it is asked to, and never outlives us."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from pulumi import automation
from pulumi.automation import CommandResult
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from provision.engine.children import bound_to_us
from provision.errors import InterruptedRun

PATIENCE = 60.0
"""Seconds that steps which run may take to their end after Ctrl-C."""
HURRY = 10.0
"""Seconds that the command may take to save the state after it was told not to wait for them."""
ESCALATION = (
    (signal.SIGINT, PATIENCE),  # starts nothing more, waits for what runs
    (signal.SIGTERM, HURRY),  # waits for nothing, saves the state
    (signal.SIGKILL, HURRY),
)
"""What each signal means to it: pulumi/pkg/backend/cancellation_scope.go."""
DRAIN = 5.0
"""Seconds to read the rest of its output once it has ended."""

Told = Callable[[str], Any] | None


class PulumiCommand(automation.PulumiCommand):
    """Runs one command at a time, for one stack.

    The kernel kills the child when this process dies, even by SIGKILL: ``PR_SET_PDEATHSIG``
    (prctl(2)) fires when the *thread* that forked it ends, and :meth:`run` stays in that thread until
    the child has ended.
    """

    def __init__(
        self, binary: Path, version: str, on_stop: Callable[[], None] = lambda: None
    ) -> None:
        """``binary`` is the executable, whose version is known; ``on_stop`` hears of a stop first."""
        # Not super().__init__(): it would start the executable to ask for its version.
        self.command = str(binary)
        self.version = VersionInfo.parse(version)
        self._on_stop = on_stop
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` was called, or Ctrl-C came."""
        return self._stopped

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Told = None,
        on_error: Told = None,
    ) -> CommandResult:
        """Run it to its end, however that comes about; overrides the SDK's own.

        Raises:
            InterruptedRun: it was stopped, by :meth:`stop` or by Ctrl-C in this thread.
            CommandError: it failed.
        """
        words = [self.command, "--non-interactive", *args]
        environment = {**clean(os.environ), **additional_env, "PULUMI_AUTOMATION_API": "true"}
        with self._started(words, cwd, environment) as child:
            readers = [Reader(child.stdout, on_output), Reader(child.stderr, on_error)]
            try:
                child.wait()
            except KeyboardInterrupt:
                self._refuse()
                escalate(child)
            for reader in readers:
                reader.join(DRAIN)
        if self._stopped:
            raise InterruptedRun("stopped", "run it again to go on from what there is")
        result = CommandResult(readers[0].text, readers[1].text, child.returncode)
        if child.returncode:
            raise create_command_error(result)
        return result

    def stop(self) -> bool:
        """Stop the command that runs and refuse any further one; whether one ran.

        For any thread. Waits until it has ended: up to :data:`PATIENCE` seconds for steps that run.
        """
        child = self._refuse()
        if child is None:
            return False
        escalate(child)
        return True

    def stop_soon(self) -> None:
        """The same without waiting, and without any force."""
        child = self._refuse()
        if child is not None:
            child.send_signal(signal.SIGINT)

    def _refuse(self) -> subprocess.Popen[str] | None:
        self._on_stop()
        with self._lock:
            self._stopped = True
            return self._child

    @contextlib.contextmanager
    def _started(self, words: list[str], cwd: str, environment: Mapping[str, str]) -> Any:
        with self._lock:
            if self._stopped:
                raise InterruptedRun("stopped", "run it again to go on from what there is")
            child = self._child = subprocess.Popen(
                [*bound_to_us(), *words],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                # Ctrl-C in the terminal is ours to handle; twice would mean "at once" to the child.
                start_new_session=True,
            )
        try:
            yield child
        finally:
            if child.poll() is None:
                escalate(child, first=1)
            with self._lock:
                self._child = None


class Reader(threading.Thread):
    """Reads a stream to its end, so that the child never waits for us."""

    def __init__(self, stream: IO[str] | None, told: Told) -> None:
        super().__init__(daemon=True, name="pulumi output")
        self._stream, self._told = stream, told
        self._lines: list[str] = []
        self.start()

    @property
    def text(self) -> str:
        """What was read so far."""
        return "\n".join(self._lines)

    def run(self) -> None:
        if self._stream is None:
            return
        with self._stream:
            for line in self._stream:
                self._lines.append(line.rstrip())
                if self._told is not None:
                    self._told(line.rstrip())


def escalate(child: subprocess.Popen[str], first: int = 0) -> None:
    """Ask it to stop, then more and more firmly; another Ctrl-C goes on to the next step."""
    for number, seconds in ESCALATION[first:]:
        try:
            child.send_signal(number)
            child.wait(seconds)
            return
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            continue


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the user's own settings of Pulumi, but for the token of its cloud.

    The command wants a name for who runs it, and cannot look it up itself: it is built without cgo.
    """
    return {"USER": f"uid{os.getuid()}"} | {
        key: value
        for key, value in environment.items()
        if not key.startswith("PULUMI_") or key == "PULUMI_ACCESS_TOKEN"
    }
