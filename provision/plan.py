"""Pure: a spec becomes groups, names, addresses and totals.

The same frozen plan goes to preflight, to the cloud and to readiness, so that all three speak of the
same machines. Equal specs give equal plans, byte for byte.
"""

import hashlib
import ipaddress
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from provision.errors import Finding, SpecError
from provision.labels import CONTROLLER, WORKER
from provision.names import machine_name, parts
from provision.spec import reserved
from provision.spec.clouds import CLOUD_KINDS, HARDWARE, Cloud
from provision.spec.identity import fingerprints
from provision.spec.models import Group, Spec, duration_text

SMALL = 50
"""Up to this many nodes the default quorum is all of them, above it :data:`LARGE_QUORUM`."""
LARGE_QUORUM = 0.98
RESERVED = 10
"""Addresses at the start of a subnet that no worker gets: gateway, controller, room for roles."""
FIRST_PREFIX = 20
"""A subnet holds 4,083 workers unless more are asked for."""
SUBNETS = ipaddress.IPv4Network("10.128.0.0/10")
"""Default subnets are cut from here: clear of docker's 172.17/12, podman's 10.88 and 192.168."""


@dataclass(frozen=True, slots=True)
class PlannedMachine:
    """A machine that shall exist.

    ``address`` is IPv4 text inside the plan's subnet, or '' where the cloud gives one.
    """

    name: str
    group: str
    role: str
    address: str


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """Machines of one kind, all booted with the same user-data.

    ``machine_types``, best first, are empty where the cloud has none; ``disk_gb`` is GiB, 0 where the
    cloud gives no disks.
    """

    name: str
    role: str
    machines: tuple[PlannedMachine, ...]
    user_data: str = field(default="", repr=False)
    machine_types: tuple[str, ...] = ()
    spot: bool = False
    disk_gb: int = 0
    disk_type: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an ``up`` will create. Durations are seconds, ``quorum`` a share, ``needed`` a count."""

    name: str
    cloud: Cloud
    scheduler: str
    subnet: str
    controller: PlannedMachine
    groups: tuple[PlannedGroup, ...]
    quorum: float
    needed: int
    deadline: int
    replace_after: int
    ttl: int | None
    spec_fingerprint: str
    plan_fingerprint: str
    spec: Spec = field(repr=False)

    @property
    def workers(self) -> tuple[PlannedMachine, ...]:
        """All workers of all groups, in order of group and number."""
        return tuple(machine for group in self.groups for machine in group.machines)

    @property
    def machines(self) -> Iterator[PlannedMachine]:
        """The controller, then the workers."""
        yield self.controller
        yield from self.workers

    def own_part(self, group: str) -> str:
        """The spec's own user-data for the machines of a group, the controller's being ``controller``."""
        parts = {each.name: each.user_data for each in self.groups}
        return parts.get(group, self.spec.controller.user_data if group == CONTROLLER else "")

    @property
    def network(self) -> str:
        """Name of the cluster's network."""
        return self.name

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain data, in a fixed order, for ``--output json``."""
        return {
            "name": self.name,
            "cloud": self.cloud.model_dump(mode="json"),
            "scheduler": self.scheduler,
            "subnet": self.subnet,
            "controller": asdict(self.controller),
            "groups": [
                {"name": g.name, "role": g.role, "machines": [asdict(m) for m in g.machines]}
                for g in self.groups
            ],
            "ready": {
                "quorum": self.quorum,
                "needed": self.needed,
                "deadline": duration_text(self.deadline),
                "replace_after": duration_text(self.replace_after),
            },
            "ttl": duration_text(self.ttl) if self.ttl else None,
            "totals": {"machines": 1 + len(self.workers), "workers": len(self.workers)},
            "fingerprint": self.plan_fingerprint,
        }


def plan_of(spec: Spec) -> Plan:
    """Work out the plan.

    Raises:
        SpecError: a group has a name that is taken or reserved, or the subnet cannot hold the machines.
    """
    subnet = _subnet(spec)
    if wrong := _wrong(spec, subnet):
        raise SpecError(wrong)
    groups = _groups(spec, subnet)
    total = sum(group.nodes for group in spec.groups.values())
    quorum = spec.ready.quorum or (1.0 if total <= SMALL else LARGE_QUORUM)
    marks = fingerprints(spec)
    return Plan(
        name=spec.name,
        cloud=spec.cloud,
        scheduler=spec.scheduler,
        subnet=str(subnet),
        controller=PlannedMachine(
            f"{spec.name}-{CONTROLLER}", CONTROLLER, CONTROLLER, str(subnet[2])
        ),
        groups=groups,
        quorum=quorum,
        needed=math.ceil(round(quorum * total, 9)),
        deadline=spec.ready.deadline,
        replace_after=spec.ready.replace_after,
        ttl=spec.ttl,
        spec_fingerprint=marks["spec"],
        plan_fingerprint=marks["plan"],
        spec=spec,
    )


def with_nodes(spec: Spec, nodes: Mapping[str, int]) -> Spec:
    """The same spec with other node counts for the groups named."""
    groups = {
        name: group.model_copy(update={"nodes": nodes.get(name, group.nodes)})
        for name, group in spec.groups.items()
    }
    return spec.model_copy(update={"groups": groups})


def _wrong(spec: Spec, subnet: ipaddress.IPv4Network) -> list[Finding]:
    findings = []
    if CONTROLLER in spec.groups:
        findings.append(
            Finding(
                "groups.controller", "this name is the controller's", "call the group otherwise"
            )
        )
    findings += reserved.findings(spec)
    findings += _of_clouds(spec)
    names = [
        part
        for name, group in spec.groups.items()
        for part in parts(spec.name, name, group.nodes, spec.cloud.traits.per_group)
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        findings.append(
            Finding("groups", f"two of them lead to the name {twice[0]}", "rename one of them")
        )
    span = _span(spec)
    if span > subnet.num_addresses - 1:
        findings.append(
            Finding(
                "cloud.subnet",
                f"{subnet} has {subnet.num_addresses} addresses and {span + 1} are needed",
                f"give a subnet of /{_prefix_for(span)} or larger",
            )
        )
    return findings


def _of_clouds(spec: Spec) -> Iterator[Finding]:
    """What a group asks for and this kind of cloud does not offer."""
    for name, group in spec.groups.items():
        for key in HARDWARE:
            if getattr(group, key) and key not in spec.cloud.traits.hardware:
                others = [k for k, cloud in CLOUD_KINDS.items() if key in cloud.traits.hardware]
                yield Finding(
                    f"groups.{name}.{key}",
                    f"machines of the cloud {spec.cloud.kind} have none",
                    f"leave it out, or choose cloud: {' or '.join(others)}",
                )


def _groups(spec: Spec, subnet: ipaddress.IPv4Network) -> tuple[PlannedGroup, ...]:
    return tuple(
        PlannedGroup(
            name=name,
            role=WORKER,
            user_data=group.user_data,
            machines=tuple(
                PlannedMachine(
                    name=machine_name(spec.name, name, number, spec.cloud.traits.per_group),
                    group=name,
                    role=WORKER,
                    address=_address(spec, subnet, number, turn),
                )
                for number in range(1, group.nodes + 1)
            ),
            **_hardware(spec, group),
        )
        for name, group in spec.groups.items()
        for turn in [sorted(spec.groups).index(name)]  # their order in a file says nothing
    )


def _address(spec: Spec, subnet: ipaddress.IPv4Network, number: int, turn: int) -> str:
    """A worker's address: groups take turns, so that scaling one moves no address of another.

    Where machines come from instance groups, the cloud gives the addresses.
    """
    if spec.cloud.traits.gives_addresses:
        return ""
    return str(subnet[RESERVED + (number - 1) * len(spec.groups) + turn])


def _hardware(spec: Spec, group: Group) -> dict[str, Any]:
    """What the group says, or the cloud's own default: the key of the same name, a type in ``machines``."""
    cloud, own = spec.cloud, {key: getattr(group, key) for key in spec.cloud.traits.hardware}
    if "machine_types" in own:
        own["machine_types"] = own["machine_types"] or (cloud.machines,)
    return {key: value or getattr(cloud, key, value) for key, value in own.items()}


def _span(spec: Spec) -> int:
    """How far into the subnet the last address may lie that is used."""
    if spec.cloud.traits.gives_addresses:
        nodes = sum(group.nodes for group in spec.groups.values())
        return nodes + spec.cloud.traits.reserved_addresses
    return RESERVED + len(spec.groups) * max(group.nodes for group in spec.groups.values())


def _prefix_for(span: int) -> int:
    return 32 - math.ceil(math.log2(span + 2))


def _subnet(spec: Spec) -> ipaddress.IPv4Network:
    """The subnet asked for, or one derived from the cluster's name: the same name, the same subnet."""
    if spec.cloud.subnet:
        return ipaddress.IPv4Network(spec.cloud.subnet)
    span = _span(spec)
    prefix = min(FIRST_PREFIX, _prefix_for(span))
    slots = 2 ** (prefix - SUBNETS.prefixlen)
    slot = int.from_bytes(hashlib.sha256(spec.name.encode()).digest()[:8]) % slots
    base = int(SUBNETS.network_address) + slot * 2 ** (32 - prefix)
    return ipaddress.IPv4Network((base, prefix))
