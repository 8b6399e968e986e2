"""What we write for other tools, read by those tools, for clusters in every state."""

import ipaddress
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.cloud import Endpoint, Phase
from provision.cluster import outputs
from provision.cluster.outputs import Inventory, Node
from provision.keys import new_keys

UP = Node("demo-worker-0001", "worker", "worker", "10.1.0.10", "started")
STOPPED = Node("demo-worker-0002", "worker", "worker", "", "stopped")
UNREACHED = Node("demo-worker-0003", "worker", "worker", "", "requested")
FAILED = Node("demo-gpu-nodes-0001", "worker", "gpu-nodes", "", Phase.REQUESTED.value)
UNNAMED = Node("", "worker", "worker", "", "requested")
NAMELESS = Node("", "worker", "worker", "10.1.0.15", "started")
OTHER = Node("demo-all-0001", "worker", "all", "10.1.0.14", "started")
CONTROLLER = Node("demo-controller", "controller", "controller", "10.1.0.2", "started")
GONE = Node("demo-controller", "controller", "controller", "", "stopped")
CLUSTERS = {
    "well": (CONTROLLER, (UP, OTHER)),
    "stopped": (CONTROLLER, (UP, STOPPED)),
    "unreached": (CONTROLLER, (UNREACHED, UP)),
    "failed": (CONTROLLER, (FAILED, UP)),
    "unnamed": (CONTROLLER, (UNNAMED, NAMELESS, UP)),
    "all of it": (CONTROLLER, (STOPPED, UNREACHED, FAILED, UNNAMED, UP, OTHER)),
    "none reached": (CONTROLLER, (STOPPED, FAILED)),
    "no worker": (CONTROLLER, ()),
    "no controller": (GONE, (UP, STOPPED)),
}


@pytest.fixture(params=CLUSTERS)
def inventory(request: pytest.FixtureRequest, tmp_path: Path) -> Inventory:
    """Written, as ``up`` and ``ssh`` write it, to a folder that no shell and no OpenSSH likes."""
    controller, workers = CLUSTERS[request.param]
    folder = tmp_path / "my state 100%h"
    folder.mkdir()
    made = Inventory("demo", folder, Endpoint(controller.address, 2222), controller, workers)
    (folder / "ssh_config").write_text(outputs.ssh_config(made))
    (folder / "known_hosts").write_text(outputs.known_hosts(made, new_keys("demo")))
    (folder / "inventory.yml").write_text(outputs.ansible(made))
    return made


def told(*command: object, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        check=False,
    )
    assert done.returncode == expect, done
    return done


def reached(inventory: Inventory) -> list[Node]:
    return [node for node in inventory.nodes if node.name and node.address]


def test_openssh_reads_its_configuration_for_every_node(inventory: Inventory) -> None:
    for node in inventory.nodes:
        if not node.name:
            continue
        for name in (node.name, node.name.removeprefix("demo-")):
            done = told("ssh", "-G", "-F", inventory.folder / "ssh_config", name)
            said = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
            assert said["hostkeyalias"] == node.name
            if node.address:
                assert said["hostname"] == node.address and said["user"] == "provision"
                # -G shows the tokens as they stand; only what is used is expanded.
                key = str(inventory.folder / "id_ed25519")
                assert "%" in key and said["identityfile"] == key.replace("%", "%%")


def test_openssh_says_of_a_node_without_address_why(inventory: Inventory) -> None:
    for node in inventory.nodes:
        if node.name and not node.address:
            done = told("ssh", "-F", inventory.folder / "ssh_config", node.name, expect=255)
            assert f"{node.name} is {node.phase} and has no address" in done.stderr


def test_every_named_node_is_known_to_ssh_keygen(inventory: Inventory) -> None:
    for node in inventory.nodes:
        if node.name:
            done = told("ssh-keygen", "-F", node.name, "-f", inventory.folder / "known_hosts")
            assert "ssh-ed25519" in done.stdout
    told("ssh-keygen", "-l", "-f", inventory.folder / "known_hosts")


def test_ansible_reads_its_inventory_without_a_warning(inventory: Inventory) -> None:
    program = Path(sys.executable).with_name("ansible-inventory")
    done = told(program, "-i", inventory.folder / "inventory.yml", "--list")
    assert "WARNING" not in done.stderr and "ERROR" not in done.stderr, done.stderr
    listed = json.loads(done.stdout)
    hostvars = listed["_meta"]["hostvars"]
    assert set(hostvars) == {node.name for node in reached(inventory)}
    groups = {name for name in listed if listed[name].get("hosts")} - {"all", "ungrouped"}
    assert groups == {outputs._ansible_name(node.group) for node in reached(inventory)}


def test_etc_hosts_has_an_address_in_every_line_that_counts(inventory: Inventory) -> None:
    lines = outputs.etc_hosts(inventory).splitlines()
    counting = [line.split() for line in lines if not line.startswith("#")]
    assert all(ipaddress.ip_address(words[0]) and len(words) == 3 for words in counting)
    assert {words[1] for words in counting} == {node.name for node in reached(inventory)}


def test_prometheus_gets_targets_and_labels_that_are_text(inventory: Inventory) -> None:
    """The form of <file_sd_config>: a list of {"targets": [host], "labels": {name: value}}."""
    listed = json.loads(outputs.FORMATS["prometheus"](inventory))
    for one in listed:
        (target,) = one["targets"]
        address, _, port = target.partition(":")
        assert ipaddress.ip_address(address) and port == "9100"
        assert all(isinstance(value, str) and value for value in one["labels"].values())
    assert {one["labels"]["node"] for one in listed} == {n.name for n in reached(inventory)}


def test_plain_data_names_every_node_and_its_phase(inventory: Inventory) -> None:
    data = json.loads(json.dumps(outputs.as_dict(inventory)))
    assert len(data["nodes"]) == len(inventory.nodes)
    assert {node["phase"] for node in data["nodes"]} <= {phase.value for phase in Phase}
