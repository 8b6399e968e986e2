"""``compute.regions.*``."""

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows
from provision.emulator.gce.models import quota
from provision.emulator.gce.world import Json


def _json(call: Call, name: str) -> Json:
    region, world, project = (
        call.cloud.catalogue.regions[name],
        call.cloud.world,
        call.path["project"],
    )
    return {
        "kind": "compute#region",
        "id": str(1000 + list(call.cloud.catalogue.regions).index(name)),
        "creationTimestamp": "1969-12-31T16:00:00.000-08:00",
        "name": name,
        "description": name,
        "status": "UP",
        "zones": [world.link(project, "zones", zone) for zone in region.zones],
        "quotas": quota.shown(call.cloud.quota, call.project, name),
        "selfLink": world.link(project, "regions", name),
        "supportsPzs": False,
    }


def list_(call: Call) -> Rows:
    """All regions."""
    path = f"projects/{call.path['project']}/regions"
    names = sorted(call.cloud.catalogue.regions)
    return Rows("compute#regionList", names, lambda name: _json(call, name), path)


def get(call: Call) -> Json:
    """One region with its quotas."""
    name = call.path["region"]
    if name not in call.cloud.catalogue.regions:
        raise errors.not_found(f"projects/{call.path['project']}/regions/{name}")
    return _json(call, name)
