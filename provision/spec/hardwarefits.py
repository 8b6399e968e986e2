"""Which GCE machine types, boot disks and images go together: data, by series of machine types.

Only what is known not to go together is here; what is not known passes, and Google decides.
"""

import re
from collections.abc import Mapping

SOURCES = (
    "docs.cloud.google.com/compute/docs/instances/arm-on-compute",
    "docs.cloud.google.com/compute/docs/disks/persistent-disks (machine series support)",
    "docs.cloud.google.com/compute/docs/disks/hyperdisks (machine type support, limitations)",
    "Compute API v1, AttachedDiskInitializeParams.diskType: the default by series",
)
"""Where the facts below are from, as read in 2026."""
ARM = ("t2a", "c4a", "n4a", "a4x")
"""Series with Arm processors; all others are x86."""
HYPERDISK_ONLY = ("c4", "c4a", "c4d", "n4", "n4a", "n4d", "m4", "x4", "h4d", "a4", "a4x")
"""Series of the fourth generation: no Persistent Disk of any kind."""
PERSISTENT_ONLY = ("f1", "g1", "n1", "e2", "n2", "n2d", "t2a", "t2d", "c2", "c2d")
"""Series that boot from no Hyperdisk."""
NO_STANDARD = ("c3", "c3d", "h3", "z3", "m3", "g2", "a3")
"""Series of the third generation: Persistent Disk, but not ``pd-standard``."""
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
    if persistent and (of in HYPERDISK_ONLY or re.fullmatch(r"c3-.+-metal", machine_type)):
        return f"{machine_type} takes Hyperdisk only, not {disk_type}"
    if disk_type.startswith("hyperdisk-") and of in PERSISTENT_ONLY:
        return f"{machine_type} boots from Persistent Disk only, not from {disk_type}"
    if disk_type == "pd-standard" and of in NO_STANDARD:
        return f"{machine_type} takes no disk of type {disk_type}"
    if disk_type == "pd-extreme" and of not in EXTREME:
        return f"{machine_type} takes no disk of type {disk_type}"
    return ""


def fitting(machine_type: str) -> str:
    """A kind of disk that every machine of the type's series boots from."""
    metal = re.fullmatch(r"c3-.+-metal", machine_type)
    return (
        "hyperdisk-balanced" if metal or series(machine_type) in HYPERDISK_ONLY else "pd-balanced"
    )
