"""``provision emulate`` as a user runs it, with VMs that boot hand-written user-data for real."""

import base64
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.cloud import compute_v1 as c

from provision.emulator import owners
from provision.runtimes import KINDS, runtime_of
from tests.emulator.clients import google, properties
from tests.journeys.command import ROOT, Cli, until
from tests.journeys.emulator import Emulator

P, R, Z = "acme-lab", "us-central1", "us-central1-a"
CONTROLLER = "10.128.0.10"
KEY = base64.b64encode(bytes(range(128))).decode()
COMMON = f"""#cloud-config
preserve_hostname: true
locale: false
write_files:
  - {{path: /etc/munge/munge.key, owner: "munge:munge", permissions: "0400", encoding: b64, content: {KEY}}}
  - {{path: /etc/hosts, append: true, content: "{CONTROLLER} ctl\\n"}}
"""
WORKER = f"""{COMMON}
  - path: /etc/default/slurmd
    content: 'SLURMD_OPTIONS="-Z --conf-server {CONTROLLER}:6817"'
runcmd:
  - [systemctl, start, munge.service, slurmd.service]
"""
HEAD = f"""{COMMON}
  - path: /etc/slurm/slurm.conf
    content: |
      ClusterName=hand
      SlurmctldHost=ctl({CONTROLLER})
      SlurmUser=slurm
      StateSaveLocation=/var/lib/slurm/slurmctld
      SlurmdSpoolDir=/var/lib/slurm/slurmd
      SlurmctldParameters=enable_configless
      MaxNodeCount=1000
      SelectType=select/cons_tres
      ProctrackType=proctrack/linuxproc
      TaskPlugin=task/none
      ReturnToService=2
      PartitionName=all Nodes=ALL Default=YES State=UP
  - {{path: /etc/slurm/cgroup.conf, content: "CgroupPlugin=disabled\\n"}}
  - path: /usr/local/bin/tell
    permissions: "0755"
    content: |
      #!/bin/sh
      while sleep 1; do echo "joined $(sinfo -h -o %D -t idle)" >/dev/console; done
runcmd:
  - [systemctl, start, munge.service, slurmctld.service]
  - [sh, -c, "setsid /usr/local/bin/tell </dev/null >/dev/null 2>&1 &"]
"""


NONE = ("--machines", "none")


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "state")


def test_a_command_gets_the_environment_and_its_exit_code_is_the_answer(cli: Cli) -> None:
    script = "import os, sys, urllib.request as u; print(u.urlopen(os.environ['PROVISION_GCE_ENDPOINT'] + "
    script += "'/compute/v1/projects/p/zones').status, os.path.exists(os.environ['" \
              "GOOGLE_APPLICATION_CREDENTIALS'])); sys.exit(7)"  # fmt: skip
    answer = cli("emulate", "gce", *NONE, "--", sys.executable, "-c", script, expect=7)
    assert answer.stdout.split() == ["200", "True"]


def test_dials_turn_while_it_runs(cli: Cli) -> None:
    words = [
        sys.executable,
        "-m",
        "provision",
        "emulate",
        "set",
        "boot=20..40",
        "capacity.us-central1-a.*=3",
    ]
    answer = cli("emulate", "gce", *NONE, "--set", "seed=5", "--", *words)
    assert '"boot": "20..40"' in answer.stdout and '"*": 3' in answer.stdout
    assert '"seed": 5' in answer.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["gce", "--set", "boot=-1", "--", "true"], "boot: "),
        (["gce", "--set", "operations.firewals.insert=4", "--", "true"], "firewalls.insert"),
        (["gce", "--set", "nonsense", "--", "true"], "sets nothing"),
        (["gce", "--dials", "/nowhere.yaml", "--", "true"], "no such file"),
        (["gce", *NONE, "--", "/no/such/command"], "cannot be run"),
        (["set", "--endpoint", "http://127.0.0.1:9", "boot=1"], "no emulator answers"),
    ],
)
def test_bad_input_is_one_sentence(cli: Cli, words: list[str], sentence: str) -> None:
    answer = cli("emulate", *words, expect=2)
    assert sentence in answer.sentence()


