"""Quotas as GCE shows them. Metrics: clouds.md 1.6 and the discovery document's ``Quota.metric``."""

from provision.emulator.gce.world import Json, Project
from provision.emulator.quota import Quota

HIDDEN = frozenset({"CPUS_PER_VM_FAMILY", "INSTANCES_PER_NETWORK_GLOBAL"})
"""Metrics that ``regions.get`` and ``projects.get`` do not list."""


def shown(quota: Quota, project: Project, place: str) -> list[Json]:
    """``quotas`` of ``regions.get`` or ``projects.get``."""
    return [
        {"metric": metric, "limit": limit, "usage": used}
        for metric, limit, used in quota.listed(project, place, HIDDEN)
    ]
