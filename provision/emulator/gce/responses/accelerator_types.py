"""``compute.acceleratorTypes.*``: every zone offers every type of the catalogue."""

from provision.emulator.gce.call import Call, Rows, Scopes
from provision.emulator.gce.responses import offers
from provision.emulator.gce.world import Json

FIELD, KIND = "acceleratorTypes", "acceleratorType"


def _render(call: Call) -> offers.Render:
    offered, world = call.cloud.catalogue.data[FIELD], call.cloud.world

    def render(zone: str, name: str) -> Json:
        about, most = offered[name]
        project = call.path["project"]
        return {
            "kind": "compute#acceleratorType",
            "id": str(10000 + list(offered).index(name)),
            "creationTimestamp": "1969-12-31T16:00:00.000-08:00",
            "name": name,
            "description": about,
            "maximumCardsPerInstance": most,
            "zone": world.link(project, "zones", zone),
            "selfLink": world.link(project, f"zones/{zone}", FIELD, name),
        }

    return render


def list_(call: Call) -> Rows:
    """Types of a zone."""
    return offers.of_scope(call, FIELD, KIND, list(call.cloud.catalogue.data[FIELD]), _render(call))


def aggregated_list(call: Call) -> Scopes:
    """Types of all zones."""
    names = list(call.cloud.catalogue.data[FIELD])
    return offers.everywhere(call, FIELD, KIND, names, _render(call))


def get(call: Call) -> Json:
    """One type."""
    name = call.path["acceleratorType"]
    return offers.one(call, FIELD, name, name in call.cloud.catalogue.data[FIELD], _render(call))
