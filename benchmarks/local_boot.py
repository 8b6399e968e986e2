"""``provision up`` against booting the same machines by hand, in one run.

By hand means: the same node image, the same rendered user-data and the same network layout, started
with Podman's own command line (per machine one ``create``, one ``cp`` of the seed and one ``start``,
as many machines at a time as ours are) until ``sinfo`` on the controller shows every node idle. Ours
is the whole command as a user runs it: interpreter, checks, keys, SSH, proof job and outputs.

Prints one line per size; exits 1 where a ratio is above the bound. ``--hundred`` brings up 100 nodes
once and prints the largest resident memory of the ``provision`` process alone.

Usage: python benchmarks/local_boot.py [--runs N] [--hundred] [SIZE …]        (default: 8 32)
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.cloudinit.userdata import user_data_of
from provision.keys import new_keys
from provision.plan import Plan, PlannedMachine, plan_of
from provision.runtimes.container import image
from provision.runtimes.container.runtime import STARTERS
from provision.schedulers.slurm.scheduler import Slurm
from provision.spec.models import Spec

BOUND = 1.3
NAME = "bench"
MEMORY_BOUND_MB = 120
FLAGS = [
    "--tty",
    "--systemd=always",
    "--cap-add=SYS_ADMIN",
    "--log-driver=json-file",
    "--ulimit=nofile=16384:16384",
    "--ulimit=nproc=32768:32768",
    f"--label=provision-cluster={NAME}",
]
PODMAN = ["podman"]


def call(*words: str) -> str:
    """Run Podman's command line."""
    done = subprocess.run(
        [*PODMAN, *words], capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise RuntimeError(f"podman {words[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout


def plan_for(nodes: int) -> Plan:
    """The plan whose machines are booted by hand."""
    return plan_of(Spec.model_validate({"name": NAME, "groups": {"worker": {"nodes": nodes}}}))


def boot_by_hand(plan: Plan, machine: PlannedMachine, user_data: str, folder: Path) -> None:
    """Create, seed and start one container."""
    root = folder / machine.name
    seed = root / "var/lib/cloud/seed/nocloud"
    seed.mkdir(parents=True)
    (seed / "user-data").write_text(user_data)
    (seed / "meta-data").write_text(
        f"instance-id: {machine.name}\nlocal-hostname: {machine.name}\n"
    )
    call(
        "create",
        "--name",
        machine.name,
        "--hostname",
        machine.name,
        "--network",
        plan.network,
        "--ip",
        machine.address,
        *FLAGS,
        image.tag(),
        "/sbin/init",
    )
    call("cp", f"{root}/.", f"{machine.name}:/")
    call("start", machine.name)


def idle(plan: Plan) -> bool:
    """Whether the controller's sinfo shows every node idle."""
    done = subprocess.run(
        [
            *PODMAN,
            "exec",
            plan.controller.name,
            "sinfo",
            "-h",
            "-p",
            "all",
            "-t",
            "idle",
            "-o",
            "%D",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout.strip() == str(len(plan.workers))


def by_hand(nodes: int) -> float:
    """Seconds from nothing to all idle, by hand."""
    plan = plan_for(nodes)
    texts = user_data_of(Slurm(), plan, new_keys(NAME))
    try:
        with tempfile.TemporaryDirectory() as scratch:
            began = time.monotonic()
            call(
                "network",
                "create",
                "--label",
                f"provision-cluster={NAME}",
                "--subnet",
                plan.subnet,
                plan.network,
            )
            with ThreadPoolExecutor(STARTERS) as pool:
                list(
                    pool.map(
                        lambda m: boot_by_hand(plan, m, texts[m.group], Path(scratch)),
                        plan.machines,
                    )
                )
            Retrying(
                retry=retry_if_result(lambda done: not done),
                wait=wait_fixed(0.4),
                stop=stop_after_delay(600),
            )(idle, plan)
            return time.monotonic() - began
    finally:
        call("rm", "--force", "--time", "0", *(machine.name for machine in plan.machines))
        call("network", "rm", "--force", plan.network)


def provision(*words: str) -> subprocess.Popen[str]:
    """Start our command."""
    command = [sys.executable, "-m", "provision", *words, "--quiet", "--output", "json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def ours(nodes: int) -> tuple[float, float]:
    """Seconds of a whole ``provision up``, and its process's largest resident memory in MB."""
    try:
        began = time.monotonic()
        process = provision("up", "--name", NAME, "--nodes", str(nodes))
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, resident_mb(process.pid))
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        seconds = time.monotonic() - began
        outcome = json.loads(process.stdout.read() if process.stdout else "")
        if outcome["joined"] != nodes or outcome["proof"]["nodes"] != nodes:
            raise RuntimeError(f"not all nodes joined: {outcome}")
        return seconds, peak
    finally:
        provision("down", NAME, "--yes").wait()


def resident_mb(pid: int) -> float:
    """The process's largest resident memory so far (VmHWM of /proc/PID/status)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(found[0]) / 1024 if found else 0.0


def compare(nodes: int, runs: int) -> bool:
    """Print the two times and their ratio, in turn run by run; whether it is within the bound."""
    pairs = [(ours(nodes)[0], by_hand(nodes)) for _ in range(runs)]
    ratio = statistics.median(our / hand for our, hand in pairs)
    print(
        f"{nodes} nodes: provision up {statistics.median(p[0] for p in pairs):.1f} s, "
        f"by hand {statistics.median(p[1] for p in pairs):.1f} s, "
        f"ratio {ratio:.2f} (bound {BOUND}, median of {runs})",
        flush=True,
    )
    return ratio <= BOUND


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sizes", nargs="*", type=int, default=[8, 32])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--hundred", action="store_true")
    options = parser.parse_args()
    if options.hundred:
        seconds, peak = ours(100)
        print(
            f"100 nodes: up in {seconds:.0f} s, provision's own peak memory {peak:.0f} MB "
            f"(bound {MEMORY_BOUND_MB} MB)"
        )
        return int(peak > MEMORY_BOUND_MB)
    return int(not all([compare(nodes, options.runs) for nodes in options.sizes]))


if __name__ == "__main__":
    sys.exit(main())
