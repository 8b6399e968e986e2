"""Persistent disks: of their own, and those that come and go with VMs."""

from dataclasses import dataclass, field

from provision.emulator.gce import errors
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.models import images
from provision.emulator.gce.world import Json, Project, fingerprint, last

DEFAULT_TYPE = "pd-standard"
DEFAULT_GB = 10
SCRATCH_GB = 375
Charges = dict[tuple[str, str], float]


@dataclass(slots=True, eq=False)
class Disk:
    """One disk. ``user`` is the path of the VM that has it, '' for none."""

    cloud: Cloud = field(repr=False)
    project: Project = field(repr=False)
    name: str
    zone: str
    ident: str
    kind: str
    size_gb: int
    image: Json = field(repr=False)
    """The image it was made from, {} for none."""
    created: float
    labels: dict[str, str]
    description: str = ""
    user: str = ""
    own_charge: bool = False
    """Whether it is charged by itself and not with a VM."""

    @property
    def path(self) -> str:
        """``projects/P/zones/Z/disks/N``."""
        return f"projects/{self.project.name}/zones/{self.zone}/disks/{self.name}"

    def charges(self) -> Charges:
        """What it counts for."""
        return charges(self.kind, self.size_gb, self.cloud.catalogue.zones[self.zone])

    def json(self) -> Json:
        """As ``get`` answers it."""
        world, scope = self.cloud.world, f"zones/{self.zone}"
        shown: Json = {
            "kind": "compute#disk",
            "id": self.ident,
            "creationTimestamp": world.stamp(self.created),
            "name": self.name,
            "sizeGb": str(self.size_gb),
            "zone": world.link(self.project.name, scope),
            "status": "READY",
            "selfLink": world.base + self.path,
            "type": world.link(self.project.name, scope, "diskTypes", self.kind),
            "physicalBlockSizeBytes": "4096",
            "labelFingerprint": fingerprint(sorted(self.labels.items())),
            "lastAttachTimestamp": world.stamp(self.created),
        }
        if self.image:
            shown["sourceImage"] = self.image["selfLink"]
            shown["sourceImageId"] = self.image["id"]
            shown |= images.shown_on_disks(self.image)
        if self.labels:
            shown["labels"] = self.labels
        if self.description:
            shown["description"] = self.description
        if self.user:
            shown["users"] = [world.base + self.user]
        return shown


def charges(kind: str, size_gb: int, region: str) -> Charges:
    """Quota of so many GB of a type: balanced and SSD share a metric (clouds.md 1.6)."""
    if kind == "pd-standard":
        metric = "DISKS_TOTAL_GB"
    elif kind == "local-ssd":
        metric = "LOCAL_SSD_TOTAL_GB"
    elif kind.startswith("hyperdisk"):
        metric = "HDB_TOTAL_GB"
    else:
        metric = "SSD_TOTAL_GB"
    return {(region, metric): float(size_gb)}


def check_params(cloud: Cloud, project: Project, attached: Json, where: str) -> None:
    """A disk that is to be made: its type, image and size. Raises ApiError."""
    params = attached.get("initializeParams") or {}
    place = f"{where}.initializeParams"
    kind = last(params.get("diskType") or DEFAULT_TYPE)
    limits = cloud.catalogue.data["diskTypes"].get(kind)
    if limits is None:
        raise errors.invalid(
            f"{place}.diskType", params["diskType"], "The referenced disk type does not exist."
        )
    reference = params.get("sourceImage")
    least = limits[0]
    if reference:
        image = images.find(cloud, project, reference)
        if image is None:
            raise errors.no_referenced(f"{place}.sourceImage", reference, "image")
        least = max(least, int(image.data["diskSizeGb"]))
    elif attached.get("boot") and not params.get("sourceSnapshot"):
        raise errors.invalid(
            f"{place}.sourceImage", "", "A source image must be specified for a boot disk."
        )
    size = int(params.get("diskSizeGb") or attached.get("diskSizeGb") or 0)
    if size and not least <= size <= limits[1]:
        why = f"Disk size must be between {least} GB and {limits[1]} GB."
        raise errors.invalid(f"{place}.diskSizeGb", size, why)


def size_of(cloud: Cloud, project: Project, attached: Json) -> tuple[str, int, Json]:
    """Type, GB and image ({} for none) of a disk that is to be made."""
    params = attached.get("initializeParams") or {}
    kind = last(params.get("diskType") or DEFAULT_TYPE)
    image = (
        images.find(cloud, project, params["sourceImage"]) if params.get("sourceImage") else None
    )
    given = int(params.get("diskSizeGb") or attached.get("diskSizeGb") or 0)
    natural = int(image.data["diskSizeGb"]) if image else cloud.catalogue.data["diskTypes"][kind][2]
    return kind, given or natural, image.data if image else {}


def attachment_charges(cloud: Cloud, project: Project, attached: Json, region: str) -> Charges:
    """What a VM is charged for one of its disks; one that was there is charged already."""
    if attached.get("source"):
        return {}
    if attached.get("type") == "SCRATCH":
        return charges("local-ssd", SCRATCH_GB, region)
    kind, size, _ = size_of(cloud, project, attached)
    return charges(kind, size, region)


def attach(
    cloud: Cloud, project: Project, zone: str, name: str, wanted: list[Json]
) -> list[tuple[Disk | None, Json]]:
    """Make or take the disks of the VM ``name``. Raises ApiError with nothing made or taken."""
    table, scope = project.table("disks"), f"zones/{zone}"
    user = f"projects/{project.name}/{scope}/instances/{name}"
    result: list[tuple[Disk | None, Json]] = []
    names = []
    for index, each in enumerate(wanted):
        params = each.get("initializeParams") or {}
        own = params.get("diskName") or (
            name if each.get("boot") or index == 0 else f"{name}-{index}"
        )
        names.append(own)
        if each.get("type") == "SCRATCH":
            continue
        if each.get("source"):
            disk = table.get(scope, last(each["source"]))
            if disk is None:
                raise errors.not_found(
                    f"projects/{project.name}/{scope}/disks/{last(each['source'])}"
                )
            if disk.user and each.get("mode") != "READ_ONLY":
                raise errors.in_use("disk", disk.path, disk.user)
        elif table.get(scope, own) is not None:
            raise errors.already_exists(f"projects/{project.name}/{scope}/disks/{own}")
    for each, own in zip(wanted, names, strict=True):
        if each.get("type") == "SCRATCH":
            result.append((None, each))
            continue
        if each.get("source"):
            disk = table.get(scope, last(each["source"]))
        else:
            kind, size, image = size_of(cloud, project, each)
            params = each.get("initializeParams") or {}
            disk = Disk(
                cloud, project, own, zone, cloud.world.fresh_id(), kind, size, image,
                cloud.world.agenda.now(), dict(params.get("labels") or {}),
            )  # fmt: skip
            table.put(scope, disk)
        disk.user = user
        result.append((disk, each))
    return result


def detach(
    cloud: Cloud, project: Project, zone: str, attached: list[tuple[Disk | None, Json]]
) -> None:
    """The VM is gone: disks with ``autoDelete`` go too, the others are free and stay."""
    table = project.table("disks")
    for disk, given in attached:
        if disk is None:
            continue
        disk.user = ""
        if given.get("autoDelete"):
            if table.pop(f"zones/{zone}", disk.name) is not None and disk.own_charge:
                cloud.quota.release(project, disk.charges())
        elif not disk.own_charge:
            disk.own_charge = True
            # It was charged with its VM; what it keeps occupying is its own from now on.
            for key, amount in disk.charges().items():
                project.usage[key] = project.usage.get(key, 0) + amount
