"""A thousand Slurm nodes on this machine by light machines, and whether they hold.

Raises the kernel's limits and puts them back. Each round is a fresh boot: up with its proof job, a watch
over `sinfo` for flapping nodes, down, and a look for what is left. Exit code 1 where anything is not as
it must be.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.runtimes import limits
from provision.runtimes.capacity import available_mib, text_of
from provision.runtimes.light import host
from provision.runtimes.light.records import STATE

NAME = "thousand"
EVERY = 2.0
"""Seconds between two looks at the nodes."""


@dataclass
class Round:
    """Figures of one boot. Times in seconds, memory in MiB above what was used before."""

    nodes: int
    joined: float = 0.0
    proof: float = 0.0
    proved: int = 0
    up: float = 0.0
    down: float = 0.0
    memory: int = 0
    looks: int = 0
    flaps: int = 0
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        """As it is printed."""
        return (
            f"{self.nodes} nodes: all idle {self.joined:.1f} s after the first start, proof on "
            f"{self.proved} in {self.proof:.1f} s, up {self.up:.1f} s, down {self.down:.1f} s, "
            f"{self.memory} MiB, {self.looks - self.flaps} of {self.looks} looks all idle"
            + "".join(f"\n  FAULT: {fault}" for fault in self.faults)
        )


def tidy() -> None:
    """Let SIGTERM end the process as an error does: what was raised or started is put back."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


class Memory:
    """The most memory that was in use while the block ran, in MiB above the start."""

    def __enter__(self) -> "Memory":
        """Begin to look."""
        self._before = self._least = available_mib(text_of("/proc/meminfo"))
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._end.wait(0.5):
            self._least = min(self._least, available_mib(text_of("/proc/meminfo")))

    @property
    def peak(self) -> int:
        """MiB."""
        return self._before - self._least

    def __exit__(self, *error: object) -> None:
        """Look no more."""
        self._end.set()
        self._thread.join()


def provision(*words: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it."""
    command = [sys.executable, "-m", "provision", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def one(nodes: int, watch: float) -> Round:
    """A fresh boot, from nothing to nothing."""
    made = Round(nodes)
    before = here()
    with tempfile.TemporaryDirectory(prefix="provision-thousand-") as folder:
        events = Path(folder, "events")
        words = ["--cloud", "local", "--machines", "light", "--name", NAME, "--nodes", str(nodes)]
        try:
            with Memory() as memory:
                began = time.monotonic()
                up = provision("up", *words, "-o", "json", "--events", str(events))
                made.up = time.monotonic() - began
                made.memory = memory.peak
            if up.returncode:
                made.faults.append(f"up ended with {up.returncode}: {up.stderr[-300:]}")
            else:
                _read(made, json.loads(up.stdout), events)
                _watch(made, watch)
        finally:
            began = time.monotonic()
            down = provision("down", NAME, "--yes")
            made.down = time.monotonic() - began
            if down.returncode:
                made.faults.append(f"down ended with {down.returncode}: {down.stderr[-300:]}")
            made.faults += left(before)
    return made


def _read(made: Round, outcome: dict[str, object], events: Path) -> None:
    for line in events.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "Noted" and event["text"].startswith("creating"):
            began = event["at"]
        if event["event"] == "StepEnded" and event["step"] == "join":
            made.joined = event["at"] - began
    proof = outcome["proof"]
    assert isinstance(proof, dict), "up ends well with a proof only"
    made.proof, made.proved = float(proof["seconds"]), int(proof["nodes"])
    if made.proved != made.nodes:
        made.faults.append(f"the proof ran on {made.proved} nodes")


def _watch(made: Round, seconds: float) -> None:
    """Every look must see all nodes idle."""
    script = (
        f"for i in $(seq {int(seconds / EVERY)}); do sinfo -h -N -p all -o %T | sort | uniq -c | "
    )
    script += f"tr -s '\\n ' ' '; echo; sleep {EVERY}; done"
    seen = provision("ssh", NAME, "--", script).stdout.splitlines()
    made.looks = len(seen)
    odd = [line for line in seen if line.split() != [str(made.nodes), "idle"]]
    made.flaps = len(odd)
    if len(seen) < int(seconds / EVERY):
        made.faults.append(f"only {len(seen)} looks could be taken")
    if any("down" in line or "*" in line for line in odd):
        made.faults.append(f"nodes flapped: {odd[:3]}")


def here() -> set[str]:
    """Processes, links and records of light machines that this host has."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    words = ("provision-light", "slurmd", "slurmctld", "munged", "-m guest")
    found = {line for line in listed.stdout.splitlines() if any(word in line for word in words)}
    found |= {f"link {link.name}" for link in Path("/sys/class/net").glob("pl??????????")}
    return found | {f"record {path}" for path in STATE.glob("*/*")}


def left(before: set[str]) -> list[str]:
    """What should not be there any more, once the kernel has had a moment."""

    def look() -> list[str]:
        return sorted(here() - before)

    return [
        f"left behind: {thing}"
        for thing in Retrying(
            retry=retry_if_result(bool),
            stop=stop_after_delay(10),
            wait=wait_fixed(0.5),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else [],
        )(look)
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Print a line a round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--watch", type=float, default=120.0, help="seconds")
    asked = parser.parse_args(words)
    before = limits.read(host.NEEDS.limits)
    rounds = []
    with limits.raised(host.NEEDS.limits, asked.nodes + 1):
        for _ in range(asked.rounds):
            rounds.append(one(asked.nodes, asked.watch))
            print(rounds[-1].line(), flush=True)
    after = limits.read(host.NEEDS.limits)
    print("kernel limits are as they were" if after == before else f"FAULT: {before} -> {after}")
    return int(after != before or any(made.faults for made in rounds))


if __name__ == "__main__":
    tidy()
    sys.exit(main())
