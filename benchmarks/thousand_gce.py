"""A thousand nodes by `provision up --cloud gce`, with the emulator where Google stands.

Real Pulumi, real google-cloud-compute, real cloud-init user-data, a thousand real slurmds in light
machines. Raises the kernel's limits and puts them back. Exit code 1 where anything is not as it must be.

The emulator draws each VM's time to boot from its name and a seed. ``--rounds 5`` takes five names, and
seeds with which the controller is the first of all to boot, the last, and between.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.thousand import Memory, here, left, tidy
from provision.emulator.dials import draw
from provision.emulator.world import chance
from provision.runtimes import limits
from provision.runtimes.light import host

NAMES = ["thousand-gce", "demo", "train", "ada-lab", "c1"]
SEEDS = 400
"""Seeds tried to have the controller where it is wanted."""
LAST = "NO_GCE_CHECK"
"""Variable whose line ends what the emulator prints."""
MOST = 2000
"""Characters of an answer worth printing."""


@contextmanager
def emulator(*words: str) -> Iterator[dict[str, str]]:
    """An emulator with light machines; the environment that leads to it."""
    command = [sys.executable, "-m", "provision", "emulate", "gce", "--machines", "light", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None, "it was asked for"
        environment: dict[str, str] = {}
        for line in process.stdout:
            name, _, value = line.strip().removeprefix("export ").partition("=")
            environment[name] = value
            if name == LAST:
                break
        try:
            yield {**os.environ, **environment}
        finally:
            process.terminate()
            process.wait(120)


class Resident:
    """The largest resident memory of one process, in MiB."""

    def __init__(self, process: int) -> None:
        self.peak = 0
        self._process, self._end = process, threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self._end.wait(0.2):
            try:
                text = Path(f"/proc/{self._process}/status").read_text()
            except OSError:
                return
            for line in text.splitlines():
                if line.startswith("VmHWM:"):
                    self.peak = max(self.peak, int(line.split()[1]) // 1024)


def control(environment: dict[str, str], path: str) -> Any:
    """The emulator's own word."""
    url = f"{environment['PROVISION_GCE_ENDPOINT']}/_emulator/{path}"
    key = {"Authorization": f"Bearer {environment['PROVISION_EMULATOR_TOKEN']}"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=key), timeout=60) as answer:
        text = answer.read().decode()
    return json.loads(text) if path == "calls" else [json.loads(x) for x in text.splitlines()]


