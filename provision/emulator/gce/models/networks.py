"""VPC networks, their subnetworks, and which of them an interface stands on."""

import ipaddress
from dataclasses import dataclass, field

from provision.emulator.gce import errors
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.models import firewalls
from provision.emulator.gce.models.subnetworks import Subnetwork
from provision.emulator.gce.world import (
    GLOBAL,
    Document,
    Json,
    Project,
    fingerprint,
    last,
    relative,
)

DEFAULT = "default"
DEFAULT_RULES: dict[str, tuple[list[tuple[str, str]], str]] = {
    "allow-internal": ([("tcp", "0-65535"), ("udp", "0-65535"), ("icmp", "")], "10.128.0.0/9"),
    "allow-ssh": ([("tcp", "22")], "0.0.0.0/0"),
    "allow-rdp": ([("tcp", "3389")], "0.0.0.0/0"),
    "allow-icmp": ([("icmp", "")], "0.0.0.0/0"),
}
"""Rules of a new project's network: protocols with ports, and from where."""


@dataclass(slots=True, eq=False)
class Network:
    """A VPC network; ``auto`` means a subnetwork in every region."""

    name: str
    auto: bool
    data: Json = field(repr=False)
    project: Project = field(repr=False)

    @property
    def link(self) -> str:
        """Its URL."""
        return str(self.data["selfLink"])

    def subnetworks(self) -> list[Subnetwork]:
        """Those that belong to it."""
        return [s for s in self.project.table("subnetworks") if s.network == self.link]

    def json(self) -> Json:
        """As ``get`` answers it."""
        links = sorted(s.data["selfLink"] for s in self.subnetworks())
        shown = {**self.data, "autoCreateSubnetworks": self.auto}
        if links:
            shown["subnetworks"] = links
        return shown


def make(cloud: Cloud, project: Project, name: str, body: Json) -> Network:
    """Put a network there, with its subnetworks where it is automatic, and its default route."""
    world = cloud.world
    auto = bool(body.get("autoCreateSubnetworks", True))
    link = world.link(project.name, GLOBAL, "networks", name)
    data: Json = {
        "kind": "compute#network",
        "id": world.fresh_id(),
        "creationTimestamp": world.stamp(),
        "name": name,
        "selfLink": link,
        "selfLinkWithId": world.link(project.name, GLOBAL, "networks", world.fresh_id()),
        "routingConfig": {
            "routingMode": "REGIONAL",
            "bgpBestPathSelectionMode": "LEGACY",
            **(body.get("routingConfig") or {}),
        },
        "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
    }
    for key in ("description", "mtu", "networkFirewallPolicyEnforcementOrder"):
        if key in body:
            data[key] = body[key]
    network = Network(name, auto, data, project)
    project.table("networks").put(GLOBAL, network)
    route(
        cloud,
        project,
        network,
        "0.0.0.0/0",
        world.link(project.name, GLOBAL, "gateways", "default-internet-gateway"),
    )
    if auto:
        for region in cloud.catalogue.regions.values():
            subnetwork(cloud, project, network, region.name, name, region.subnet, {})
    return network


def subnetwork(
    cloud: Cloud, project: Project, network: Network, region: str, name: str, cidr: str, body: Json
) -> Subnetwork:
    """Put a subnetwork there, with its route."""
    world, scope = cloud.world, f"regions/{region}"
    link = world.link(project.name, scope, "subnetworks", name)
    data: Json = {
        "kind": "compute#subnetwork",
        "id": world.fresh_id(),
        "creationTimestamp": world.stamp(),
        "name": name,
        "network": network.link,
        "region": world.link(project.name, scope),
        "selfLink": link,
        "privateIpGoogleAccess": bool(body.get("privateIpGoogleAccess", False)),
        "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
        "purpose": body.get("purpose", "PRIVATE"),
        "stackType": body.get("stackType", "IPV4_ONLY"),
        "fingerprint": fingerprint(link, cidr),
    }
    for key in ("description", "secondaryIpRanges", "logConfig", "enableFlowLogs", "role"):
        if key in body:
            data[key] = body[key]
    made = Subnetwork(name, relative(link), network.link, region, data, cidr=cidr)
    project.table("subnetworks").put(scope, made)
    route(cloud, project, network, cidr, "")
    return made


