"""GCE as a user runs it, with an emulator where Google stands and VMs that really boot."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.engine.binary import ensure
from provision.events import ignore
from tests.journeys.command import Cli, until
from tests.journeys.emulator import Emulator
from tests.journeys.walk import walk

NAME = "jgce"
NODES = 50


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, roomy: None) -> Iterator[Emulator]:
    made = Emulator(Cli(tmp_path_factory.mktemp("emulator")), "light", "--set", "boot=1..3")
    try:
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Iterator[Cli]:
    """A cluster that the tests of this module use one after the other."""
    made = Cli(tmp_path_factory.mktemp("state"), emulator.environment)
    try:
        up = made(
            "up", "--cloud", "gce", "--name", NAME, "--nodes", str(NODES), "--ttl", "2h",
            "-o", "json",
        )  # fmt: skip
        assert up.json()["proof"]["nodes"] == NODES and up.json()["joined"] == NODES
        yield made
    finally:
        made("down", NAME, "--yes", expect=None)


def test_creating_costs_one_call_a_resource(cli: Cli, emulator: Emulator) -> None:
    made = {
        name: sum(n.values()) for name, n in emulator.control("calls").items() if "insert" in name
    }
    assert made == {
        "compute.addresses.insert": 1,
        "compute.networks.insert": 1,
        "compute.subnetworks.insert": 1,
        "compute.firewalls.insert": 2,
        "compute.routers.insert": 1,
        "compute.instances.insert": 1,
        "compute.instanceTemplates.insert": 1,
        "compute.regionInstanceGroupManagers.insert": 1,
    }
    assert emulator.count("regionInstanceGroupManagers.listManagedInstances") == 0


def test_up_again_changes_nothing(cli: Cli, emulator: Emulator) -> None:
    before = changes(emulator)
    again = cli("up", "--cloud", "gce", "--name", NAME, "--nodes", str(NODES), "--ttl", "2h")
    assert f"{NAME} is up: {NODES} of {NODES}" in again.stdout
    assert changes(emulator) == before


def test_the_same_commands_as_on_this_machine(cli: Cli) -> None:
    status = cli("status", NAME, "-o", "json").json()
    assert status["ready"] == NODES and status["summary"]["cloud"] == "gce"
    assert NAME in cli("list").stdout
    one = cli("run", NAME, "--node", "worker-0007", "--", "hostname")
    assert f"{NAME}-worker-0007" in one.stdout
    assert cli("ssh", NAME, "--", "sinfo", "-h", "-o", "%D").stdout.strip() == str(NODES)
    assert "Cloud-init" in cli("logs", NAME, "worker-0001").stdout
    listed = json.loads(cli("inventory", NAME, "--format", "json").stdout)
    assert len(listed["nodes"]) == NODES + 1


def test_the_state_is_readable_and_holds_no_secret_in_the_clear(cli: Cli) -> None:
    folder = cli.folder(NAME)
    munge = json.loads((folder / "keys.json").read_text())["munge"]
    states = [path for path in (folder / "stack").rglob("*.json") if path.is_file()]
    assert any("provision:gce:Group" in path.read_text() for path in states)
    for path in (folder / "stack").rglob("*"):
        if path.is_file():
            text = path.read_text(errors="replace")
            assert munge not in text and "PRIVATE KEY" not in text, path


def test_pulumi_itself_works_on_the_stack(cli: Cli, emulator: Emulator) -> None:
    """By docs/pulumi.md, with the plugin in a process that Pulumi starts."""
    folder = cli.folder(NAME) / "stack"
    environment = {
        **os.environ,
        **emulator.environment,
        "PULUMI_BACKEND_URL": f"file://{folder}/state?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": (folder.parent / "passphrase").read_text(),
        "PULUMI_HOME": str(folder.parent / "home"),
    }

    def pulumi(*words: str) -> str:
        done = subprocess.run(
            [ensure(ignore).path, *words, "--non-interactive", "--stack", NAME],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    shown = pulumi("stack")
    assert "provision:gce:Group" in shown and f"{NAME}-worker" in shown
    before = changes(emulator)
    assert "unchanged" in (said := pulumi("refresh", "--yes")) and "updated" not in said
    assert changes(emulator) == before
    exported = json.loads(pulumi("stack", "export"))["deployment"]["resources"]
    assert len([r for r in exported if r["type"].startswith("provision:gce:")]) == 9


def test_scaling_is_one_call_each_way(cli: Cli, emulator: Emulator) -> None:
    before = changes(emulator)
    cli("scale", NAME, str(NODES + 10))
    grown = changes(emulator)
    assert grown - before == 1 and emulator.count("regionInstanceGroupManagers.resize") == 1
    cli("scale", NAME, str(NODES))
    assert changes(emulator) - grown == 1
    assert emulator.count("regionInstanceGroupManagers.deleteInstances") == 1
    assert cli("status", NAME, "-o", "json").json()["ready"] == NODES


def test_a_node_that_died_is_replaced(cli: Cli, emulator: Emulator) -> None:
    emulator.happen("delete", f"{NAME}-worker-0003")
    cli("repair", NAME)
    assert cli("status", NAME, "-o", "json").json()["ready"] == NODES


def test_the_walk_of_the_live_tests(emulator: Emulator, tmp_path: Path) -> None:
    walk(Cli(tmp_path, emulator.environment), "jwalk", 2)
    assert not [r for r in emulator.control("resources") if "jwalk" in r["name"]]


SPECIAL = """\
name: jspecial
cloud: {kind: gce, labels: {team: lab}, egress: none}
groups:
  big: {nodes: 2, machine_types: [n2-standard-4, n2d-standard-4], disk_gb: 30, disk_type: pd-ssd}
  cheap: {nodes: 3, spot: true}
