"""Room for a VM: capacity of a zone, quota, addresses and disks, taken together or not at all."""

from dataclasses import dataclass, field
from typing import Any

from provision.emulator.addresses import NoAddress
from provision.emulator.gce import errors
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.errors import OperationError
from provision.emulator.gce.models import addresses, disks, networks
from provision.emulator.gce.models.blueprints import Blueprint
from provision.emulator.gce.models.disks import Disk
from provision.emulator.gce.models.subnetworks import CODES, Subnetwork
from provision.emulator.gce.world import Json, Project, last
from provision.emulator.quota import Exceeded

HELP = {
    "links": [
        {
            "description": "Troubleshooting documentation",
            "url": "https://cloud.google.com/compute/docs/resource-error",
        }
    ]
}


@dataclass(slots=True)
class Nic:
    """One interface: its subnetwork, its address there, and its external one or ''."""

    subnetwork: Subnetwork
    address: str
    external: str = ""
    reserved: bool = False


@dataclass(slots=True)
class Place:
    """What a VM occupies."""

    zone: str
    machine_type: str
    charges: dict[tuple[str, str], float] = field(repr=False)
    nics: list[Nic] = field(default_factory=list)
    disks: list[tuple[Disk | None, Json]] = field(default_factory=list)
    """Each attached disk's resource (None for local SSDs) with the attachment as given."""

    @property
    def address(self) -> str:
        """Address of the first interface."""
        return self.nics[0].address

    @property
    def external(self) -> str:
        """External address of the first interface, or ''."""
        return self.nics[0].external

    @property
    def network(self) -> str:
        """The link that the first interface stands on."""
        return self.nics[0].subnetwork.path

    @property
    def subnet(self) -> str:
        """That link's range, as CIDR text."""
        return self.nics[0].subnetwork.cidr


def take(
    cloud: Cloud, project: Project, zone: str, name: str, blueprint: Blueprint, region: str
) -> Place:
    """Take everything. Raises OperationError with nothing taken."""
    kind = blueprint.kind.name
    if cloud.capacity.full(zone, kind):
        raise _exhausted(cloud, project, zone, kind)
    place = Place(zone, kind, blueprint.charges(region, cloud, project))
    done: list[Any] = []
    try:
        _take_addresses(cloud, project, place, blueprint, region)
        _mark_static(cloud, project, place, name)
        for (_, metric), amount in _disk_charges(cloud, project, blueprint, region).items():
            place.charges[region, metric] = place.charges.get((region, metric), 0) + amount
        external = sum(1 for nic in place.nics if nic.external and not nic.reserved)
        if external:
            place.charges[region, "IN_USE_ADDRESSES"] = float(external)
        for nic in place.nics:
            per_network = ("global", f"INSTANCES_PER_NETWORK_GLOBAL:{last(nic.subnetwork.network)}")
            place.charges[per_network] = place.charges.get(per_network, 0) + 1
        cloud.quota.charge(project, place.charges)
        done.append(True)
        place.disks = disks.attach(cloud, project, zone, name, blueprint.disks)
    except Exceeded as short:
        _give_back_addresses(cloud, project, place)
        raise quota_error(cloud, short) from short
    except BaseException:
        if done:
            cloud.quota.release(project, place.charges)
        _give_back_addresses(cloud, project, place)
        raise
    cloud.capacity.take(zone, kind)
    return place


def _disk_charges(
    cloud: Cloud, project: Project, blueprint: Blueprint, region: str
) -> dict[tuple[str, str], float]:
    charges: dict[tuple[str, str], float] = {}
    for disk in blueprint.disks:
        for key, amount in disks.attachment_charges(cloud, project, disk, region).items():
            charges[key] = charges.get(key, 0) + amount
    return charges


