"""The controller, a single VM, and the templates that groups make their VMs of."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from provision.clouds.common.kind import Listed, first_with_room
from provision.clouds.gce.api.listing import Row
from provision.clouds.gce.client import Gce
from provision.clouds.gce.resources.kind import (
    Body,
    GceKind,
    as_text,
    from_text,
    last,
    seconds,
    short,
)
from provision.clouds.gce.resources.networks import NAMED
from provision.clouds.gce.settings import region_of
from provision.errors import CloudFailure
from provision.labels import CLUSTER, CONTROLLER, ROLE
from provision.provider.resource import Created, Inputs, Outputs, Work

HARDWARE = frozenset(
    {
        "image", "machine_type", "disk_gb", "disk_type", "spot", "seconds", "maintenance", "labels",
        "tags",
    }
)  # fmt: skip
"""Inputs that say what a VM is; ``seconds`` is its longest life, 0 for no end. ``maintenance``, the
``onHostMaintenance``, is there only where Google's default is refused."""
SHOWN = (
    "id,name,labels,status,statusMessage,creationTimestamp,lastStartTimestamp,machineType,zone,selfLink,"
    "networkInterfaces(networkIP,accessConfigs/natIP)"
)
"""Fields of a listed VM; the whole of it would bring its user-data along, a thousand times."""


def properties(inputs: Inputs) -> Body:
    """What a template and a single VM have in common. Types are names, not links."""
    initialize = {
        "source_image": inputs["image"],
        "disk_size_gb": int(inputs["disk_gb"]),
        "labels": dict(inputs["labels"]),
    }
    return {
        "labels": dict(inputs["labels"]),
        "tags": {"items": list(inputs["tags"])},
        "disks": [{"boot": True, "auto_delete": True, "initialize_params": initialize}],
        "metadata": {
            "items": [
                {"key": "user-data", "value": inputs["user_data"]},
                # Who may log in is said by the user-data alone.
                {"key": "block-project-ssh-keys", "value": "TRUE"},
            ]
        },
        "scheduling": scheduling(
            bool(inputs["spot"]), int(inputs["seconds"]), str(inputs.get("maintenance", ""))
        ),
        # Least privilege: no service account, so nothing on a node can use the project's API.
        "service_accounts": [],
    }


def scheduling(spot: bool, seconds: int, maintenance: str = "") -> Body:
    """Spot VMs and VMs with a longest life are deleted at the end, not kept and billed for a disk.

    Others start again after maintenance (``automaticRestart`` is true unless it is said).
    """
    made: Body = {"provisioning_model": "SPOT" if spot else "STANDARD"}
    if maintenance:
        made["on_host_maintenance"] = maintenance
    if spot:
        made |= {"automatic_restart": False, "on_host_maintenance": "TERMINATE"}
    if spot or seconds:
        made["instance_termination_action"] = "DELETE"
    if seconds:
        made["max_run_duration"] = {"seconds": seconds}
    return made


class Template(GceKind):
    """A template cannot change: its name ends with a hash of what is in it.

    Inputs: :data:`HARDWARE`, ``subnetwork`` (a link) and ``user_data``.
    """

    token = "provision:gce:Template"
    noun, collection, client = "instance template", "instanceTemplates", "InstanceTemplatesClient"
    argument = "instance_template"
    regional = False
    replace_on = NAMED | HARDWARE | {"subnetwork", "user_data"}
    secret = frozenset({"user_data"})
    delete_first = False  # a group uses it until it is given the next one

    def body(self, inputs: Inputs) -> Body:
        """Workers have no public address."""
        made = properties(inputs)
        made["machine_type"] = inputs["machine_type"]
        made["disks"][0]["initialize_params"]["disk_type"] = inputs["disk_type"]
        made["network_interfaces"] = [{"subnetwork": inputs["subnetwork"]}]
        return {
            "name": inputs["name"],
            "description": as_text(inputs["marks"]),
            "properties": made,
        }

    def seen(self, found: Any) -> dict[str, Any]:
        """Its content is in its name."""
        return {}


