"""``compute.images.*``: public projects' images, and a project's own."""

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, rows
from provision.emulator.gce.models import images
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.responses import documents
from provision.emulator.gce.world import GLOBAL, Document, Json, fingerprint

CHARGE = {(GLOBAL, "IMAGES"): 1.0}
KEPT = (
    "description", "family", "labels", "licenses", "guestOsFeatures", "architecture",
    "sourceDisk", "sourceImage", "sourceSnapshot", "storageLocations", "diskSizeGb",
)  # fmt: skip


def list_(call: Call) -> Rows:
    """Images of the project."""
    return rows(call, "images", "compute#imageList")


def _image(call: Call, parameter: str = "image") -> Document:
    found: Document = call.found(parameter, "images")
    return found


def get(call: Call) -> Json:
    """One image."""
    return _image(call).data


def get_from_family(call: Call) -> Json:
    """The newest image of a family that is not deprecated."""
    family = call.path["family"]
    found = images.newest(call.project, family)
    if found is None:
        raise errors.not_found(call.own_path(f"family/{family}"))
    return found.data


def insert(call: Call) -> Operation:
    """Create one from a disk, a snapshot, an image or a file."""
    name, body = call.new_name(), call.body
    sources = [k for k in ("sourceDisk", "sourceImage", "sourceSnapshot", "rawDisk") if body.get(k)]
    if len(sources) != 1:
        raise errors.invalid("resource", name, "Exactly one source must be specified.")
    source = body.get("sourceImage")
    if source and images.find(call.cloud, call.project, source) is None:
        raise errors.no_referenced("resource.sourceImage", source, "image")
    documents.charge(call, CHARGE)
    image = images.make(
        call.cloud, call.project, name, {key: body[key] for key in KEPT if key in body}
    )
    return documents.inserted(call, name, image.data["id"], CHARGE)


def delete(call: Call) -> Operation:
    """Remove one."""
    image = _image(call)
    return documents.deleted(call, image, image.data["id"], CHARGE)


def deprecate(call: Call) -> Operation:
    """Mark it as deprecated, obsolete or deleted, or (with no state) as good again."""
    state = call.body if call.body.get("state") not in (None, "ACTIVE") else None
    return documents.changed(call, _image(call), "deprecate", {"deprecated": state})


def set_labels(call: Call) -> Operation:
    """Replace all labels; needs the current fingerprint."""
    image = _image(call, "resource")
    if call.body.get("labelFingerprint") != image.data["labelFingerprint"]:
        raise errors.fingerprint_mismatch("Labels")
    labels = call.body.get("labels") or {}
    change = {"labels": labels or None, "labelFingerprint": fingerprint(sorted(labels.items()))}
    return documents.changed(call, image, "setLabels", change)
