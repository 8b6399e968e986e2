"""``compute.zones.*``."""

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows
from provision.emulator.gce.world import Json


def _json(call: Call, name: str) -> Json:
    world, project = call.cloud.world, call.path["project"]
    zones = call.cloud.catalogue.zones
    return {
        "kind": "compute#zone",
        "id": str(2000 + list(zones).index(name)),
        "creationTimestamp": "1969-12-31T16:00:00.000-08:00",
        "name": name,
        "description": name,
        "status": "UP",
        "region": world.link(project, "regions", zones[name]),
        "selfLink": world.link(project, "zones", name),
        "availableCpuPlatforms": ["AMD Milan", "Intel Broadwell", "Intel Cascade Lake", "Intel Ice Lake"],
        "supportsPzs": False,
    }  # fmt: skip


def list_(call: Call) -> Rows:
    """All zones."""
    path = f"projects/{call.path['project']}/zones"
    names = sorted(call.cloud.catalogue.zones)
    return Rows("compute#zoneList", names, lambda name: _json(call, name), path)


def get(call: Call) -> Json:
    """One zone."""
    name = call.path["zone"]
    if name not in call.cloud.catalogue.zones:
        raise errors.not_found(f"projects/{call.path['project']}/zones/{name}")
    return _json(call, name)