def route(cloud: Cloud, project: Project, network: Network, cidr: str, gateway: str) -> None:
    """Put a system route there: to a subnetwork's range, or to the internet."""
    world = cloud.world
    name = f"default-route-{'r-' if not gateway else ''}{world.fresh_number():012x}"
    data: Json = {
        "kind": "compute#route",
        "id": world.fresh_id(),
        "creationTimestamp": world.stamp(),
        "name": name,
        "description": f"Default route {'to the Internet' if gateway else 'to ' + cidr}.",
        "network": network.link,
        "destRange": cidr,
        "priority": 1000 if gateway else 0,
        "selfLink": world.link(project.name, GLOBAL, "routes", name),
    }
    data |= {"nextHopGateway": gateway} if gateway else {"nextHopNetwork": network.link}
    project.table("routes").put(GLOBAL, Document(name, data))


def unroute(project: Project, network: str, cidr: str = "") -> None:
    """Remove the system's routes of a network, or the one to a range."""
    table = project.table("routes")
    for route in list(table):
        data = route.data
        own = data["network"] == network and route.name.startswith("default-route-")
        if own and cidr in ("", data["destRange"]):
            table.pop(GLOBAL, route.name)


def furnish(cloud: Cloud, project: Project) -> None:
    """What a new project has: the default network with its four firewall rules."""
    network = make(cloud, project, DEFAULT, {"description": "Default network for the project"})
    for name, (protocols, source) in DEFAULT_RULES.items():
        allowed = [
            {"IPProtocol": protocol, **({"ports": [ports]} if ports else {})}
            for protocol, ports in protocols
        ]
        body = {"allowed": allowed, "sourceRanges": [source], "priority": 65534}
        firewalls.make(cloud, project, f"{DEFAULT}-{name}", network.link, body)


def find(cloud: Cloud, project: Project, reference: str, field: str) -> Network:
    """The network that any form of its link names. Raises ApiError."""
    path = relative(reference)
    owner = path.split("/")[1] if path.startswith("projects/") else project.name
    found: Network | None = cloud.world.project(owner).table("networks").get(GLOBAL, last(path))
    if found is None:
        full = f"projects/{owner}/global/networks/{last(path)}"
        raise errors.invalid(
            field, reference, f"The referenced network resource cannot be found: '{full}'."
        )
    return found


def find_subnetwork(
    cloud: Cloud, project: Project, region: str, reference: str, field: str
) -> Subnetwork:
    """The subnetwork that any form of its link names. Raises ApiError."""
    path = relative(reference)
    owner = path.split("/")[1] if path.startswith("projects/") else project.name
    told = f"/{path}".partition("/regions/")[2].partition("/")[0]
    if told and told != region:
        raise errors.invalid(
            field, reference, f"The subnetwork is not in the region {region} of the resource."
        )
    table = cloud.world.project(owner).table("subnetworks")
    found: Subnetwork | None = table.get(f"regions/{region}", last(path))
    if found is None:
        raise errors.no_referenced(field, reference, "subnetwork")
    return found


def subnet_for(
    cloud: Cloud, project: Project, region: str, interface: Json, field: str
) -> Subnetwork:
    """The subnetwork an instance's interface stands on. Raises ApiError."""
    given = interface.get("subnetwork")
    if given:
        found = find_subnetwork(cloud, project, region, given, f"{field}.subnetwork")
        wanted = interface.get("network")
        if wanted and last(wanted) != last(found.network):
            raise errors.invalid(
                f"{field}.subnetwork", given, "The subnetwork does not belong to the network."
            )
        return found
    network = find(cloud, project, interface.get("network") or DEFAULT, f"{field}.network")
    if not network.auto:
        raise errors.ApiError(
            400, "invalid", f"Invalid value for field '{field}': ''. Network interface must specify a"
            " subnet if the network resource is in custom subnet mode.",
        )  # fmt: skip
    auto: Subnetwork = network.project.table("subnetworks").get(f"regions/{region}", network.name)
    return auto


def check_range(cidr: str, field: str) -> ipaddress.IPv4Network:
    """A range a subnetwork may have. Raises ApiError."""
    try:
        net = ipaddress.IPv4Network(cidr)
    except ValueError:
        raise errors.invalid(field, cidr, "Must be a CIDR address range.") from None
    if not 4 <= net.prefixlen <= 29:
        raise errors.invalid(field, cidr, "The prefix length must be between 4 and 29.")
    return net
