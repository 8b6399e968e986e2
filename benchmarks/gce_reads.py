"""What it costs to look at clusters on GCE: CPU, memory and lists, against the same by Google's client.

The emulator stands where Google stands, with VMs that are state only. ``list`` is measured at the first
size, ``inventory`` and ``status`` at every one; beside each stands what Google's own client takes to list
the same VMs once, in a process of its own, in the same run. Exits 1 where ``list`` needs more than half
of that client's CPU, or a command lists the VMs more than once.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from provision.emulator.dials import merged
from provision.emulator.gce.dials import Dials
from provision.emulator.serve import Options, running
from provision.events import ignore

NAME = "reads"
ZONE = "us-central1-a"
IMAGE = "projects/debian-cloud/global/images/family/debian-12"
USER_DATA = 12_000
"""Bytes of user-data on each VM, about what a worker of ours boots with."""
MADE = 600.0
"""Seconds in which the emulator has made what is asked for; only a hang reaches it."""
PAGE = 500
MOST_RATIO = 0.5
CLIENT = f"""\
import os
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1 as c
client = c.InstancesClient(
    credentials=AnonymousCredentials(), transport="rest",
    client_options=ClientOptions(api_endpoint=os.environ["PROVISION_GCE_ENDPOINT"]),
)
request = c.AggregatedListInstancesRequest(
    project=os.environ["GOOGLE_CLOUD_PROJECT"], filter="labels.provision-cluster:*", max_results={PAGE}
)
print(sum(len(scope.instances) for _, scope in client.aggregated_list(request=request)))
"""
"""One list of all VMs by google-cloud-compute as it comes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, CPU seconds and peak MiB of one process, and how often it asked for a page of VMs."""

    what: str
    seconds: float
    cpu: float
    mib: int
    pages: int

    def line(self) -> str:
        """As it is printed."""
        return (
            f"  {self.what:<16} {self.seconds:6.2f} s  {self.cpu:6.2f} s of CPU  {self.mib:>4} MiB  "
            f"{self.pages:>3} pages of VMs"
        )


def cost(
    what: str, words: Sequence[str], environment: dict[str, str], codes: Sequence[int]
) -> Cost:
    """One process from start to end; its CPU comes from a process between, which has no other child."""
    before = pages(environment)
    began = time.monotonic()
    script = (
        "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:], stdout=-3).returncode; "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(code, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        # What a user's second run takes: Python keeps what it has compiled.
        env={key: it for key, it in environment.items() if key != "PYTHONDONTWRITEBYTECODE"},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.monotonic() - began
    code, cpu, mib = done.stdout.split()
    if int(code) not in codes:
        raise SystemExit(f"{what} ended with {code}: {done.stderr}")
    return Cost(what, seconds, float(cpu), int(mib), pages(environment) - before)


def pages(environment: dict[str, str]) -> int:
    """How often VMs have been listed, by the emulator's own count."""
    request = urllib.request.Request(
        environment["PROVISION_GCE_ENDPOINT"] + "/_emulator/calls",
        headers={"Authorization": f"Bearer {environment['PROVISION_EMULATOR_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        calls = json.load(answer)
    return sum(calls.get("compute.instances.aggregatedList", {}).values())


def insert(environment: dict[str, str], path: str, body: dict[str, Any]) -> None:
    """Make it and wait for its operation; what fails there would be missing in every figure."""
    root = f"{environment['PROVISION_GCE_ENDPOINT']}/compute/v1/"
    root += f"projects/{environment['GOOGLE_CLOUD_PROJECT']}/"
    request = urllib.request.Request(
        root + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        operation = json.load(answer)
    scope = path.rsplit("/", 2 if path.endswith("/bulkInsert") else 1)[0]
    wait = f"{root}{scope}/operations/{operation['name']}/wait"
    end = time.monotonic() + MADE
    while operation["status"] != "DONE":
        if time.monotonic() > end:
            raise SystemExit(f"{path}: not done after {MADE:.0f} s")
        with urllib.request.urlopen(
            urllib.request.Request(wait, method="POST"), timeout=150
        ) as answer:
            operation = json.load(answer)
    if "error" in operation:
        raise SystemExit(f"{path}: {operation['error']}")


def fleet(environment: dict[str, str], nodes: int) -> None:
    """A controller and so many workers with our labels, made by Google's API alone."""
    project = f"projects/{environment['GOOGLE_CLOUD_PROJECT']}"
    region = ZONE.rpartition("-")[0]
    link = f"{project}/global/networks/{NAME}"
    insert(
        environment, "global/networks", {"name": NAME, "autoCreateSubnetworks": False, "mtu": 1460}
    )
    # The default one has 4,092 addresses.
    subnetwork = {"name": NAME, "network": link, "ipCidrRange": "10.0.0.0/16"}
    insert(environment, f"regions/{region}/subnetworks", subnetwork)
    made: list[tuple[str, int, dict[str, Any]]] = [
        ("controller", 1, {"perInstanceProperties": {f"{NAME}-controller": {}}})
    ]
    for first in range(0, nodes, PAGE):
        count = min(PAGE, nodes - first)
        digits = "#" * max(4, len(str(nodes)))
        made.append(("worker", count, {"namePattern": f"{NAME}-worker-{digits}"}))
    for role, count, named in made:
        marks = {"provision-cluster": NAME, "provision-role": role, "provision-group": role}
        properties: dict[str, Any] = {
            "labels": marks | {"provision-scheduler": "slurm"},
            "machineType": "n2-standard-2",
            "metadata": {
                "items": [{"key": "user-data", "value": "#cloud-config\n" + "#" * USER_DATA}]
            },
            "disks": [
                {"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": IMAGE}}
            ],
            "networkInterfaces": [{"subnetwork": f"{project}/regions/{region}/subnetworks/{NAME}"}],
        }
        body = {"count": str(count), "instanceProperties": properties, **named}
        insert(environment, f"zones/{ZONE}/instances/bulkInsert", body)


def at(nodes: int, environment: dict[str, str]) -> tuple[list[Cost], bool]:
    """The commands over one cluster of that size, and whether all is as it should be."""
    fleet(environment, nodes)
    ours = [sys.executable, "-m", "provision"]
    theirs = cost("Google's client", [sys.executable, "-c", CLIENT], environment, [0])
    looks = [
        cost("list", [*ours, "list"], environment, [0]),
        cost("inventory", [*ours, "inventory", NAME], environment, [0]),
        cost("status", [*ours, "status", NAME], environment, [0, 3]),
    ]
    # Where only the labels are at hand, one more asks for controllers: whose clusters exist.
    once = -(-(nodes + 1) // PAGE) + 1
    good = looks[0].cpu <= MOST_RATIO * theirs.cpu
    good = good and all(once - 1 <= each.pages <= once for each in looks)
    return [theirs, *looks], good


def main(words: Sequence[str] | None = None) -> int:
    """A block for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[10, 1000])
    asked = parser.parse_args(words)
    quota = {"us-central1": {"CPUS": 1_000_000, "INSTANCES": 100_000, "DISKS_TOTAL_GB": 10_000_000}}
    dials = merged(Dials(), {"operation": 0, "quota": quota})
    good = True
    for nodes in asked.sizes:
        with (
            tempfile.TemporaryDirectory(prefix="provision-reads-") as folder,
            running(Options(dials=dials), ignore) as found,
        ):
            costs, held = at(nodes, {**os.environ, **found, "XDG_STATE_HOME": folder})
            good = good and held
            print(f"{nodes} nodes", *(each.line() for each in costs), sep="\n", flush=True)
            ratio = costs[1].cpu / costs[0].cpu
            print(f"  list / Google's client: {ratio:.2f} (at most {MOST_RATIO})", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
