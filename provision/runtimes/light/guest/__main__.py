"""The zygote: a process with cloud-init loaded that forks one machine per order.

Orders come as JSON lines on standard input, answers go to standard output; the end of the input ends
it. Machines outlive it. ``python3 -m guest STATE SLOTS``: ``STATE`` is the folder of the machines'
and networks' records, ``SLOTS`` how many machines may execute their user-data at a time.
"""

import gc
import json
import os
import selectors
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import fabric, firstboot, kernel, machine, pace, shield
from .places import INIT


def record(folder: str, process: int) -> None:
    """Write down which process a machine or network is: its number, when it began, and in which boot.

    The numbers of processes are used again; the three together are not.
    """
    began = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    Path(folder, "process").write_text(f"{process} {began} {boot}\n")


class Zygote:
    """Takes orders, forks, and watches the forked until their user-data has been executed."""

    def __init__(self, state: str, slots: int) -> None:
        self._state, self._slots = state, slots
        self._selector = selectors.DefaultSelector()
        self._waiting: deque[dict[str, Any]] = deque()
        self._executing: dict[int, pace.Executing] = {}
        self._unanswered: dict[int, int] = {}
        self._said: dict[int, bytes] = {}
        self._input = b""
        self._open = True
        self._own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def run(self) -> None:
        """Until the input ends."""
        self._selector.register(0, selectors.EVENT_READ, self._orders)
        self._answer(0, "")
        while self._open:
            for key, _ in self._selector.select(pace.LOOK if self._waiting else None):
                call: Callable[[int], None] = key.data
                call(key.fd)
            while self._waiting and pace.free([*self._executing.values()], self._slots):
                self._fork(self._waiting.popleft())

    def _orders(self, descriptor: int) -> None:
        data = os.read(descriptor, 1 << 20)
        self._open = bool(data)
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if order["do"] == "network":
                self._network(order)
            else:
                self._waiting.append(order)

    def _network(self, order: dict[str, Any]) -> None:
        wanted = fabric.Network(order["name"], order["leg"], order["gateway"], order["prefix"])
        folder = f"{self._state}/networks/{wanted.name}"
        try:
            fabric.make(wanted, INIT, lambda process: record(folder, process))
        except OSError as error:
            self._answer(order["id"], str(error))
        else:
            self._answer(order["id"], "")

    def _fork(self, order: dict[str, Any]) -> None:
        ident = order.pop("id")
        del order["do"]
        wanted = machine.BootOrder(**order)
        folder = f"{self._state}/machines/{wanted.name}"
        heard, report = os.pipe()
        wait, release = os.pipe()
        try:
            console = os.open(
                f"{folder}/console", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
            kernel.unshare(kernel.CLONE_NEWPID)
            process = os.fork()
            if process == 0:
                os.close(release)
                self._child(wanted, console, report, wait)
            # What is forked next must not be this machine's: a network's holder would die with it.
            kernel.setns(self._own_pids, kernel.CLONE_NEWPID)
            os.close(console)
            record(folder, process)
            os.write(release, b"1")
        except OSError as error:
            self._answer(ident, str(error))
            os.close(heard)
            return
        finally:
            for descriptor in (report, wait, release):
                os.close(descriptor)
        self._executing[heard] = pace.Executing(process, time.monotonic())
        self._unanswered[heard] = ident
        self._said[heard] = b""
        self._selector.register(heard, selectors.EVENT_READ, self._report)

    @staticmethod
    def _child(order: machine.BootOrder, console: int, report: int, wait: int) -> None:
        """Nothing happens before the parent has written down who this is."""
        try:
            machine.fresh_signals()
            if os.read(wait, 1):
                os.close(wait)
                machine.become(order, console, report)
        except BaseException as error:  # noqa: BLE001  # on the console and in the answer
            os.write(console, traceback.format_exc().encode())
            os.write(report, str(error).encode())
        finally:
            os._exit(1)

    def _report(self, descriptor: int) -> None:
        data = os.read(descriptor, 4096)
        if data:
            self._said[descriptor] += data
            if data.startswith(b"+") and descriptor in self._unanswered:
                self._answer(self._unanswered.pop(descriptor), "")
            return
        self._selector.unregister(descriptor)
        os.close(descriptor)
        del self._executing[descriptor]
        said = self._said.pop(descriptor).decode(errors="replace")
        ident = self._unanswered.pop(descriptor, None)
        if ident is not None:
            self._answer(ident, said or "it ended before it could execute anything")

    def _answer(self, ident: int, error: str) -> None:
        os.write(1, json.dumps({"id": ident, "error": error}).encode() + b"\n")


def main() -> None:
    """Load cloud-init, then serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The kernel reaps machines that have ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    firstboot.load()
    shield.read_only()
    gc.collect()
    gc.freeze()
    Zygote(sys.argv[1], int(sys.argv[2])).run()


main()
