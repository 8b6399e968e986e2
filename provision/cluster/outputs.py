"""The outputs of a cluster for other tools: OpenSSH, Ansible, Prometheus, /etc/hosts, JSON.

Each is valid to its own reader whatever state the nodes are in: one that has no address (it is stopped,
or was never reached) takes nothing from the others.
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from provision.cloud import Endpoint, Machine, Phase
from provision.errors import ProvisionError
from provision.keys import Keys
from provision.labels import CONTROLLER
from provision.names import USER, short_name

EXPORTER = 9100
"""Where Prometheus' node_exporter listens."""


@dataclass(frozen=True, slots=True)
class Node:
    """One machine as other tools need it. ``address`` is '' where it has none, ``phase`` says why."""

    name: str
    role: str
    group: str
    address: str
    phase: str = ""

    @property
    def absent(self) -> str:
        """What to say in the place of an address."""
        return f"{self.name} is {self.phase or 'not reached'} and has no address"


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


def node_of(machine: Machine) -> Node:
    """A machine as other tools need it."""
    return Node(machine.name, machine.role, machine.group, machine.address, machine.phase.value)


def controller_of(cluster: str, machines: Sequence[Machine]) -> Machine:
    """The cluster's controller; one that was replaced may still be listed beside the new one.

    Raises:
        ProvisionError: none is there.
    """
    found = [machine for machine in machines if machine.role == CONTROLLER]
    found.sort(key=lambda machine: (machine.phase is Phase.STOPPED, not machine.address))
    if not found:
        raise ProvisionError(
            f"{cluster} has no controller: its machine is gone", f"run 'provision repair {cluster}'"
        )
    return found[0]


def inventory_of(cluster: str, folder: Path, machines: Sequence[Machine]) -> Inventory:
    """The cluster's machines as other tools want them. Raises as :func:`controller_of`."""
    controller = controller_of(cluster, machines)
    workers = tuple(node_of(m) for m in machines if m.role != CONTROLLER)
    endpoint = Endpoint(controller.external or controller.address)
    return Inventory(cluster, folder, endpoint, node_of(controller), workers)


def ssh_config(inventory: Inventory) -> str:
    """An OpenSSH configuration: workers are reached through the controller, host keys are checked.

    A node without an address says so to whoever wants to log in to it.
    """
    folder = inventory.folder
    common = [
        f"    User {USER}",
        f"    IdentityFile {_quoted(folder / 'id_ed25519')}",
        "    IdentitiesOnly yes",
        f"    UserKnownHostsFile {_quoted(folder / 'known_hosts')}",
        "    GlobalKnownHostsFile /dev/null",
        "    StrictHostKeyChecking yes",
        "    BatchMode yes",
    ]
    lines = [f"# Cluster {inventory.cluster}, written by provision; use it with ssh -F."]
    lines += _host(inventory, inventory.controller, inventory.endpoint.address)
    if inventory.endpoint.address:
        lines += [f"    Port {inventory.endpoint.port}"]
    lines += common
    for node in inventory.workers:
        lines += _host(inventory, node, node.address)
    reached = [node for node in inventory.workers if node.address and node.name]
    names = " ".join(f"{node.name} {_short(inventory, node)}" for node in reached)
    if names:
        lines += [f"Host {names}", f"    ProxyJump {inventory.controller.name}", *common]
    return "\n".join(lines) + "\n"


def known_hosts(inventory: Inventory, keys: Keys) -> str:
    """The host keys we gave the machines, under the names that ``ssh_config`` looks up."""
    lines = [f"{inventory.controller.name} {keys.controller_host.public}"]
    lines += [f"{node.name} {keys.worker_host.public}" for node in inventory.workers if node.name]
    return "\n".join(lines) + "\n"


def ansible(inventory: Inventory) -> str:
    """An Ansible inventory in YAML: groups ``controller`` and one per instance group.

    Nodes without an address are left out: no play can do anything for them.
    """
    groups: dict[str, Any] = {}
    for node in _named(inventory):
        group = groups.setdefault(_ansible_name(node.group), {"hosts": {}})
        if node.address:
            group["hosts"][node.name] = {"provision_address": node.address}
    variables = {
        "ansible_ssh_common_args": f"-F {shlex.quote(str(inventory.folder / 'ssh_config'))}",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    import yaml  # takes a fiftieth of what a command may take that only looks

    return yaml.safe_dump({"all": {"vars": variables, "children": groups}}, sort_keys=False)


def prometheus(inventory: Inventory) -> str:
    """Targets for Prometheus' ``file_sd_configs``: node_exporter's port on every node.

    Labels are ``cluster``, ``group``, ``role`` and ``node``. (Prometheus: Configuration, file_sd_config)
    """
    targets = [
        {
            "targets": [f"{node.address}:{EXPORTER}"],
            "labels": {
                "cluster": inventory.cluster,
                "group": node.group,
                "role": node.role,
                "node": node.name,
            },
        }
        for node in _named(inventory)
        if node.address
    ]
    return json.dumps(targets, indent=2) + "\n"


def etc_hosts(inventory: Inventory) -> str:
    """Lines for ``/etc/hosts``."""
    return "".join(
        f"{node.address} {node.name} {_short(inventory, node)}\n"
        if node.address
        else f"# {node.absent}\n"
        for node in _named(inventory)
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
    "prometheus": prometheus,
}
"""Text formats by name; ``json`` is :func:`as_dict`."""


def _short(inventory: Inventory, node: Node) -> str:
    return short_name(inventory.cluster, node.name)


def _named(inventory: Inventory) -> list[Node]:
    """A cloud may list a machine before it has a name."""
    return [node for node in inventory.nodes if node.name]


def _host(inventory: Inventory, node: Node, address: str) -> list[str]:
    if not node.name:
        return []
    # OpenSSH refuses a whole file for one empty HostName. (The inner shell keeps stdout open until
    # it has spoken; ssh ends its command when that closes.)
    said = f"ProxyCommand sh -c 'echo \"{node.absent}\" >&2'"
    way = f"HostName {address}" if address else said
    return [
        f"Host {node.name} {_short(inventory, node)}",
        f"    HostKeyAlias {node.name}",
        f"    {way}",
    ]


def _quoted(path: Path) -> str:
    """As ssh_config(5) wants a path: quoted, and a ``%`` is none of its tokens."""
    return '"' + str(path).replace("%", "%%") + '"'


def _ansible_name(group: str) -> str:
    """A name that Ansible takes for a group: a variable's, and none of its own two."""
    name = re.sub(r"\W", "_", group)
    return f"{name}_group" if name in ("all", "ungrouped") else name
