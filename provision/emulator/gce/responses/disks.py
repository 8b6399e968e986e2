"""``compute.disks.*``: persistent disks of a zone."""

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, Scopes, every_scope, rows
from provision.emulator.gce.models import disks
from provision.emulator.gce.models.blueprints import check_labels
from provision.emulator.gce.models.disks import Disk
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.responses import documents
from provision.emulator.gce.start import start
from provision.emulator.gce.world import Json, fingerprint


def list_(call: Call) -> Rows:
    """Disks of a zone."""
    return rows(call, "disks", "compute#diskList")


def aggregated_list(call: Call) -> Scopes:
    """Disks of all zones."""
    zones = [f"zones/{zone}" for zone in call.cloud.catalogue.zones]
    return every_scope(call, "disks", "compute#diskAggregatedList", zones)


def _disk(call: Call, parameter: str = "disk") -> Disk:
    found: Disk = call.found(parameter, "disks")
    return found


def get(call: Call) -> Json:
    """One disk."""
    return _disk(call).json()


def insert(call: Call) -> Operation:
    """Create one, empty or from an image."""
    name, body, cloud = call.new_name(), call.body, call.cloud
    for field in ("sourceDisk", "sourceStorageObject"):
        if body.get(field):
            raise errors.not_emulated(f"compute.disks.insert with {field}")
    attached: Json = {
        "initializeParams": {
            "diskType": body.get("type", disks.DEFAULT_TYPE),
            "diskSizeGb": body.get("sizeGb", "0"),
            "sourceImage": body.get("sourceImage") or call.query.get("sourceImage", ""),
        }
    }
    check_labels(body.get("labels"), "resource.labels")
    disks.check_params(cloud, call.project, attached, "resource")
    kind, size, image = disks.size_of(cloud, call.project, attached)
    disk = Disk(
        cloud, call.project, name, call.path["zone"], cloud.world.fresh_id(), kind, size, image,
        cloud.world.agenda.now(), dict(body.get("labels") or {}), body.get("description", ""),
        own_charge=True,
    )  # fmt: skip
    documents.charge(call, disk.charges())
    call.table().put(call.scope, disk)
    return documents.inserted(call, name, disk.ident, disk.charges())


def delete(call: Call) -> Operation:
    """Remove one that no VM has."""
    disk = _disk(call)
    if disk.user:
        raise errors.in_use("disk", disk.path, disk.user)
    return documents.deleted(call, disk, disk.ident, disk.charges() if disk.own_charge else {})


def resize(call: Call) -> Operation:
    """Make it larger."""
    disk = _disk(call)
    size = int(call.body.get("sizeGb", 0))
    limits = call.cloud.catalogue.data["diskTypes"][disk.kind]
    if not disk.size_gb < size <= limits[1]:
        why = f"Must be larger than {disk.size_gb} GB and at most {limits[1]} GB."
        raise errors.invalid("sizeGb", size, why)
    if disk.own_charge:
        grown = disks.charges(disk.kind, size - disk.size_gb, call.cloud.catalogue.zones[disk.zone])
        documents.charge(call, grown)

    def apply() -> None:
        disk.size_gb = size

    return start(call, "resize", disk.name, disk.ident, apply)


def set_labels(call: Call) -> Operation:
    """Replace all labels; needs the current fingerprint."""
    disk = _disk(call, "resource")
    labels = call.body.get("labels") or {}
    check_labels(labels, "labels")
    if call.body.get("labelFingerprint") != fingerprint(sorted(disk.labels.items())):
        raise errors.fingerprint_mismatch("Labels")

    def apply() -> None:
        disk.labels = dict(labels)

    return start(call, "setLabels", disk.name, disk.ident, apply)
