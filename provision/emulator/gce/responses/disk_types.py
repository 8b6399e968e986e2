"""``compute.diskTypes.*`` and the regional kind: every place offers every type of the catalogue."""

from provision.emulator.gce.call import Call, Rows, Scopes
from provision.emulator.gce.responses import offers
from provision.emulator.gce.world import Json

FIELD, KIND = "diskTypes", "diskType"


def _render(call: Call) -> offers.Render:
    offered, world = call.cloud.catalogue.data[FIELD], call.cloud.world
    region = "region" in call.path
    scope = "regions" if region else "zones"

    def render(place: str, name: str) -> Json:
        least, most, default = offered[name]
        project = call.path["project"]
        return {
            "kind": "compute#diskType",
            "id": str(30000 + list(offered).index(name)),
            "creationTimestamp": "1969-12-31T16:00:00.000-08:00",
            "name": name,
            "description": name,
            "validDiskSize": f"{least}GB-{most}GB",
            "defaultDiskSizeGb": str(default),
            "region" if region else "zone": world.link(project, scope, place),
            "selfLink": world.link(project, f"{scope}/{place}", FIELD, name),
        }

    return render


def list_(call: Call) -> Rows:
    """Types of a zone or region."""
    kind = "regionDiskType" if "region" in call.path else KIND
    return offers.of_scope(call, FIELD, kind, list(call.cloud.catalogue.data[FIELD]), _render(call))


def aggregated_list(call: Call) -> Scopes:
    """Types of all zones."""
    names = list(call.cloud.catalogue.data[FIELD])
    return offers.everywhere(call, FIELD, KIND, names, _render(call))


def get(call: Call) -> Json:
    """One type."""
    name = call.path["diskType"]
    return offers.one(call, FIELD, name, name in call.cloud.catalogue.data[FIELD], _render(call))
