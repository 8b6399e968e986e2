"""Outputs for other tools."""

from pathlib import Path

import yaml

from provision.cloud import Endpoint
from provision.cluster import outputs
from provision.cluster.outputs import Inventory, Node
from provision.keys import new_keys

INVENTORY = Inventory(
    "demo",
    Path("/state/demo"),
    Endpoint("10.1.0.2", 2222),
    Node("demo-controller", "controller", "controller", "10.1.0.2"),
    (
        Node("demo-worker-0001", "worker", "worker", "10.1.0.10"),
        Node("demo-gpu-0001", "worker", "gpu", "10.1.0.11"),
    ),
)


def test_ssh_checks_host_keys_always_and_jumps_through_the_controller() -> None:
    text = outputs.ssh_config(INVENTORY)
    assert "StrictHostKeyChecking no" not in text
    assert text.count("StrictHostKeyChecking yes") == 2
    assert "ProxyJump demo-controller" in text and "Port 2222" in text
    assert "Host demo-worker-0001 worker-0001" in text


def test_every_node_is_known_by_the_key_of_its_role() -> None:
    keys = new_keys("demo")
    lines = dict(line.split(" ", 1) for line in outputs.known_hosts(INVENTORY, keys).splitlines())
    assert set(lines) == {node.name for node in INVENTORY.nodes}
    assert lines["demo-controller"] == keys.controller_host.public
    assert lines["demo-gpu-0001"] == keys.worker_host.public


def test_ansible_has_a_group_per_instance_group() -> None:
    found = yaml.safe_load(outputs.ansible(INVENTORY))["all"]
    assert set(found["children"]) == {"controller", "worker", "gpu"}
    assert list(found["children"]["gpu"]["hosts"]) == ["demo-gpu-0001"]
    assert found["vars"]["ansible_ssh_common_args"] == "-F /state/demo/ssh_config"


def test_etc_hosts_has_both_names() -> None:
    assert "10.1.0.10 demo-worker-0001 worker-0001\n" in outputs.etc_hosts(INVENTORY)


def test_plain_data_names_the_controller_and_all_nodes() -> None:
    data = outputs.as_dict(INVENTORY)
    assert data["controller"] == "demo-controller"
    assert [node["name"] for node in data["nodes"]][1:] == ["demo-worker-0001", "demo-gpu-0001"]
