"""Which GCE machine types can live-migrate when their host is maintained, and which cannot.

A policy that a type does not have is refused when the VM is made, so it is said here and not left to
Google's default (MIGRATE, spot VMs aside).
"""

import re
from collections.abc import Sequence

TERMINATE_ONLY = re.compile(
    r"(a[2-4]x?|g[24]|h4d|ct[0-9a-z]+|tpu[0-9a-z]*)-.+"  # GPUs, H4D, TPUs
    r"|.+-metal"
    r"|z3-highmem-(88|176|176-standardlssd|88-highlssd)"  # more than 18 TiB of local SSD
)
"""docs.cloud.google.com/compute/docs/instances/host-maintenance-overview and live-migration-process:
H4D, bare metal, attached GPUs, TPUs, and Z3 with more than 18 TiB of Titanium SSD."""
MIGRATE_ONLY = re.compile(r"(e2|z3)-.+")
"""``e2 instances do not support onHostMaintenance=TERMINATE unless they are preemptible`` (Google's
answer); Z3 takes no other policy than its type's (host-maintenance-overview)."""


def terminates(machine_type: str) -> bool:
    """Whether VMs of the type are stopped for maintenance, and cannot say otherwise."""
    return bool(TERMINATE_ONLY.fullmatch(machine_type))


def migrates(machine_type: str) -> bool:
    """Whether VMs of the type, unless they are spot, migrate and cannot say otherwise."""
    return bool(MIGRATE_ONLY.fullmatch(machine_type)) and not terminates(machine_type)


def policy(machine_types: Sequence[str]) -> dict[str, str]:
    """The input ``maintenance`` of VMs of these types; empty where Google's default does."""
    return {"maintenance": "TERMINATE"} if any(map(terminates, machine_types)) else {}
