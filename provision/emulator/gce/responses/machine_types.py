"""``compute.machineTypes.*``: every zone offers every type of the catalogue."""

from provision.emulator.gce.call import Call, Rows, Scopes
from provision.emulator.gce.models import machine_types
from provision.emulator.gce.responses import offers
from provision.emulator.gce.world import Json


def _render(call: Call) -> offers.Render:
    def render(zone: str, name: str) -> Json:
        kind = machine_types.find(call.cloud, name)
        return machine_types.json(call.cloud, call.path["project"], zone, kind) if kind else {}

    return render


def list_(call: Call) -> Rows:
    """Types of a zone."""
    names = list(call.cloud.catalogue.machine_types)
    return offers.of_scope(call, "machineTypes", "machineType", names, _render(call))


def aggregated_list(call: Call) -> Scopes:
    """Types of all zones."""
    names = list(call.cloud.catalogue.machine_types)
    return offers.everywhere(call, "machineTypes", "machineType", names, _render(call))


def get(call: Call) -> Json:
    """One type, custom ones too."""
    name = call.path["machineType"]
    known = machine_types.find(call.cloud, name) is not None
    return offers.one(call, "machineTypes", name, known, _render(call))
