"""``compute.addresses.*`` and the global kind: reserved addresses."""

import ipaddress
from functools import partial

from provision.emulator.addresses import NoAddress
from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, Scopes, every_scope, rows
from provision.emulator.gce.models import networks
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.responses import documents
from provision.emulator.gce.start import start
from provision.emulator.gce.world import GLOBAL, Document, Json, fingerprint, last


def list_(call: Call) -> Rows:
    """Addresses of a region, or global ones."""
    return rows(call, "addresses", "compute#addressList")


def aggregated_list(call: Call) -> Scopes:
    """Addresses everywhere."""
    places = [GLOBAL, *(f"regions/{region}" for region in call.cloud.catalogue.regions)]
    return every_scope(call, "addresses", "compute#addressAggregatedList", places)


def get(call: Call) -> Json:
    """One address."""
    return _address(call).data


def _address(call: Call) -> Document:
    found: Document = call.found("address", "addresses")
    return found


def _charges(call: Call) -> dict[tuple[str, str], float]:
    return {(call.path.get("region", GLOBAL), "STATIC_ADDRESSES"): 1.0}


def _internal_charges(call: Call) -> dict[tuple[str, str], float]:
    metric = "INTERNAL_ADDRESSES" if "region" in call.path else "GLOBAL_INTERNAL_ADDRESSES"
    return {(call.path.get("region", GLOBAL), metric): 1.0}


def insert(call: Call) -> Operation:
    """Reserve one: the given one where it is free, else any."""
    name, body, world = call.new_name(), call.body, call.cloud.world
    internal = body.get("addressType") == "INTERNAL"
    charges = _internal_charges(call) if internal else _charges(call)
    documents.charge(call, charges)
    data: Json = {
        "kind": "compute#address",
        "id": world.fresh_id(),
        "creationTimestamp": world.stamp(),
        "name": name,
        "addressType": "INTERNAL" if internal else "EXTERNAL",
        "status": "RESERVED",
        "networkTier": body.get("networkTier", "PREMIUM"),
        "labelFingerprint": fingerprint([]),
        "selfLink": world.link(call.path["project"], call.scope, "addresses", name),
    }
    for key in ("description", "purpose", "ipVersion", "labels"):
        if key in body:
            data[key] = body[key]
    if "region" in call.path:
        data["region"] = world.link(call.path["project"], call.scope)
    try:
        if internal:
            data |= _internal(call, body)
        else:
            data["address"] = _external(call, body.get("address", ""))
    except errors.ApiError:
        call.cloud.quota.release(call.project, charges)
        raise
    made = Document(name, data)
    call.table().put(call.scope, made)
    return start(call, "insert", name, data["id"], undo=partial(_give_back, call, made, charges))


def _give_back(call: Call, address: Document, charges: dict[tuple[str, str], float]) -> None:
    """It is nobody's any more."""
    if call.table().pop(call.scope, address.name) is None:
        return
    call.cloud.quota.release(call.project, charges)
    if address.data["addressType"] == "EXTERNAL":
        call.cloud.external.give(address.data["address"])
    elif "subnetwork" in address.data:
        name = last(address.data["subnetwork"])
        found = call.table("subnetworks").get(call.scope, name)
        if found:
            found.unreserve(address.data["address"])


def _external(call: Call, wanted: str) -> str:
    if wanted:
        raise errors.invalid(
            "resource.address", wanted, "Only unspecified addresses are handed out."
        )
    try:
        return call.cloud.external.take()
    except LookupError as error:
        raise errors.ApiError(503, "backendError", str(error)) from None


def _internal(call: Call, body: Json) -> Json:
    reference = body.get("subnetwork")
    if not reference:
        return {"address": _parsed(body.get("address") or "")}
    found = networks.find_subnetwork(
        call.cloud, call.project, call.path.get("region", ""), reference, "resource.subnetwork"
    )
    try:
        address = found.reserve(_parsed(body["address"]) if body.get("address") else "")
    except NoAddress as none:
        raise errors.invalid(
            "resource.address", body.get("address", ""), found.words(none)
        ) from none
    data: Json = {
        "address": address,
        "subnetwork": call.cloud.world.base + found.path,
        "purpose": "GCE_ENDPOINT",
    }
    # One that a VM has already is promoted: it stays the VM's.
    for vm in call.table("instances"):
        if any(nic.subnetwork is found and nic.address == address for nic in vm.place.nics):
            data |= {"status": "IN_USE", "users": [vm.link]}
    return data


def _parsed(address: str) -> str:
    try:
        return str(ipaddress.IPv4Address(address))
    except ValueError:
        raise errors.invalid("resource.address", address, "Must be an IPv4 address.") from None


def delete(call: Call) -> Operation:
    """Give one back that no VM uses."""
    address = _address(call)
    if address.data["status"] == "IN_USE":
        user = (address.data.get("users") or ["an instance"])[0]
        raise errors.in_use("address", call.own_path(address.name), user)
    internal = address.data["addressType"] == "INTERNAL"
    charges = _internal_charges(call) if internal else _charges(call)
    apply = partial(_give_back, call, address, charges)
    return start(call, "delete", address.name, address.data["id"], apply)


def set_labels(call: Call) -> Operation:
    """Replace all labels; needs the current fingerprint (the path's ``resource`` names it)."""
    address: Document = call.found("resource", "addresses")
    if call.body.get("labelFingerprint") != address.data["labelFingerprint"]:
        raise errors.fingerprint_mismatch("Labels")
    labels = call.body.get("labels") or {}
    change = {"labels": labels or None, "labelFingerprint": fingerprint(sorted(labels.items()))}
    return documents.changed(call, address, "setLabels", change)
