"""``compute.subnetworks.*``."""

import ipaddress

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, Scopes, every_scope, rows
from provision.emulator.gce.models import networks
from provision.emulator.gce.models.subnetworks import Subnetwork
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.responses import documents
from provision.emulator.gce.start import start
from provision.emulator.gce.world import GLOBAL, Json, fingerprint, last

CHARGE = {(GLOBAL, "SUBNETWORKS"): 1.0}


def list_(call: Call) -> Rows:
    """Subnetworks of a region."""
    return rows(call, "subnetworks", "compute#subnetworkList")


def aggregated_list(call: Call) -> Scopes:
    """Subnetworks of all regions."""
    places = [f"regions/{region}" for region in call.cloud.catalogue.regions]
    return every_scope(call, "subnetworks", "compute#subnetworkAggregatedList", places)


def list_usable(call: Call) -> Rows:
    """Subnetworks that VMs may use."""
    found = {f"{each.region}/{each.name}": each for each in call.table("subnetworks")}

    def render(key: str) -> Json:
        return {
            "ipCidrRange": found[key].cidr,
            "network": found[key].network,
            "subnetwork": call.cloud.world.base + found[key].path,
        }

    path = f"projects/{call.path['project']}/aggregated/subnetworks/listUsable"
    return Rows("compute#usableSubnetworksAggregatedList", sorted(found), render, path)


def _subnetwork(call: Call) -> Subnetwork:
    found: Subnetwork = call.found("subnetwork", "subnetworks")
    return found


def get(call: Call) -> Json:
    """One subnetwork."""
    return _subnetwork(call).json()


def insert(call: Call) -> Operation:
    """Create one whose range overlaps no other of its network."""
    name, body = call.new_name(), call.body
    for key in ("network", "ipCidrRange"):
        if not body.get(key):
            raise errors.required(f"resource.{key}")
    network = networks.find(call.cloud, call.project, body["network"], "resource.network")
    net = networks.check_range(body["ipCidrRange"], "resource.ipCidrRange")
    _no_overlap(network, net, None)
    documents.charge(call, CHARGE)
    made = networks.subnetwork(
        call.cloud, call.project, network, call.path["region"], name, str(net), body
    )

    def undo() -> None:
        _remove(call, made)

    return start(call, "insert", name, made.data["id"], undo=undo)


def _no_overlap(
    network: networks.Network, net: ipaddress.IPv4Network, but: Subnetwork | None
) -> None:
    for other in network.subnetworks():
        if other is not but and ipaddress.IPv4Network(other.cidr).overlaps(net):
            raise errors.invalid(
                "resource.ipCidrRange", str(net),
                f"Invalid IPCidrRange: {net} conflicts with existing subnetwork '{other.name}' in"
                f" region '{other.region}'.",
            )  # fmt: skip


def _remove(call: Call, subnetwork: Subnetwork) -> None:
    scope = f"regions/{subnetwork.region}"
    if call.table("subnetworks").pop(scope, subnetwork.name) is not None:
        networks.unroute(call.project, subnetwork.network, subnetwork.cidr)
        call.cloud.quota.release(call.project, CHARGE)


def delete(call: Call) -> Operation:
    """Remove one that no VM uses, and in which no address is reserved."""
    subnetwork = _subnetwork(call)
    for vm in call.table("instances"):
        if any(nic.subnetwork is subnetwork for nic in vm.place.nics):
            raise errors.in_use("subnetwork", subnetwork.path, vm.path)
    for address in call.table("addresses").rows(call.scope).values():
        if last(address.data.get("subnetwork", "")) == subnetwork.name:
            path = f"projects/{call.project.name}/{call.scope}/addresses/{address.name}"
            raise errors.in_use("subnetwork", subnetwork.path, path)
    return start(
        call, "delete", subnetwork.name, subnetwork.data["id"], lambda: _remove(call, subnetwork)
    )


def patch(call: Call) -> Operation:
    """Change secondary ranges, Google access or logging; needs the fingerprint."""
    subnetwork = _subnetwork(call)
    if call.body.get("fingerprint") != subnetwork.data["fingerprint"]:
        raise errors.fingerprint_mismatch()
    keys = ("secondaryIpRanges", "privateIpGoogleAccess", "logConfig", "enableFlowLogs")
    change = {key: call.body[key] for key in keys if key in call.body}
    change["fingerprint"] = fingerprint(subnetwork.path, call.cloud.world.fresh_number())
    return documents.changed(call, subnetwork, "patch", change)


def expand_ip_cidr_range(call: Call) -> Operation:
    """A larger range that holds the old one."""
    subnetwork = _subnetwork(call)
    net = networks.check_range(call.body.get("ipCidrRange", ""), "ipCidrRange")
    old = ipaddress.IPv4Network(subnetwork.cidr)
    if not (net.supernet_of(old) and net.prefixlen < old.prefixlen):
        raise errors.invalid("ipCidrRange", str(net), f"Must be a larger range around {old}.")
    network = networks.find(call.cloud, call.project, subnetwork.network, "network")
    _no_overlap(network, net, subnetwork)

    def apply() -> None:
        subnetwork.cidr = str(net)

    return start(call, "expandIpCidrRange", subnetwork.name, subnetwork.data["id"], apply)


def set_private_ip_google_access(call: Call) -> Operation:
    """Whether VMs without external addresses reach Google's services."""
    change = {"privateIpGoogleAccess": bool(call.body.get("privateIpGoogleAccess", False))}
    return documents.changed(call, _subnetwork(call), "setPrivateIpGoogleAccess", change)
