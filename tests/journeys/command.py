"""The command as a user runs it: a process of its own, with a state folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 300.0
"""Seconds any one command may take; only a hang reaches it."""


@dataclass
class Answer:
    """What the command left behind."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float

    def json(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.stdout)

    def sentence(self) -> str:
        """The one line on stderr that says what is wrong, after checking that it is one."""
        assert "Traceback" not in self.stderr, self.stderr
        lines = [line for line in self.stderr.splitlines() if line.startswith("provision:")]
        assert lines, f"no sentence on stderr: {self.stderr!r}"
        return "\n".join(lines)


@dataclass
class Cli:
    """Runs ``provision`` with its own state folder; ``env`` is added to the environment."""

    state: Path
    env: dict[str, str] = field(default_factory=dict)

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, "XDG_STATE_HOME": str(self.state), **self.env, **env}

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start the command and come back at once."""
        return subprocess.Popen(
            [sys.executable, "-m", "provision", *args],
            cwd=ROOT,
            env=self._environment(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(
        self, *args: str, expect: int | None = 0, env: Mapping[str, str] | None = None
    ) -> Answer:
        """Run the command to its end; ``expect`` is the exit code it must have (None: any)."""
        began = time.monotonic()
        process = self.start(*args, env=env)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        answer = Answer(process.returncode, out, err, time.monotonic() - began)
        if expect is not None and answer.exit_code != expect:  # an assertion's words are cut short
            pytest.fail(f"{args}: exit {answer.exit_code}, not {expect}\n{out}\n{err}")
        return answer

    def folder(self, cluster: str) -> Path:
        """The cluster's folder."""
        return self.state / "provision" / "clusters" / cluster


def until(seen: Callable[[], bool], limit: float) -> None:
    """Wait until it holds, at most ``limit`` seconds."""
    Retrying(
        retry=retry_if_result(lambda held: not held),
        wait=wait_fixed(0.05),
        stop=stop_after_delay(limit),
    )(seen)


def stop_when(
    process: subprocess.Popen[str],
    seen: Callable[[], bool],
    sign: signal.Signals,
    limit: float = 60,
) -> Answer:
    """Send the signal as soon as ``seen`` holds; the answer's seconds count from the signal."""

    def due() -> bool:
        assert process.poll() is None, f"it ended before: {process.communicate()}"
        return seen()

    until(due, limit)
    began = time.monotonic()
    process.send_signal(sign)
    out, err = process.communicate(timeout=120)
    return Answer(process.returncode, out, err, time.monotonic() - began)
