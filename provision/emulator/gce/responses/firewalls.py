"""``compute.firewalls.*``."""

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, rows
from provision.emulator.gce.models import firewalls, networks
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.responses import documents
from provision.emulator.gce.world import GLOBAL, Document, Json

CHARGE = {(GLOBAL, "FIREWALLS"): 1.0}


def list_(call: Call) -> Rows:
    """Rules of the project."""
    return rows(call, "firewalls", "compute#firewallList")


def get(call: Call) -> Json:
    """One rule."""
    return _rule(call).data


def _rule(call: Call) -> Document:
    found: Document = call.found("firewall", "firewalls")
    return found


def insert(call: Call) -> Operation:
    """Create a rule that allows or denies."""
    name, body = call.new_name(), call.body
    if bool(body.get("allowed")) == bool(body.get("denied")):
        raise errors.invalid(
            "resource", name, "Exactly one of allowed and denied must be specified."
        )
    reference = body.get("network") or f"global/networks/{networks.DEFAULT}"
    network = networks.find(call.cloud, call.project, reference, "resource.network")
    documents.charge(call, CHARGE)
    rule = firewalls.make(call.cloud, call.project, name, network.link, body)
    return documents.inserted(call, name, rule.data["id"], CHARGE)


def delete(call: Call) -> Operation:
    """Remove a rule."""
    rule = _rule(call)
    return documents.deleted(call, rule, rule.data["id"], CHARGE)


def patch(call: Call) -> Operation:
    """Change what the body names."""
    rule = _rule(call)
    change = {key: call.body[key] for key in firewalls.KEPT if key in call.body}
    if change.get("allowed"):
        change["denied"] = None
    if change.get("denied"):
        change["allowed"] = None
    return documents.changed(call, rule, call.method.name, change)


update = patch