def test_a_port_that_is_taken(cli: Cli) -> None:
    inner = [sys.executable, "-m", "provision", "emulate", "gce", *NONE, "--port"]
    script = "import os, subprocess, sys; port = os.environ['PROVISION_GCE_ENDPOINT'].rsplit(':', 1)[1]; "
    script += f"sys.exit(subprocess.call({inner!r} + [port, '--', 'true']))"
    answer = cli("emulate", "gce", *NONE, "--", sys.executable, "-c", script, expect=2)
    assert "nothing can listen" in answer.sentence()


UP = [
    sys.executable,
    "-m",
    "provision",
    "up",
    "--cloud",
    "gce",
    "--name",
    "readme",
    "--yes",
    "--nodes",
]


def test_up_does_not_wait_for_vms_that_boot_nothing(cli: Cli) -> None:
    answer = cli("emulate", "gce", *NONE, "--", *UP, "2", expect=4)
    assert "are state only, and none of them can join" in answer.stderr
    assert "--until created" in answer.stderr and answer.seconds < 60
    assert not cli.folder("readme").exists(), "refused means that nothing was made"
    quick = ("--set", "operation=0.2")
    cli("emulate", "gce", *NONE, *quick, "--", *UP, "2", "--until", "created")


@pytest.fixture
def tight() -> Iterator[Path]:
    """A kernel limit that is too low for more than five light machines."""
    limit = Path("/proc/sys/net/core/netdev_max_backlog")
    before = limit.read_text()
    limit.write_text("220\n")
    try:
        yield limit
    finally:
        limit.write_text(before)


def test_machines_boot_whatever_the_kernels_limits_are_at_first(cli: Cli, tight: Path) -> None:
    words = ("--set", "operation=0.2", "--", *UP, "12")
    answer = cli("emulate", "gce", *words)
    assert "12 of 12 nodes joined" in answer.stdout
    assert "kernel limits raised for these machines: net.core.netdev_max_backlog=" in answer.stderr
    assert "kernel limits put back: net.core.netdev_max_backlog=220" in answer.stderr
    assert tight.read_text() == "220\n"


def test_limits_that_cannot_be_raised_end_the_command_at_once(cli: Cli, tight: Path) -> None:
    inner = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && "
    inner += (
        f"exec {sys.executable} -m provision emulate gce --set operation=0.2 -- {' '.join(UP)} 12"
    )
    began = time.monotonic()
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", inner], cwd=ROOT, capture_output=True, text=True, timeout=120,
        env={**os.environ, "XDG_STATE_HOME": str(cli.state)},
    )  # fmt: skip
    assert done.returncode == 1 and time.monotonic() - began < 60, done
    assert "provision: net.core.netdev_max_backlog cannot be set" in done.stderr


class Running(Emulator):
    """With VMs made by Google's own client."""

    def console(self, name: str) -> str:
        client = google(c.InstancesClient, self.endpoint)
        return str(client.get_serial_port_output(project=P, zone=Z, instance=name).contents)

    def boot(self, name: str, user_data: str, address: str = CONTROLLER) -> None:
        made = properties()
        body = c.Instance(
            name=name, machine_type=f"zones/{Z}/machineTypes/e2-small", disks=made.disks,
            network_interfaces=[c.NetworkInterface(network_i_p=address)], metadata=meta(user_data),
        )  # fmt: skip
        google(c.InstancesClient, self.endpoint).insert(
            project=P, zone=Z, instance_resource=body
        ).result()


def meta(user_data: str) -> c.Metadata:
    return c.Metadata(items=[c.Items(key="user-data", value=user_data)])


def left() -> list[str]:
    """Kinds of all that emulators have here."""
    kinds = []
    for machines in KINDS:
        with closing(runtime_of(machines)) as runtime:
            kinds += [kind for kind, _, _ in runtime.leftovers({owners.LABEL: ""})]
    return kinds


