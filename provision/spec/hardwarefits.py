"""Which GCE machine types, boot disks and images go together: data, by series of machine types.

Only what is known not to go together is here; what is not known passes, and Google decides.
"""

import re
from collections.abc import Mapping

SOURCES = (
    "docs.cloud.google.com/compute/docs/instances/arm-on-compute",
    "docs.cloud.google.com/compute/docs/disks/persistent-disks (machine series support)",
    "docs.cloud.google.com/compute/docs/disks/hyperdisks (machine type support, limitations)",
    "docs.cloud.google.com/compute/docs/disks/add-local-ssd (cannot be boot devices)",
    "docs.cloud.google.com/compute/docs/accelerator-optimized-machines#{a2,a3,g2}-disks",
    "Compute API v1, AttachedDiskInitializeParams.diskType: the default by series",
    "github.com/openshift/installer pkg/types/gcp (InstanceTypeToDiskTypeMap)",
    "github.com/skypilot-org/skypilot sky/clouds/gcp.py and pull request 5457",
    "github.com/GoogleCloudPlatform/cluster-toolkit pull request 1601 (C3, H3)",
)
"""Where the facts below are from, as read in 2026: Google's pages, and three tools whose users have
met Google's refusals. Where two of them disagree, what Google's page says."""
ARM = ("t2a", "c4a", "n4a", "a4x")
"""Series with Arm processors; all others are x86."""
HYPERDISK_ONLY = (
    *("c4", "c4a", "c4d", "n4", "n4a", "n4d", "m4", "x4", "h4d", "a4", "a4x", "g4"),
    *("ct6e", "tpu7x"),
)
"""Series of the fourth generation, and TPUs of that time: no Persistent Disk of any kind."""
HYPERDISK_ONLY_TYPES = re.compile(r"c3-.+-metal|a3-ultragpu-.+")
"""The same of single types of older series."""
PERSISTENT_ONLY = ("f1", "g1", "n1", "e2", "n2", "n2d", "t2a", "t2d", "c2", "c2d", "a2", "g2")
"""Series that boot from no Hyperdisk."""
NO_STANDARD = ("c3", "c3d", "h3", "z3", "m3", "g2", "a3")
"""Series of the third generation: Persistent Disk, but not ``pd-standard``."""
NO_SSD = ("h3",)
"""Series with Persistent Disk, but not ``pd-ssd``."""
EXTREME = ("m1", "m2", "m3", "n2", "n2d")
"""Series that take ``pd-extreme``."""
NEVER_BOOTS = ("local-ssd", "hyperdisk-throughput", "hyperdisk-ml")
"""Disk types that no machine boots from."""
NAMED: Mapping[str, re.Pattern[str]] = {
    "ARM64": re.compile(r"arm64|aarch64"),
    "X86_64": re.compile(r"amd64|x86[-_]64"),
}
"""How the names of public images tell the processor they are for."""


def series(machine_type: str) -> str:
    """``n2`` of ``n2-standard-4``; a custom type without a series is an N1."""
    first = machine_type.partition("-")[0]
    return "n1" if first == "custom" else first


def architecture(machine_type: str) -> str:
    """``ARM64`` or ``X86_64``, as Compute's API says it."""
    return "ARM64" if series(machine_type) in ARM else "X86_64"


def image_architecture(image: str) -> str:
    """What the image's name says; '' where it says nothing."""
    name = image.rpartition("/")[2]
    return next((kind for kind, said in NAMED.items() if said.search(name)), "")


def disk(machine_type: str, disk_type: str) -> str:
    """Why machines of the type cannot boot from that kind of disk; '' where they can."""
    of = series(machine_type)
    persistent = disk_type.startswith("pd-")
    if disk_type in NEVER_BOOTS:
        return f"no machine boots from a disk of type {disk_type}"
    if persistent and hyperdisk_only(machine_type):
        return f"{machine_type} takes Hyperdisk only, not {disk_type}"
    if disk_type.startswith("hyperdisk-") and of in PERSISTENT_ONLY:
        return f"{machine_type} boots from Persistent Disk only, not from {disk_type}"
    refused = {"pd-standard": of in NO_STANDARD, "pd-ssd": of in NO_SSD}
    if refused.get(disk_type) or (disk_type == "pd-extreme" and of not in EXTREME):
        return f"{machine_type} takes no disk of type {disk_type}"
    return ""


def hyperdisk_only(machine_type: str) -> bool:
    """Whether the type takes no Persistent Disk of any kind."""
    single = HYPERDISK_ONLY_TYPES.fullmatch(machine_type)
    return bool(single) or series(machine_type) in HYPERDISK_ONLY


def fitting(machine_type: str) -> str:
    """A kind of disk that every machine of the type's series boots from."""
    return "hyperdisk-balanced" if hyperdisk_only(machine_type) else "pd-balanced"