def _take_addresses(
    cloud: Cloud, project: Project, place: Place, blueprint: Blueprint, region: str
) -> None:
    for index, interface in enumerate(blueprint.interfaces):
        field = f"resource.networkInterfaces[{index}]"
        subnetwork = networks.subnet_for(cloud, project, region, interface, field)
        try:
            address = subnetwork.allocate(interface.get("networkIP", ""))
        except NoAddress as full:
            raise OperationError(
                [{"code": CODES[full.why], "message": subnetwork.words(full)}], 409 if full.wanted else 503,
                "CONFLICT" if full.wanted else "SERVICE UNAVAILABLE",
            ) from full  # fmt: skip
        nic = Nic(subnetwork, address)
        place.nics.append(nic)
        for access in interface.get("accessConfigs") or []:
            wanted = access.get("natIP", "")
            nic.external = wanted or cloud.external.take()
            nic.reserved = bool(wanted)
            if wanted:
                addresses.occupy(cloud, project, region, wanted, True)


def _mark_static(cloud: Cloud, project: Project, place: Place, name: str) -> None:
    link = cloud.world.link(project.name, f"zones/{place.zone}", "instances", name)
    for nic in place.nics:
        addresses.occupy_internal(project, nic.subnetwork, nic.address, link)


def _give_back_addresses(cloud: Cloud, project: Project, place: Place) -> None:
    for nic in place.nics:
        nic.subnetwork.release(nic.address)
        addresses.occupy_internal(project, nic.subnetwork, nic.address)
        if nic.external and nic.reserved:
            addresses.occupy(cloud, project, cloud.catalogue.zones[place.zone], nic.external, False)
        elif nic.external:
            cloud.external.give(nic.external)


def release(cloud: Cloud, project: Project, place: Place) -> None:
    """Give everything back; disks with ``autoDelete`` go, the others are merely free."""
    cloud.quota.release(project, place.charges)
    _give_back_addresses(cloud, project, place)
    disks.detach(cloud, project, place.zone, place.disks)
    cloud.capacity.give(place.zone, place.machine_type)


def quota_error(cloud: Cloud, short: Exceeded) -> OperationError:
    """A quota that an accepted request ran into (kubernetes/k8s.io#6380, cluster-toolkit#3225)."""
    family = short.metric == "CPUS_PER_VM_FAMILY"
    quotes = "" if family else "'"
    told = errors.where(short)
    message = f"Quota {quotes}{short.metric}{quotes} exceeded.  Limit: {short.limit:.1f} {told}."
    place = "global" if short.place == "global" else "region"
    scope = "" if place == "global" else "-region"
    info = {
        "metricName": f"compute.googleapis.com/{short.metric.lower()}",
        "limitName": f"{short.metric.replace('_', '-')}-per-project{scope}",
        "limit": float(short.limit),
        "dimensions": {place: short.place},
    }
    error = {"code": "QUOTA_EXCEEDED", "message": message, "errorDetails": [{"quotaInfo": info}]}
    return OperationError([error], 403, "FORBIDDEN")


def _exhausted(cloud: Cloud, project: Project, zone: str, kind: str) -> OperationError:
    """A stock-out, with the zones of the region that still have room (clouds.md 1.4)."""
    path = f"projects/{project.name}/zones/{zone}"
    region = cloud.catalogue.regions[cloud.catalogue.zones[zone]]
    others = [z for z in region.zones if z != zone and not cloud.capacity.full(z, kind)]
    message = (
        f"The zone '{path}' does not have enough resources available to fulfill the request."
        "  Try a different zone, or try again later."
    )
    details = [
        {
            "errorInfo": {
                "reason": "resource_availability",
                "domain": "compute.googleapis.com",
                "metadatas": {
                    "vmType": kind,
                    "zone": zone,
                    "zonesAvailable": ",".join(others),
                    "attachment": "",
                },
            }
        },
        {"help": HELP},
        {"localizedMessage": {"locale": "en-US", "message": message}},
    ]
    code = "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"
    return OperationError(
        [{"code": code, "message": message, "errorDetails": details}], 503, "SERVICE UNAVAILABLE"
    )


def refused(error: errors.ApiError) -> OperationError:
    """A request that Google refuses at once, met where no request waits for the answer."""
    code = {"notFound": "RESOURCE_NOT_FOUND", "alreadyExists": "RESOURCE_ALREADY_EXISTS"}
    entry = {"code": code.get(error.reason, "INVALID_USAGE"), "message": error.message}
    return OperationError([entry], error.status, error.reason)