@pytest.fixture
def machines() -> str:
    return "light"


@pytest.fixture
def running(cli: Cli, machines: str) -> Iterator[Running]:
    made = Running(cli, machines)
    try:
        yield made
    finally:
        made.end()
        cli("emulate", "clean", expect=None)


def joined(running: Running, nodes: int) -> None:
    until(lambda: f"joined {nodes}\n" in running.console("ctl").replace("\r", ""), 240)


@pytest.mark.parametrize(("machines", "nodes"), [("container", 4), ("light", 100)])
def test_vms_join_a_controller_by_their_own_user_data(
    roomy: None, running: Running, nodes: int
) -> None:
    """No code of ours on the client's side: Google's own package and hand-written user-data."""
    running.boot("ctl", HEAD)
    google(c.InstanceTemplatesClient, running.endpoint).insert(
        project=P,
        instance_template_resource=c.InstanceTemplate(
            name="t1", properties=properties(metadata=meta(WORKER))
        ),
    ).result()
    groups = google(c.RegionInstanceGroupManagersClient, running.endpoint)
    where: dict[str, Any] = {"project": P, "region": R, "instance_group_manager": "g1"}
    group = c.InstanceGroupManager(
        name="g1", base_instance_name="n-####", target_size=nodes,
        instance_template="global/instanceTemplates/t1",
    )  # fmt: skip
    groups.insert(project=P, region=R, instance_group_manager_resource=group).result()
    joined(running, nodes)
    groups.resize(**where, size=nodes * 3 // 2).result()
    joined(running, nodes * 3 // 2)
    members = list(groups.list_managed_instances(**where))
    ids = {m.instance: m.id for m in members}
    again = [m.instance for m in members][: 1 + nodes // 25]
    groups.recreate_instances(
        **where,
        region_instance_group_managers_recreate_request_resource=(
            c.RegionInstanceGroupManagersRecreateRequest(instances=again)
        ),
    ).result()
    until(lambda: groups.get(**where).status.is_stable, 120)
    anew = [m.instance for m in groups.list_managed_instances(**where) if ids[m.instance] != m.id]
    assert sorted(anew) == sorted(again)
    joined(running, nodes * 3 // 2)
    groups.delete(**where).result()
    assert left().count("network") == 1 and len(left()) == 2
    running.process.send_signal(signal.SIGINT)
    running.process.wait(60)
    assert left() == []


def test_limits_that_a_killed_emulator_raised_are_put_back(
    tight: Path, running: Running, cli: Cli
) -> None:
    for number in range(6):
        running.boot(f"vm{number}", "#cloud-config\n{}\n", f"10.128.0.{10 + number}")
    until(lambda: tight.read_text() != "220\n", 60)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait(30)
    answer = cli("emulate", "clean")
    assert "kernel limits put back: net.core.netdev_max_backlog=220" in answer.stdout
    assert tight.read_text() == "220\n"


@pytest.mark.parametrize("machines", KINDS)
def test_what_a_killed_emulator_leaves_is_cleaned(running: Running, cli: Cli) -> None:
    running.boot("ctl", "#cloud-config\nruncmd: [[sh, -c, 'echo booted-by-hand >/dev/console']]\n")
    until(lambda: "booted-by-hand" in running.console("ctl"), 120)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait(30)
    assert len(left()) == 2 and "network" in left()
    answer = cli("emulate", "clean")
    assert "3 leftovers removed" in answer.stdout, "a VM, its network, and the folder of a key"
    assert not list(Path(tempfile.gettempdir()).glob(f"provision-emulate-{running.process.pid}-*"))
    assert left() == []
    names = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    of_ours = re.compile(r"\bvm-\d+-")
    assert not of_ours.search(names)
    mounts = Path("/proc/self/mounts").read_text()
    assert "light" not in mounts and not of_ours.search(mounts)
