"""``compute.networks.*``."""

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, rows
from provision.emulator.gce.models import networks
from provision.emulator.gce.models.networks import Network
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.responses import documents
from provision.emulator.gce.start import start
from provision.emulator.gce.world import GLOBAL, Json

CHARGE = {(GLOBAL, "NETWORKS"): 1.0}


def list_(call: Call) -> Rows:
    """Networks of the project."""
    return rows(call, "networks", "compute#networkList")


def get(call: Call) -> Json:
    """One network."""
    return _network(call).json()


def _network(call: Call) -> Network:
    found: Network = call.found("network", "networks")
    return found


def insert(call: Call) -> Operation:
    """Create one; automatic unless ``autoCreateSubnetworks`` is false."""
    name = call.new_name()
    if call.body.get("IPv4Range"):
        raise errors.invalid(
            "resource.IPv4Range", call.body["IPv4Range"], "Legacy networks cannot be created."
        )
    documents.charge(call, CHARGE)
    network = networks.make(call.cloud, call.project, name, call.body)

    def undo() -> None:
        _remove(call, network)

    return start(call, "insert", name, network.data["id"], undo=undo)


def _remove(call: Call, network: Network) -> None:
    for subnetwork in network.subnetworks():
        call.table("subnetworks").pop(f"regions/{subnetwork.region}", subnetwork.name)
    networks.unroute(call.project, network.link)
    if call.table("networks").pop(GLOBAL, network.name) is not None:
        call.cloud.quota.release(call.project, CHARGE)


def delete(call: Call) -> Operation:
    """Remove one that nothing uses."""
    network = _network(call)
    path = call.own_path(network.name)
    user = _user(call, network)
    if user:
        raise errors.in_use("network", path, user)
    return start(call, "delete", network.name, network.data["id"], lambda: _remove(call, network))


def _user(call: Call, network: Network) -> str:
    """Path of something that uses the network, '' where nothing does."""
    project = f"projects/{call.path['project']}"
    for vm in call.table("instances"):
        if any(nic.subnetwork.network == network.link for nic in vm.place.nics):
            return str(vm.path)
    for kind, scope in (("firewalls", "global"), ("routers", "")):
        for each in call.table(kind):
            if each.data.get("network") == network.link:
                place = scope or f"regions/{each.data['region'].rpartition('/')[2]}"
                return f"{project}/{place}/{kind}/{each.name}"
    for route in call.table("routes"):
        if route.data["network"] == network.link and not route.name.startswith("default-route-"):
            return f"{project}/global/routes/{route.name}"
    if not network.auto:
        for subnetwork in network.subnetworks():
            return subnetwork.path
    return ""


def patch(call: Call) -> Operation:
    """Change routing mode, MTU or the firewall order."""
    network = _network(call)
    change: Json = {
        key: call.body[key]
        for key in ("routingConfig", "mtu", "networkFirewallPolicyEnforcementOrder")
        if key in call.body
    }
    if "routingConfig" in change:
        change["routingConfig"] = network.data["routingConfig"] | change["routingConfig"]
    return documents.changed(call, network, "patch", change)


def switch_to_custom_mode(call: Call) -> Operation:
    """No subnetworks by themselves any more; those there stay."""
    network = _network(call)

    def apply() -> None:
        network.auto = False

    return start(call, "switchToCustomMode", network.name, network.data["id"], apply)
