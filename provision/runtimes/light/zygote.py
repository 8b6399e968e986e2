"""The host's side of the zygote: starts it, gives it orders, hears its answers."""

import contextlib
import itertools
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from provision.errors import RuntimeFailure
from provision.processes import end

SILENCE = 60.0
"""Seconds the zygote may say nothing while something is asked of it (a start takes 0.6 s)."""
STOP = 5.0
"""Seconds it may take to end."""
AHEAD = 8
"""Orders given before their answers: a run that is stopped has only these few to wait for."""
Done = Callable[[str, str], None]
"""Told the name of what was ordered and why it failed, '' where it did not."""


class SilentZygote(RuntimeFailure):
    """It says nothing: this host is busy beyond measure, or the zygote hangs. Another one may do."""


class Zygote:
    """A process that boots machines; they outlive it. Use from one thread at a time."""

    def __init__(self, root: Path, state: Path, slots: int, ahead: int = AHEAD) -> None:
        """Start it. ``slots`` is how many machines may execute their user-data at a time."""
        self._buffer, self._ahead = b"", ahead
        self._number = 0
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close()
        words = [str(root), str(state), str(slots)]
        try:
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "provision.runtimes.light.enter", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                # Ctrl-C in the terminal is ours to handle: it ends when we close its input.
                start_new_session=True,
            )
        except OSError as error:
            raise RuntimeFailure(
                f"the light machines' zygote cannot be started ({error})", "see 'provision doctor'"
            ) from error
        try:
            self._hear()
        except BaseException:
            self.close()
            raise

    def network(self, **order: Any) -> None:
        """Make a network; raises ``RuntimeFailure``."""
        failed: list[str] = []
        self._all("network", [order], lambda _name, why: failed.append(why) if why else None)
        if failed:
            raise RuntimeFailure(f"the network could not be made ({failed[0]})", "try again")

    def boot(self, orders: Iterable[Mapping[str, Any]], done: Done) -> None:
        """Boot machines; ``done`` is called as each begins to execute its user-data, or fails."""
        self._all("boot", orders, done)

    def close(self) -> None:
        """Let it end; machines that wait to be forked are dropped, others go on."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP)  # with its orders at an end it ends by itself
        end(self._process, STOP)
        self._log.close()

    def _all(self, what: str, orders: Iterable[Mapping[str, Any]], done: Done) -> None:
        waiting: dict[int, str] = {}
        # Taken one by one: making an order puts down its record.
        rest = iter(orders)
        while True:
            for order in itertools.islice(rest, self._ahead - len(waiting)):
                self._number += 1
                waiting[self._number] = str(order["name"])
                self._say({"do": what, "id": self._number, **order})
            if not waiting:
                return
            answer = self._hear()
            # One that a stopped run had asked for may still answer.
            if name := waiting.pop(int(answer["id"]), ""):
                done(name, str(answer["error"]))

    def _say(self, order: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None, "it was asked for"
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._ended() from error

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None, "it was asked for"
        descriptor = self._process.stdout.fileno()
        end = time.monotonic() + SILENCE
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise SilentZygote(
                        f"the light machines' zygote has said nothing for {SILENCE:.0f} s",
                        "run the same command again",
                    )
                data = os.read(descriptor, 1 << 16)
                if not data:
                    raise self._ended()
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ended(self) -> RuntimeFailure:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP)
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        said = lines[-1].strip() if lines else f"exit code {self._process.returncode}"
        return RuntimeFailure(
            f"the light machines' zygote has ended ({said[:300]})", "see 'provision doctor'"
        )
