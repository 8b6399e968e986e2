"""``compute.projects.*``."""

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call
from provision.emulator.gce.models import metadata, quota
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.start import start
from provision.emulator.gce.world import GLOBAL, Json


def _metadata(call: Call) -> Json:
    return metadata.shown({item["key"]: item.get("value", "") for item in call.project.metadata})


def get(call: Call) -> Json:
    """The project with its global quotas."""
    project, world = call.project, call.cloud.world
    return {
        "kind": "compute#project",
        "id": project.number,
        "creationTimestamp": world.stamp(project.created),
        "name": project.name,
        "commonInstanceMetadata": _metadata(call),
        "quotas": quota.shown(call.cloud.quota, project, GLOBAL),
        "selfLink": f"{world.base}projects/{project.name}",
        "defaultServiceAccount": f"{project.number}-compute@developer.gserviceaccount.com",
        "xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS",
        "defaultNetworkTier": "PREMIUM",
        "vmDnsSetting": "ZONAL_ONLY",
    }


def set_common_instance_metadata(call: Call) -> Operation:
    """Metadata that every VM of the project sees; needs the current fingerprint."""
    metadata.check(call.body, "resource")
    if call.body.get("fingerprint") not in (None, _metadata(call)["fingerprint"]):
        raise errors.fingerprint_mismatch("metadata")
    items = list(call.body.get("items") or [])

    def apply() -> None:
        call.project.metadata = items

    return start(call, "setCommonInstanceMetadata", "", call.project.number, apply)