ttl: 2h
"""


def test_groups_of_several_kinds(emulator: Emulator, tmp_path: Path) -> None:
    """Spot, several machine types, disks, labels, a longest life; groups are Slurm's partitions."""
    cli = Cli(tmp_path / "state", emulator.environment)
    (tmp_path / "s.yaml").write_text(SPECIAL)
    routers = emulator.count("routers.insert")
    try:
        cli("up", str(tmp_path / "s.yaml"))
        seen = cli("ssh", "jspecial", "--", "sinfo", "-h", "-o", "%P:%D").stdout.split()
        assert sorted(seen) == ["all*:5", "big:2", "cheap:3"]
        vms = instances(emulator)
        spot, plain = vms["jspecial-cheap-0001"], vms["jspecial-big-0001"]
        assert spot["scheduling"]["provisioningModel"] == "SPOT"
        assert {spot["scheduling"][k] for k in ("instanceTerminationAction",)} == {"DELETE"}
        assert plain["scheduling"]["maxRunDuration"]["seconds"] == "7200"
        assert plain["machineType"].rpartition("/")[2] == "n2-standard-4"
        assert plain["disks"][0]["diskSizeGb"] == "30" and plain["labels"]["team"] == "lab"
        assert emulator.count("routers.insert") == routers, "this one has no way out"
        taken = vms["jspecial-cheap-0002"]
        emulator.happen("preempt", taken["name"])
        until(lambda: instances(emulator).get(taken["name"], taken)["id"] != taken["id"], 60)
        # The group made it anew under its name, and it joins by itself.
        job = ("ssh", "jspecial", "--", "srun", "-N5", "--immediate=5", "hostname")
        until(lambda: len(set(cli(*job, expect=None).stdout.split())) == 5, 90)
    finally:
        cli("down", "jspecial", "--yes", expect=None)


def instances(emulator: Emulator) -> dict[str, Any]:
    """The API's VMs by name."""
    path = "compute/v1/projects/emulated/aggregated/instances?maxResults=500"
    with urllib.request.urlopen(f"{emulator.endpoint}/{path}") as answer:
        scopes = json.load(answer)["items"].values()
    return {vm["name"]: vm for scope in scopes for vm in scope.get("instances", [])}


def test_without_the_state_folder_down_works_from_labels(cli: Cli, emulator: Emulator) -> None:
    """Last in the module: it removes the cluster."""
    shutil.move(cli.state / "provision", cli.state / "elsewhere")
    assert NAME in cli("list").stdout
    cli("down", NAME)
    assert emulator.control("resources") == []
    assert emulator.control("machines") == []


def changes(emulator: Emulator) -> int:
    """How many calls there were that change something."""
    reading = (
        "get",
        "getFromFamily",
        "list",
        "aggregatedList",
        "getSerialPortOutput",
        "listErrors",
    )
    calls = emulator.control("calls")
    return sum(sum(n.values()) for name, n in calls.items() if name.split(".")[-1] not in reading)
