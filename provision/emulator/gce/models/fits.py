"""What Google refuses where a VM is made: disks and images that do not go with a machine type.

A table of the emulator's own, by series of machine types; what is in no row is let through. Sources:
docs.cloud.google.com/compute/docs/{instances/arm-on-compute,disks/persistent-disks,disks/hyperdisks,
disks/local-ssd,accelerator-optimized-machines}, AttachedDiskInitializeParams.diskType of the API, and
tables of tools whose users have met the refusals: skypilot (sky/clouds/gcp.py), openshift/installer
(pkg/types/gcp), cluster-toolkit (pull request 1601), nextflow (families without Local SSD).
"""

import re

from provision.emulator.gce import errors
from provision.emulator.gce.catalogue import MachineType
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.models import images, machine_types
from provision.emulator.gce.world import Json, Project, last

GENERATION_4 = frozenset(
    {"a4", "a4x", "c4", "c4a", "c4d", "ct6e", "g4", "h4d", "m4", "n4", "n4a", "n4d", "tpu7x", "x4"}
)
NO_PERSISTENT_DISK = re.compile(r"c3-.+-metal|a3-ultragpu-.+")
GENERATION_3 = frozenset({"a3", "c3", "c3d", "g2", "h3", "m3", "z3"})
NO_HYPERDISK_BOOT = frozenset(
    {"a2", "c2", "c2d", "e2", "f1", "g1", "g2", "n1", "n2", "n2d", "t2a", "t2d"}
)
NO_LOCAL_SSD = frozenset(
    {"e2", "f1", "g1", "h3", "m2", "m4", "n4", "n4a", "n4d", "t2a", "t2d", "x4"}
)
NOT_BOOTABLE = frozenset({"hyperdisk-ml", "hyperdisk-throughput", "local-ssd"})


def check(cloud: Cloud, project: Project, kind: MachineType, source: Json, where: str) -> None:
    """Raises ApiError where the VM's disks or image do not go with its machine type."""
    series = "n1" if kind.name.startswith("custom-") else kind.name.partition("-")[0]
    for index, disk in enumerate(source.get("disks") or []):
        _disk(disk, series, kind, f"{where}.disks[{index}]")
        reference = (disk.get("initializeParams") or {}).get("sourceImage")
        image = images.find(cloud, project, reference) if disk.get("boot") and reference else None
        mine = machine_types.architecture(kind)
        its = image.data.get("architecture", mine) if image else mine
        if its != mine:
            message = (
                f"Requested boot disk architecture ({its}) is not compatible with machine type"
                f" architecture ({mine})."
            )
            raise errors.ApiError(400, "badRequest", message)


def _disk(disk: Json, series: str, kind: MachineType, where: str) -> None:
    given = last((disk.get("initializeParams") or {}).get("diskType") or "")
    scratch = disk.get("type") == "SCRATCH" or given == "local-ssd"
    if scratch and series in NO_LOCAL_SSD:
        raise _apart("LOCAL_SSD", kind)
    none = series in GENERATION_4 or NO_PERSISTENT_DISK.fullmatch(kind.name)
    if given.startswith("pd-") and none:
        raise _apart(given, kind)
    if given == "pd-ssd" and series == "h3":
        raise _apart(given, kind)
    if given == "pd-standard" and series in GENERATION_3:
        raise _apart(given, kind)
    if disk.get("boot") and given.startswith("hyperdisk-") and series in NO_HYPERDISK_BOOT:
        raise _apart(given, kind)
    if disk.get("boot") and given in NOT_BOOTABLE:
        raise errors.invalid(
            f"{where}.boot", "true", f"{given} disks cannot be used as boot disks."
        )


def _apart(feature: str, kind: MachineType) -> errors.ApiError:
    """Google's sentence, as its users have met it (its list of the type's traits left out)."""
    message = (
        f"[{feature}] features and [machine_type: {kind.name}] InstanceTaxonomies are not compatible"
        " for creating instance."
    )
    return errors.ApiError(400, "badRequest", message)