def provision(environment: dict[str, str], *words: str) -> tuple[int, str, int, float]:
    """Exit code, stdout, peak memory in MiB and seconds of a command."""
    began = time.monotonic()
    command = [sys.executable, "-m", "provision", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        resident = Resident(process.pid)
        try:
            out, _ = process.communicate()
        except BaseException:
            process.terminate()
            raise
    return process.returncode, out, resident.peak, time.monotonic() - began


@dataclass
class Round:
    """One bring-up and its end. Seconds since the command began; ``floor`` is when the last VM booted."""

    name: str
    seed: int
    nodes: int
    boot: str
    controller: float = 0.0
    rank: int = 0
    floor: float = 0.0
    joined: float = 0.0
    text: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def over(self) -> float:
        """Seconds from when the last machine executes to when all have joined."""
        return self.joined - self.floor

    def line(self) -> str:
        """As it is printed."""
        return (
            f"{self.name}, seed {self.seed}: the controller boots at {self.controller:.1f} s, as "
            f"number {self.rank} of {self.nodes + 1}; the last VM at {self.floor:.1f} s; all joined at "
            f"{self.joined:.1f} s, {self.over:.1f} s after it"
        )

    def measure(self, machines: Sequence[dict[str, Any]], began: float) -> None:
        """When each VM was due to execute, from its start and the time that was drawn for it."""
        due = sorted(
            (vm["started"] + boots(self.seed, vm["name"], self.boot) - began, vm["name"])
            for vm in machines
        )
        names = [name for _, name in due]
        self.rank = names.index(controller_of(self.name)) + 1
        self.controller, self.floor = due[self.rank - 1][0], due[-1][0]


def controller_of(name: str) -> str:
    """The controller's VM."""
    return f"{name}-controller"


def boots(seed: int, name: str, boot: str, life: int = 1) -> float:
    """Seconds that the emulator draws for the boot of a VM."""
    return draw(boot, chance(seed, "boot", name, life))


def seed_of(name: str, boot: str, share: float) -> int:
    """A seed with which the controller is the first (share 0), the last (1) or between."""
    low, high = (draw(boot, End(share_)) for share_ in (0.0, 1.0))
    wanted = low + (high - low) * share
    return min(range(SEEDS), key=lambda seed: abs(boots(seed, controller_of(name), boot) - wanted))


class End(random.Random):
    """Chance that draws one end of a range."""

    def __init__(self, end: float) -> None:
        super().__init__(0)
        self._end = end

    def random(self) -> float:
        """That end."""
        return self._end


def phases(events: Path, calls: Sequence[dict[str, Any]], began: float) -> dict[str, float]:
    """Seconds: start to last create accepted, to all joined, then to the proof's end."""
    told = [json.loads(line) for line in events.read_text().splitlines()]
    ends = {event["step"]: event["at"] for event in told if event["event"] == "StepEnded"}
    proof = next(e["seconds"] for e in told if e["event"] == "StepEnded" and e["step"] == "prove")
    inserts = [call for call in calls if call["method"].endswith("nsert")]
    accepted = max(call["began"] + call["seconds"] for call in inserts)
    return {"accepted": accepted - began, "joined": ends["join"] - began, "proof": proof}


def bring_up(one: Round, environment: dict[str, str], events: Path, exit_code: int) -> None:
    """Up, and what it took."""
    flags = ["--cloud", "gce", "--name", one.name, "--nodes", str(one.nodes), "-o", "json"]
    began = time.time()
    code, out, peak, seconds = provision(environment, "up", *flags, "--events", str(events))
    ended = time.time()
    if code != exit_code:
        one.faults.append(f"up ended with {code}")
    if code:
        print(f"up {seconds:.1f} s, exit {code}; provision's own peak {peak} MiB")
        print(out if len(out) < MOST else f"{out[:MOST]} …")
        return
    when = phases(events, control(environment, "requests"), began)
    one.joined = when["joined"]
    one.measure(control(environment, "machines"), began)
    print(
        f"{one.nodes} nodes, boot {one.boot} s: up {seconds:.1f} s; start to last create accepted "
        f"{when['accepted']:.1f} s; proof on {json.loads(out)['proof']['nodes']} in {when['proof']:.1f} s; "
        f"last joined to exit without it {ended - began - one.joined - when['proof']:.1f} s; our "
        f"peak {peak} MiB"
    )
    calls = control(environment, "calls")
    counts = {name[8:]: sum(n.values()) for name, n in sorted(calls.items())}
    print("calls:", ", ".join(f"{name} {number}" for name, number in counts.items()))
    print(one.line())


def run(one: Round, dials: Sequence[str], exit_code: int) -> None:
    """One round in an emulator of its own."""
    before = here()
    words = [
        word
        for dial in (f"boot={one.boot}", *dials, f"seed={one.seed}")
        for word in ("--set", dial)
    ]
    with (
        tempfile.TemporaryDirectory(prefix="provision-thousand-") as folder,
        limits.raised(host.NEEDS.limits, one.nodes + 1),
        Memory() as memory,
        emulator(*words) as environment,
    ):
        bring_up(one, environment, Path(folder, "events"), exit_code)
        code, _, _, seconds = provision(environment, "down", one.name, "--yes")
        rest = control(environment, "resources") + control(environment, "machines")
        print(
            f"down {seconds:.1f} s, exit {code}, the emulator's ground truth holds {len(rest)}; the host's "
            f"peak {memory.peak} MiB"
        )
        one.faults += [f"left in the emulator: {left_over}" for left_over in rest[:5]]
    one.faults += left(before)


def rounds(asked: argparse.Namespace) -> list[Round]:
    """Names and seeds in turn: the controller first of all to boot, last, in the middle, and between."""
    shares = [0.0, 1.0, 0.5, 0.75, 0.25]
    made = []
    for number in range(asked.rounds):
        name = asked.name[number % len(asked.name)]
        seed = asked.seed[number % len(asked.seed)] if asked.seed else None
        if seed is None:
            seed = seed_of(name, asked.boot, shares[number % len(shares)])
        made.append(Round(name, seed, asked.nodes, asked.boot))
    return made


def main(words: Sequence[str] | None = None) -> int:
    """All rounds, then median and worst."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--name", action="append", default=[], help="a cluster's name; more: in turn"
    )
    parser.add_argument(
        "--seed",
        action="append",
        default=[],
        type=int,
        help="an emulator's seed; without: controllers at every place",
    )
    parser.add_argument("--boot", default="20..40", help="seconds until a VM executes")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="DIAL=VALUE",
        help="turn another dial of the emulator, such as never_join=0.3",
    )
    parser.add_argument("--exit", type=int, default=0, help="exit code that 'up' must end with")
    parser.add_argument(
        "--most", type=float, help="seconds after the last boot in which all must join"
    )
    asked = parser.parse_args(words)
    asked.name = asked.name or NAMES
    done = rounds(asked)
    for one in done:
        run(one, asked.set, asked.exit)
        if asked.most is not None and one.over > asked.most:
            one.faults.append(
                f"all joined {one.over:.1f} s after the last boot, not {asked.most:.0f}"
            )
        print("\n".join(f"FAULT: {fault}" for fault in one.faults) or "nothing is left", flush=True)
    if up := [one for one in done if one.joined]:
        joined, over = [one.joined for one in up], [one.over for one in up]
        print(
            f"{len(up)} of {len(done)} rounds up: all joined at {statistics.median(joined):.1f} s "
            f"(median), {max(joined):.1f} s (worst); after the last boot "
            f"{statistics.median(over):.1f} s (median), {max(over):.1f} s (worst)"
        )
    return int(any(one.faults for one in done))


if __name__ == "__main__":
    tidy()
    sys.exit(main())
