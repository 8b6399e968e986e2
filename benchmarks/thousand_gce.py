"""A thousand nodes by `provision up --cloud gce`, with the emulator where Google stands.

Real Pulumi, real google-cloud-compute, real cloud-init user-data, a thousand real slurmds in light
machines. Raises the kernel's limits and puts them back. Exit code 1 where anything is not as it must be.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.thousand import Memory, here, left, tidy
from provision.runtimes import limits
from provision.runtimes.light import host

NAME = "thousand-gce"
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


def figures(events: Path, calls: Sequence[dict[str, Any]], began: float) -> dict[str, float]:
    """Seconds: start to last create accepted, to all joined, then to the proof's end."""
    told = [json.loads(line) for line in events.read_text().splitlines()]
    ends = {event["step"]: event["at"] for event in told if event["event"] == "StepEnded"}
    proof = next(e["seconds"] for e in told if e["event"] == "StepEnded" and e["step"] == "prove")
    inserts = [call for call in calls if call["method"].endswith("nsert")]
    accepted = max(call["began"] + call["seconds"] for call in inserts)
    return {"accepted": accepted - began, "joined": ends["join"] - began, "proof": proof}


def main(words: Sequence[str] | None = None) -> int:
    """One bring-up and its end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--boot", default="20..40", help="seconds until a VM executes")
    parser.add_argument("--set", action="append", default=[], metavar="DIAL=VALUE",
                        help="turn another dial of the emulator, such as never_join=0.3")  # fmt: skip
    parser.add_argument("--exit", type=int, default=0, help="exit code that 'up' must end with")
    asked = parser.parse_args(words)
    dials = [word for dial in (f"boot={asked.boot}", *asked.set) for word in ("--set", dial)]
    faults: list[str] = []
    before = here()
    with (
        tempfile.TemporaryDirectory(prefix="provision-thousand-") as folder,
        limits.raised(host.NEEDS.limits, asked.nodes + 1),
        Memory() as memory,
        emulator(*dials) as environment,
    ):
        events = Path(folder, "events")
        flags = ["--cloud", "gce", "--name", NAME, "--nodes", str(asked.nodes), "-o", "json"]
        began = time.time()
        code, out, peak, seconds = provision(environment, "up", *flags, "--events", str(events))
        ended = time.time()
        if code != asked.exit:
            faults.append(f"up ended with {code}")
        elif code:
            print(f"up {seconds:.1f} s, exit {code}; provision's own peak {peak} MiB")
            print(out if len(out) < MOST else f"{out[:MOST]} …")
        else:
            requests = control(environment, "requests")
            when = figures(events, requests, began)
            proved = json.loads(out)["proof"]["nodes"]
            print(
                f"{asked.nodes} nodes, boot {asked.boot} s: up {seconds:.1f} s; start to last create "
                f"accepted {when['accepted']:.1f} s; all joined at {when['joined']:.1f} s; proof on "
                f"{proved} in {when['proof']:.1f} s; last joined to exit without it "
                f"{ended - began - when['joined'] - when['proof']:.1f} s; provision's own peak {peak} "
                f"MiB, host's {memory.peak} MiB"
            )
            calls = control(environment, "calls")
            counts = {name[8:]: sum(n.values()) for name, n in sorted(calls.items())}
            print("calls:", ", ".join(f"{name} {number}" for name, number in counts.items()))
        code, _, _, seconds = provision(environment, "down", NAME, "--yes")
        rest = control(environment, "resources") + control(environment, "machines")
        print(f"down {seconds:.1f} s, exit {code}, the emulator's ground truth holds {len(rest)}")
        faults += [f"left in the emulator: {one}" for one in rest[:5]]
    faults += left(before)
    print("\n".join(f"FAULT: {fault}" for fault in faults) or "nothing is left")
    return int(bool(faults))


if __name__ == "__main__":
    tidy()
    sys.exit(main())
