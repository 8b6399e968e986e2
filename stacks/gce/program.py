"""A cluster on GCE as a Pulumi program: a pure function of the launch and the place.

    network ── subnetwork ─┬─ the controller's address ── controller
          │                └─ template ── instance group (one or more for each group of the plan)
          ├─ firewall rules: SSH to the controller from the caller, everything inside
          └─ router with NAT

The controller needs the rules too, and an instance group all but the controller: its machines take
the first addresses that are free, and what they do when they boot needs the NAT and the way inside.
What needs what is said here, and never left to what is usually made sooner.

Names are deterministic, so links are known before anything exists and a preview shows them.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pulumi

from provision.cloud import Launch
from provision.clouds.gce.place import Place
from provision.labels import CLUSTER, CONTROLLER, GROUP, ROLE, WORKER
from provision.names import parts
from provision.plan import PlannedGroup
from provision.provider.declare import Declared, declare
from provision.spec import hostmaintenance

MODULE = "provision:gce"
LINK = "projects/{project}/{scope}/{collection}/{name}"


def program(launch: Launch, place: Place) -> None:
    """Declare everything of the launch's plan; exports what there will be."""
    plan = launch.plan
    common = {"project": place.project, "marks": {**launch.marks, CLUSTER: plan.name}}
    regional = {**common, "region": place.region}
    name = plan.network
    network = declare(f"{MODULE}:Network", name, {**common, "name": name})
    link = LINK.format(project=place.project, scope="global", collection="networks", name=name)
    subnetwork = declare(
        f"{MODULE}:Subnetwork", name,
        {**regional, "name": name, "network": link, "range": plan.subnet},
        depends_on=[network],
    )  # fmt: skip
    subnet = LINK.format(
        project=place.project, scope=f"regions/{place.region}", collection="subnetworks", name=name
    )
    rules = _firewalls(launch, place, common, link, network)
    ways = list(rules)
    if place.nat:
        router = {**regional, "name": name, "network": link}
        ways.append(declare(f"{MODULE}:Router", name, router, depends_on=[network]))
    reserved = {
        "name": plan.controller.name,
        "subnetwork": subnet,
        "address": plan.controller.address,
    }
    address = declare(
        f"{MODULE}:Address", plan.controller.name, {**regional, **reserved}, depends_on=[subnetwork]
    )
    controller = _controller(launch, place, common, subnet, [address, *rules])
    for group in plan.groups:
        _group(launch, place, common, subnet, group, subnetwork, [address, *ways])
    pulumi.export("controller", controller["external"])
    pulumi.export("zone", controller["zone"])
    pulumi.export("nodes", sum(len(group.machines) for group in plan.groups))


def _firewalls(
    launch: Launch, place: Place, common: Mapping[str, Any], link: str, network: Declared
) -> list[Declared]:
    plan = launch.plan
    rules = {
        "ssh": {"sources": [place.ssh_from], "targets": [plan.controller.name], "ports": ["22"]},
        "inside": {"sources": [plan.subnet], "targets": [], "ports": []},
    }
    return [
        declare(
            f"{MODULE}:Firewall", f"{plan.network}-{word}",
            {**common, "name": f"{plan.network}-{word}", "network": link, **rule},
            depends_on=[network],
        )
        for word, rule in rules.items()
    ]  # fmt: skip


def _controller(
    launch: Launch, place: Place, common: Mapping[str, Any], subnet: str, needs: list[Declared]
) -> Declared:
    planned, cloud = launch.plan.controller, place.cloud
    inputs = {
        **common,
        "name": planned.name,
        "zones": list(place.zones),
        "subnetwork": subnet,
        "address": planned.address,
        "image": place.image,
        "machine_type": cloud.controller_type,
        **hostmaintenance.policy([cloud.controller_type]),
        "disk_gb": cloud.disk_gb,
        "disk_type": cloud.disk_type,
        "spot": False,
        "seconds": launch.plan.ttl or 0,
        "labels": _labels(launch, place, CONTROLLER, CONTROLLER),
        "tags": [planned.name],
        "user_data": launch.user_data[CONTROLLER],
    }
    return declare(
        f"{MODULE}:Controller", planned.name, inputs, outputs=["zone", "external"],
        secret=["user_data"], depends_on=needs,
    )  # fmt: skip


def _group(
    launch: Launch, place: Place, common: Mapping[str, Any], subnet: str, group: PlannedGroup,
    subnetwork: Declared, needs: list[Declared],
) -> None:  # fmt: skip
    """One template, and an instance group for each part of the group once there is what it needs."""
    base = f"{launch.plan.name}-{group.name}"
    inputs = {
        **common,
        "subnetwork": subnet,
        "image": place.image,
        "machine_type": group.machine_types[0],
        **hostmaintenance.policy(group.machine_types),
        "disk_gb": group.disk_gb,
        "disk_type": group.disk_type,
        "spot": group.spot,
        "seconds": launch.plan.ttl or 0,
        "labels": _labels(launch, place, WORKER, group.name),
        "tags": [base],
        "user_data": launch.user_data[group.name],
    }
    # What a template is cannot change, so its name follows from what is in it.
    name = f"{base}-{hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:8]}"
    template = declare(
        f"{MODULE}:Template", base, {**inputs, "name": name}, secret=["user_data"],
        depends_on=[subnetwork],
    )  # fmt: skip
    link = LINK.format(
        project=place.project, scope="global", collection="instanceTemplates", name=name
    )
    sizes = parts(launch.plan.name, group.name, len(group.machines), place.cloud.traits.per_group)
    for part, size in sizes.items():
        wanted = {
            **common,
            "region": place.region,
            "name": part,
            "template": link,
            "size": size,
            # All of them: left to itself, GCE chooses three, and a stock-out there is one of all.
            "zones": list(place.zones),
            "machine_types": list(group.machine_types),
        }
        declare(f"{MODULE}:Group", part, wanted, depends_on=[template, *needs])


def _labels(launch: Launch, place: Place, role: str, group: str) -> dict[str, str]:
    """Ours above the user's own."""
    marks = {**launch.marks, CLUSTER: launch.plan.name, ROLE: role, GROUP: group}
    return {**place.cloud.labels, **marks}