class Controller(GceKind):
    """The controller's VM, in the first of ``zones`` that has room, with one public address.

    Inputs: :data:`HARDWARE`, ``zones``, ``subnetwork``, ``address`` (its internal one) and
    ``user_data``. Outputs: ``zone``, and ``external``, its public address.
    """

    token = "provision:gce:Controller"
    noun, collection, client, argument = "VM", "instances", "InstancesClient", "instance"
    outputs = frozenset({"zone", "external"})
    replace_on = NAMED | HARDWARE | {"subnetwork", "address", "user_data"}
    secret = frozenset({"user_data"})

    def body(self, inputs: Inputs) -> Body:
        """Where it stands is added by :meth:`insert`."""
        access = {"name": "External NAT", "type_": "ONE_TO_ONE_NAT"}
        interface = {
            "subnetwork": inputs["subnetwork"],
            "network_i_p": inputs["address"],
            "access_configs": [access],
        }
        described = as_text(inputs["marks"])
        return {
            **properties(inputs),
            "name": inputs["name"],
            "description": described,
            "network_interfaces": [interface],
        }

    def ident(self, inputs: Inputs) -> str:
        """In the zone that is given; a VM may stand in any of several."""
        return f"projects/{inputs['project']}/zones/{inputs['zone']}/instances/{inputs['name']}"

    def create(self, inputs: Inputs, work: Work) -> Created:
        """Zone after zone, until one is not out of stock."""
        if ident := self.find(inputs):
            return self.created(ident, inputs)

        def create_in(zone: str) -> Created:
            ident = self.ident({**inputs, "zone": zone})
            insert = partial(self.insert, {**inputs, "zone": zone}, work)
            return self.inserted(ident, inputs, work, insert)

        return first_with_room(map(str, inputs["zones"]), create_in)

    def insert(self, inputs: Inputs, work: Work) -> None:
        """In the zone that is given, of which its types are."""
        zone, body = inputs["zone"], self.body(inputs)
        body["machine_type"] = f"zones/{zone}/machineTypes/{inputs['machine_type']}"
        initialize = body["disks"][0]["initialize_params"]
        initialize["disk_type"] = f"zones/{zone}/diskTypes/{inputs['disk_type']}"
        self.work(
            "insert", f"create the VM {inputs['name']}", work, project=inputs["project"],
            zone=zone, instance_resource=body,
        )  # fmt: skip

    def created(self, ident: str, inputs: Inputs) -> Created:
        """Look which address it got."""
        found = self.get(ident)
        if found is None:
            raise CloudFailure(f"the VM {inputs['name']} has gone again", "run it again")
        return Created(ident, {**inputs, **self.seen(found)})

    def find(self, inputs: Inputs) -> str | None:
        """In whichever zone it is."""
        for zone in inputs["zones"]:
            ident = self.ident({**inputs, "zone": str(zone)})
            found = self.get(ident)
            if found is not None and self.ours(found, inputs):
                return ident
        return None

    def marks(self, found: Any) -> dict[str, str]:
        """Its labels hold more than ours."""
        return {**dict(found.labels), **from_text(found.description)}

    def seen(self, found: Any) -> dict[str, Any]:
        """Zone and addresses, and what it is."""
        (interface,) = found.network_interfaces
        return {
            "zone": last(found.zone),
            "external": next((access.nat_i_p for access in interface.access_configs), ""),
            "address": interface.network_i_p,
            "subnetwork": short(interface.subnetwork),
            "machine_type": last(found.machine_type),
        }

    def change(self, ident: str, old: Outputs, new: Inputs, work: Work) -> None:
        """Another list of zones moves nothing that stands."""

    def at(self, ident: str) -> dict[str, Any]:
        """An instance is of a zone."""
        words = ident.split("/")
        return {"project": words[1], "zone": words[3], "instance": words[-1]}

    def start(self, ident: str, work: Work) -> None:
        """Start it again, with the disk that it has."""
        self.work("start", f"start the VM {last(ident)}", work, **self.at(ident))

    def console(self, ident: str) -> str:
        """What the VM wrote on serial port 1, its last megabyte."""
        doing = f"read the serial port of {last(ident)}"
        return str(self.ask("get_serial_port_output", doing, **self.at(ident)).contents)

    def listed(self, *, everywhere: bool = False) -> Iterator[Listed]:
        """All VMs with our label, those of groups left out: they go with their group."""
        yield from map(self.of_row, instances(self.gce, role=CONTROLLER))

    def of_row(self, found: Row) -> Listed:
        """A VM of a list."""
        region = region_of(last(found.get("zone", "")))
        kind = last(found.get("machineType", ""))
        created = seconds(found.get("creationTimestamp", ""))
        marks = dict(found.get("labels", {}))
        return Listed(
            short(found.get("selfLink", "")), marks, region, created, (kind,) * bool(kind)
        )


def instances(gce: Gce, cluster: str = "", name: str = "", role: str = "") -> Iterator[Row]:
    """All VMs of the project that carry our label, or this cluster's, or one of them, by page."""
    return gce.listed("list instances", "aggregated/instances", SHOWN, ours(cluster, name, role))


def ours(cluster: str = "", name: str = "", role: str = "") -> str:
    """The filter of a list for what carries our label; further words make it narrower."""
    words = [f'labels.{CLUSTER}="{cluster}"' if cluster else f"labels.{CLUSTER}:*"]
    words += [f'labels.{ROLE}="{role}"'] if role else []
    words += [f'name="{name}"'] if name else []
    return words[0] if len(words) == 1 else " AND ".join(f"({word})" for word in words)
