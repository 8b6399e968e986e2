"""What a plan takes of each quota, at any number of nodes. Pure: nothing here asks Google.

Which metric a thing counts in: docs.cloud.google.com/compute/resource-usage, and the metrics of the
discovery document's ``Quota.metric``. Two of them mislead: E2 machines count in CPUS with N1's (a
region's E2_CPUS stays at 0 however many run), and families newer than the list have a limit each, which
only the Cloud Quotas API tells (``CPUS_PER_VM_FAMILY``).
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from provision.clouds.gce.place import Place
from provision.names import parts
from provision.plan import Plan, PlannedGroup, PlannedMachine
from provision.quota import Key, Present, Sizes

GLOBAL = "all regions"
"""Where a metric counts that is the project's, not a region's."""
Owned = tuple[str, str]
"""A resource that is there: collection and name."""

SHARED = ("e2", "n1", "f1", "g1", "custom")
"""Families that count in CPUS; ``custom-4-8192`` is one of N1's."""
OWN = ("n2", "n2d", "c2", "c2d", "c3", "t2d", "t2a", "a2", "m1", "m2", "m3")
"""Families with a metric of their own among those that a region lists."""
FAMILY = "CPUS_PER_VM_FAMILY"
SPOT = "PREEMPTIBLE_CPUS"
DISKS = {
    "pd-standard": "DISKS_TOTAL_GB",
    "pd-balanced": "SSD_TOTAL_GB",
    "pd-ssd": "SSD_TOTAL_GB",
    "pd-extreme": "SSD_TOTAL_GB",
    "hyperdisk-balanced": "HDB_TOTAL_GB",
}
NAT_MACHINES = 1008
"""Machines behind one address of a NAT: 64,512 ports, 64 for each (docs.cloud.google.com/nat, ports)."""


def cpu_metric(machine_type: str) -> str:
    """Where the vCPUs of that type count: ``N2_CPUS``, or ``CPUS_PER_VM_FAMILY (c4)``."""
    family = machine_type.partition("-")[0]
    if family in SHARED:
        return "CPUS"
    return f"{family.upper()}_CPUS" if family in OWN else f"{FAMILY} ({family})"


def disk_metric(disk_type: str) -> str:
    """Where the GB of that type count; types that no listed metric covers go by their own name."""
    return DISKS.get(disk_type, f"{disk_type} GB")


@dataclass(frozen=True, slots=True)
class Hardware:
    """What each type has, and whether spot machines draw on a pool of their own.

    ``vcpus`` is by machine type; one that is missing here does not exist, and counts for nothing.
    """

    vcpus: Mapping[str, int]
    spot_pool: bool = False


@dataclass(frozen=True)
class Demand:
    """What a plan takes beyond what is there: machines that run, and resources in ``owned``."""

    plan: Plan
    place: Place
    hardware: Hardware
    missing: Sequence[PlannedMachine]
    owned: Collection[Owned] = ()
    _present: Present = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lacking = {machine.name for machine in self.missing}
        object.__setattr__(self, "_present", Present(self.plan, lacking))

    def at(self, sizes: Sizes) -> dict[Key, float]:
        """What it takes with so many nodes in each group."""
        needs: Counter[Key] = Counter()
        cloud, region = self.place.cloud, self.place.region
        if any(machine == self.plan.controller for machine in self.missing):
            self._machines(needs, 1, (cloud.controller_type,), False)
            needs[region, disk_metric(cloud.disk_type)] += cloud.disk_gb
            needs[region, "IN_USE_ADDRESSES"] += 1
        for group in self.plan.groups:
            self._group(needs, group, sizes[group.name])
        self._network(needs)
        if self.place.nat:
            here = self._present.count
            all_of_them = max(here, sum(sizes.values()))
            more = _addresses(all_of_them) - _addresses(here)
            needs[region, "STATIC_ADDRESSES"] += more
        return {key: float(amount) for key, amount in needs.items()}

    def _group(self, needs: Counter[Key], group: PlannedGroup, size: int) -> None:
        region = self.place.region
        count = self._present.lacking(group.name, size)
        self._machines(needs, count, group.machine_types, group.spot)
        needs[region, disk_metric(group.disk_type)] += count * group.disk_gb
        names = parts(self.plan.name, group.name, size, self.plan.cloud.traits.per_group)
        fresh = [name for name in names if ("instanceGroupManagers", name) not in self.owned]
        for metric in ("REGIONAL_INSTANCE_GROUP_MANAGERS", "INSTANCE_GROUPS"):
            needs[region, metric] += len(fresh)
        # All parts of a group are made from one template.
        needs[GLOBAL, "INSTANCE_TEMPLATES"] += len(fresh) == len(names)

    def _machines(self, needs: Counter[Key], count: int, types: Sequence[str], spot: bool) -> None:
        """Count VMs. With several types, each family must be able to hold all of them.

        Which type a VM gets is the cloud's to choose when it makes it. What counts for a family is the
        first of its types, for all regions together the largest of those.
        """
        region, first = self.place.region, dict[str, int]()
        for kind in types:
            if kind in self.hardware.vcpus:
                first.setdefault(cpu_metric(kind), self.hardware.vcpus[kind])
        largest = max(first.values(), default=0)
        if spot and self.hardware.spot_pool:
            first = {SPOT: largest}
        for metric, vcpus in first.items():
            needs[region, metric] += count * vcpus
        needs[GLOBAL, "CPUS_ALL_REGIONS"] += count * largest
        needs[region, "INSTANCES"] += count
        needs[GLOBAL, "INSTANCES_PER_NETWORK_GLOBAL"] += count

    def _network(self, needs: Counter[Key]) -> None:
        for collection, name in network_names(self.plan, self.place):
            where, metric = (
                (self.place.region, "INTERNAL_ADDRESSES")
                if collection == "addresses"
                else (GLOBAL, collection.upper())
            )
            needs[where, metric] += (collection, name) not in self.owned


def network_names(plan: Plan, place: Place) -> list[Owned]:
    """The resources around the machines, as ``stacks/gce`` calls them."""
    name = plan.network
    made = [("networks", name), ("subnetworks", name)]
    made += [("firewalls", f"{name}-ssh"), ("firewalls", f"{name}-inside")]
    made += [("addresses", plan.controller.name)]
    return made + ([("routers", name)] if place.nat else [])


def _addresses(machines: int) -> int:
    return math.ceil(machines / NAT_MACHINES)
