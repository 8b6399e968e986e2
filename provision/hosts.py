"""The outputs of a cluster for other tools: OpenSSH, Ansible, /etc/hosts, JSON."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from provision.cloud import Endpoint
from provision.keys import Keys
from provision.names import USER, short_name


@dataclass(frozen=True, slots=True)
class Node:
    """One machine as other tools need it."""

    name: str
    role: str
    group: str
    address: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """All of one cluster. ``folder`` holds its key and configuration files."""

    cluster: str
    folder: Path
    endpoint: Endpoint
    controller: Node
    workers: tuple[Node, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The controller, then the workers."""
        return (self.controller, *self.workers)


def ssh_config(inventory: Inventory) -> str:
    """An OpenSSH configuration: workers are reached through the controller, host keys are checked."""
    folder = inventory.folder
    common = [
        f"    User {USER}",
        f"    IdentityFile {folder / 'id_ed25519'}",
        "    IdentitiesOnly yes",
        f"    UserKnownHostsFile {folder / 'known_hosts'}",
        "    GlobalKnownHostsFile /dev/null",
        "    StrictHostKeyChecking yes",
        "    BatchMode yes",
    ]
    lines = [f"# Cluster {inventory.cluster}, written by provision; use it with ssh -F."]
    lines += _host(inventory, inventory.controller)
    lines += [
        f"    HostName {inventory.endpoint.address}",
        f"    Port {inventory.endpoint.port}",
        *common,
    ]
    for node in inventory.workers:
        lines += _host(inventory, node)
        lines += [f"    HostName {node.address}"]
    names = " ".join(f"{node.name} {_short(inventory, node)}" for node in inventory.workers)
    if names:
        lines += [f"Host {names}", f"    ProxyJump {inventory.controller.name}", *common]
    return "\n".join(lines) + "\n"


def known_hosts(inventory: Inventory, keys: Keys) -> str:
    """The host keys we gave the machines, under the names that ``ssh_config`` looks up."""
    lines = [f"{inventory.controller.name} {keys.controller_host.public}"]
    lines += [f"{node.name} {keys.worker_host.public}" for node in inventory.workers]
    return "\n".join(lines) + "\n"


def ansible(inventory: Inventory) -> str:
    """An Ansible inventory in YAML: groups ``controller`` and one per instance group."""
    groups: dict[str, Any] = {}
    for node in inventory.nodes:
        groups.setdefault(node.group, {"hosts": {}})["hosts"][node.name] = {
            "provision_address": node.address
        }
    variables = {
        "ansible_ssh_common_args": f"-F {inventory.folder / 'ssh_config'}",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    return yaml.safe_dump({"all": {"vars": variables, "children": groups}}, sort_keys=False)


def etc_hosts(inventory: Inventory) -> str:
    """Lines for ``/etc/hosts``."""
    return "".join(
        f"{node.address} {node.name} {_short(inventory, node)}\n" for node in inventory.nodes
    )


def as_dict(inventory: Inventory) -> dict[str, Any]:
    """Plain data: what ``--format json`` prints and ``outputs.json`` holds."""
    return {
        "cluster": inventory.cluster,
        "user": USER,
        "endpoint": asdict(inventory.endpoint),
        "ssh_config": str(inventory.folder / "ssh_config"),
        "controller": inventory.controller.name,
        "nodes": [asdict(node) for node in inventory.nodes],
    }


def last_controller(outputs: Mapping[str, Any]) -> tuple[str, Endpoint] | None:
    """Name and endpoint of the controller in what :func:`as_dict` wrote; None where there is neither."""
    name, where = outputs.get("controller"), outputs.get("endpoint")
    if not (isinstance(name, str) and name and isinstance(where, dict)):
        return None
    address, port = where.get("address"), where.get("port")
    if not (isinstance(address, str) and address and isinstance(port, int) and 0 < port < 65536):
        return None
    return name, Endpoint(address, port)


FORMATS: Mapping[str, Callable[[Inventory], str]] = {
    "ansible": ansible,
    "ssh": ssh_config,
    "hosts": etc_hosts,
}
"""Text formats by name; ``json`` is :func:`as_dict`."""


def _short(inventory: Inventory, node: Node) -> str:
    return short_name(inventory.cluster, node.name)


def _host(inventory: Inventory, node: Node) -> list[str]:
    return [f"Host {node.name} {_short(inventory, node)}", f"    HostKeyAlias {node.name}"]
