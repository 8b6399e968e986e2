"""Machine types: those of the catalogue, and custom ones by their names."""

import re

from provision.emulator.gce.catalogue import MachineType
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.world import Json

CUSTOM = re.compile(r"(?:(n1|n2|n2d|n4|e2|g2|c4a?)-)?custom-(\d{1,3})-(\d{3,7})(-ext)?\Z")
"""``custom-4-8192`` (N1), ``n2-custom-8-16384``, with ``-ext`` for extended memory."""
TERMINATE_ONLY = re.compile(r"(h4d|ct\w+|tpu\w*)-.*|.*-metal|z3-highmem-(88|176)")
"""Types that cannot live-migrate, GPUs aside: H4D, TPUs, bare metal, Z3 with more than 18 TiB of SSD
(docs.cloud.google.com/compute/docs/instances/host-maintenance-overview)."""
ARM64 = frozenset({"a4x", "c4a", "n4a", "t2a"})
"""Families with Arm processors (docs.cloud.google.com/compute/docs/instances/arm-on-compute)."""
L4_OF_G2 = {24: 2, 48: 4, 96: 8}
"""GPUs of a G2 by its vCPUs, as the standard types have them; 1 with any other number."""
METRICS = {"": "CPUS", "n1": "CPUS", "e2": "CPUS", "n2": "N2_CPUS", "n2d": "N2D_CPUS"}


def find(cloud: Cloud, name: str) -> MachineType | None:
    """The type of that name, None where Google has none."""
    known = cloud.catalogue.machine_types.get(name)
    if known:
        return known
    found = CUSTOM.match(name)
    if found is None:
        return None
    cpus, memory = int(found[2]), int(found[3])
    if cpus < 1 or memory % 256 or (cpus > 1 and cpus % 2):
        return None
    gpus = (("nvidia-l4", L4_OF_G2.get(cpus, 1)),) if found[1] == "g2" else ()
    metric = METRICS.get(found[1] or "", "CPUS_PER_VM_FAMILY")
    return MachineType(name, cpus, memory, metric, accelerators=gpus)


def architecture(kind: MachineType) -> str:
    """``ARM64`` or ``X86_64``."""
    return "ARM64" if kind.family in ARM64 else "X86_64"


def json(cloud: Cloud, project: str, zone: str, kind: MachineType) -> Json:
    """As ``machineTypes.get`` answers it."""
    world = cloud.world
    shown: Json = {
        "kind": "compute#machineType",
        "id": str(sum(ord(letter) * 131**at for at, letter in enumerate(kind.name)) % 2**63),
        "creationTimestamp": "1969-12-31T16:00:00.000-08:00",
        "name": kind.name,
        "description": f"{kind.cpus} vCPU, {kind.memory_mb / 1024:g} GB RAM",
        "guestCpus": kind.cpus,
        "memoryMb": kind.memory_mb,
        "imageSpaceGb": 0,
        "maximumPersistentDisks": 128,
        "maximumPersistentDisksSizeGb": "263168",
        "zone": zone,
        "selfLink": world.link(project, f"zones/{zone}", "machineTypes", kind.name),
        "isSharedCpu": kind.shared,
        "architecture": architecture(kind),
    }
    if kind.accelerators:
        shown["accelerators"] = [
            {"guestAcceleratorType": name, "guestAcceleratorCount": count}
            for name, count in kind.accelerators
        ]
    return shown
