"""What `provision up --cloud gce` costs beside the cloud: time and CPU at 1, 10, 100 and 1,000 nodes.

The emulator stands where Google stands, with VMs that are state only and operations that take no time,
so what is measured is ours, Google's client library, and Pulumi's, whose share is named. Prints one line
per size and the growth from the smallest to the largest; exits 1 where it grows as the nodes do, or
where the command needs more than 250 MiB.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provision.emulator.dials import merged
from provision.emulator.gce.dials import Dials
from provision.emulator.serve import Options, running
from provision.events import ignore

NAME = "overhead"
MOST_MIB = 250
GROWTH = 3.0
"""Most times the time of the smallest that the largest may take, at a thousand times the nodes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, CPU seconds of the command and its children, peak MiB of the command, Pulumi's seconds."""

    nodes: int
    seconds: float
    cpu: float
    mib: int
    pulumi: float

    def line(self) -> str:
        """As it is printed."""
        return (
            f"{self.nodes:>5} nodes: {self.seconds:.2f} s, {self.cpu:.2f} s of CPU, peak {self.mib} MiB; "
            f"Pulumi {self.pulumi:.2f} s ({self.pulumi / self.seconds:.0%})"
        )


def cost(nodes: int, environment: dict[str, str], folder: Path) -> Cost:
    """One bring-up to its acceptance by the cloud."""
    events = folder / f"events-{nodes}"
    words = [
        "up",
        "--cloud",
        "gce",
        "--name",
        NAME,
        "--nodes",
        str(nodes),
        "--until",
        "created",
        "-q",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    run([*words, "--events", str(events)], environment)
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = [json.loads(line) for line in events.read_text().splitlines()]
    begun = next(
        e["at"] for e in told if e["event"] == "Noted" and e["text"].startswith("creating")
    )
    made = max(e["at"] for e in told if e["event"] == "Noted" and e["text"].startswith("created"))
    mib = after.ru_maxrss // 1024
    run(["down", NAME, "--yes", "-q"], environment)
    return Cost(nodes, seconds, cpu, mib, made - begun)


def run(words: Sequence[str], environment: dict[str, str]) -> None:
    """The command as a user runs it."""
    subprocess.run(
        [sys.executable, "-m", "provision", *words],
        env=environment,
        check=True,
        capture_output=True,
    )


def main(words: Sequence[str] | None = None) -> int:
    """One line per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[1, 10, 100, 1000])
    asked = parser.parse_args(words)
    dials = merged(Dials(), {"operation": 0})
    costs = []
    with (
        tempfile.TemporaryDirectory(prefix="provision-overhead-") as folder,
        running(Options(dials=dials), ignore) as found,
    ):
        environment = {**os.environ, **found, "XDG_STATE_HOME": folder}
        cost(2, environment, Path(folder))  # what is made once
        for nodes in asked.sizes:
            costs.append(cost(nodes, environment, Path(folder)))
            print(costs[-1].line(), flush=True)
    first, last = costs[0], costs[-1]
    growth = last.seconds / first.seconds
    print(f"{last.nodes // first.nodes} times the nodes take {growth:.2f} times the time")
    return int(growth > GROWTH or max(each.mib for each in costs) > MOST_MIB)


if __name__ == "__main__":
    sys.exit(main())
