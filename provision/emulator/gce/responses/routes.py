"""``compute.routes.*``: remembered and shown; packets here go where the host's links lead."""

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, rows
from provision.emulator.gce.models import networks
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.responses import documents
from provision.emulator.gce.world import GLOBAL, Document, Json

CHARGE = {(GLOBAL, "ROUTES"): 1.0}
HOPS = ("nextHopGateway", "nextHopInstance", "nextHopIp", "nextHopIlb", "nextHopVpnTunnel")


def list_(call: Call) -> Rows:
    """Routes of the project."""
    return rows(call, "routes", "compute#routeList")


def get(call: Call) -> Json:
    """One route."""
    return _route(call).data


def _route(call: Call) -> Document:
    found: Document = call.found("route", "routes")
    return found


def insert(call: Call) -> Operation:
    """Create a static route."""
    name, body, world = call.new_name(), call.body, call.cloud.world
    for key in ("network", "destRange"):
        if not body.get(key):
            raise errors.required(f"resource.{key}")
    network = networks.find(call.cloud, call.project, body["network"], "resource.network")
    if sum(1 for hop in HOPS if body.get(hop)) != 1:
        raise errors.invalid("resource", name, "Exactly one next hop must be specified.")
    documents.charge(call, CHARGE)
    data: Json = {
        "kind": "compute#route",
        "id": world.fresh_id(),
        "creationTimestamp": world.stamp(),
        "priority": 1000,
        **body,
        "name": name,
        "network": network.link,
        "selfLink": world.link(call.path["project"], GLOBAL, "routes", name),
    }
    call.table().put(GLOBAL, Document(name, data))
    return documents.inserted(call, name, data["id"], CHARGE)


def delete(call: Call) -> Operation:
    """Remove a route."""
    route = _route(call)
    return documents.deleted(call, route, route.data["id"], CHARGE)
