"""Images: Google's public projects from the catalogue, and a project's own."""

import re

from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.world import GLOBAL, Document, Json, Project, relative

_DATED = re.compile(r"-v\d{8}\Z")
FEATURES = ("UEFI_COMPATIBLE", "VIRTIO_SCSI_MULTIQUEUE", "GVNIC")


def furnish(cloud: Cloud, project: Project) -> None:
    """A public image project gets its images."""
    for family, name, size in cloud.catalogue.data["imageProjects"].get(project.name, ()):
        arm = "arm64" in name or "aarch64" in name
        licence = cloud.world.link(project.name, GLOBAL, "licenses", _licence(family, name))
        make(
            cloud, project, name,
            {"family": family, "diskSizeGb": str(size), "architecture": "ARM64" if arm else "X86_64",
             "licenses": [licence]},
        )  # fmt: skip


def _licence(family: str, name: str) -> str:
    """``debian-12-bookworm`` of an image of Debian's; elsewhere licences are called as families are."""
    return _DATED.sub("", name) if family.startswith("debian") else family.removesuffix("-amd64")


def shown_on_disks(image: Json) -> Json:
    """What a disk has of the image it is made from, and a VM shows of its disks."""
    fields = ("licenses", "guestOsFeatures", "architecture")
    return {key: image[key] for key in fields if image.get(key)}


def make(cloud: Cloud, project: Project, name: str, body: Json) -> Document:
    """Put an image there."""
    world = cloud.world
    data: Json = {
        "kind": "compute#image",
        "id": world.fresh_id(),
        "creationTimestamp": world.stamp(),
        "name": name,
        "status": "READY",
        "sourceType": "RAW",
        "archiveSizeBytes": "1073741824",
        "diskSizeGb": "10",
        "architecture": "X86_64",
        "labelFingerprint": "42WmSpB8rSM=",
        "guestOsFeatures": [{"type": feature} for feature in FEATURES],
        "storageLocations": ["us"],
        "selfLink": world.link(project.name, GLOBAL, "images", name),
        **body,
    }  # fmt: skip
    image = Document(name, data)
    project.table("images").put(GLOBAL, image)
    return image


def newest(project: Project, family: str) -> Document | None:
    """The latest image of a family that is not deprecated."""
    found = [
        image
        for image in project.table("images")
        if image.data.get("family") == family and "deprecated" not in image.data
    ]
    return max(found, key=lambda image: int(image.data["id"]), default=None)


def find(cloud: Cloud, project: Project, reference: str) -> Document | None:
    """The image, or the newest of the family, that any form of its link names."""
    path = relative(reference)
    owner = path.split("/")[1] if path.startswith("projects/") else project.name
    place = cloud.world.project(owner)
    _, viewed, family = path.partition("/imageFamilyViews/")
    if viewed:
        return newest(place, family)
    _, _, rest = f"/{path}".rpartition("/images/")
    if rest.startswith("family/"):
        return newest(place, rest.removeprefix("family/"))
    if path.startswith("family/"):
        return newest(place, path.removeprefix("family/"))
    name = rest or path
    found: Document | None = place.table("images").get(GLOBAL, name)
    return found or (newest(place, name) if "/" not in path else None)
