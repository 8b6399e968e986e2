"""``compute.routers.*``: with Cloud NAT as configuration; machines here have no way out by it."""

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, Scopes, every_scope, rows
from provision.emulator.gce.models import networks
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.responses import documents
from provision.emulator.gce.world import GLOBAL, Document, Json

CHARGE = {(GLOBAL, "ROUTERS"): 1.0}
KEPT = ("description", "bgp", "bgpPeers", "interfaces", "nats", "encryptedInterconnectRouter")


def list_(call: Call) -> Rows:
    """Routers of a region."""
    return rows(call, "routers", "compute#routerList")


def aggregated_list(call: Call) -> Scopes:
    """Routers of all regions."""
    places = [f"regions/{region}" for region in call.cloud.catalogue.regions]
    return every_scope(call, "routers", "compute#routerAggregatedList", places)


def get(call: Call) -> Json:
    """One router."""
    return _router(call).data


def _router(call: Call) -> Document:
    found: Document = call.found("router", "routers")
    return found


def insert(call: Call) -> Operation:
    """Create one."""
    name, body, world = call.new_name(), call.body, call.cloud.world
    if not body.get("network"):
        raise errors.required("resource.network")
    network = networks.find(call.cloud, call.project, body["network"], "resource.network")
    _check_nats(body)
    documents.charge(call, CHARGE)
    data: Json = {
        "kind": "compute#router",
        "id": world.fresh_id(),
        "creationTimestamp": world.stamp(),
        "name": name,
        "network": network.link,
        "region": world.link(call.path["project"], call.scope),
        "selfLink": world.link(call.path["project"], call.scope, "routers", name),
        **{key: body[key] for key in KEPT if key in body},
    }
    call.table().put(call.scope, Document(name, data))
    return documents.inserted(call, name, data["id"], CHARGE)


def _check_nats(body: Json) -> None:
    for index, nat in enumerate(body.get("nats") or []):
        field = f"resource.nats[{index}]"
        if not nat.get("name"):
            raise errors.required(f"{field}.name")
        if not nat.get("sourceSubnetworkIpRangesToNat"):
            raise errors.required(f"{field}.sourceSubnetworkIpRangesToNat")
        if nat.get("natIpAllocateOption") == "MANUAL_ONLY" and not nat.get("natIps"):
            raise errors.required(f"{field}.natIps")


def delete(call: Call) -> Operation:
    """Remove one."""
    router = _router(call)
    return documents.deleted(call, router, router.data["id"], CHARGE)


def patch(call: Call) -> Operation:
    """Change what the body names."""
    _check_nats(call.body)
    change = {key: call.body[key] for key in KEPT if key in call.body}
    return documents.changed(call, _router(call), call.method.name, change)


update = patch


def get_router_status(call: Call) -> Json:
    """Nothing is connected."""
    router = _router(call)
    nats = [
        {"name": nat["name"], "minExtraNatIpsNeeded": 0, "numVmEndpointsWithNatMappings": 0}
        for nat in router.data.get("nats") or []
    ]
    status: Json = {"network": router.data["network"]}
    if nats:
        status["natStatus"] = nats
    return {"kind": "compute#routerStatusResponse", "result": status}
