"""What may still be created on GCE, compared with what a plan needs."""

from collections.abc import Sequence

from provision.clouds.gce.client import Gce
from provision.clouds.gce.place import Place
from provision.errors import Finding
from provision.plan import Plan, PlannedMachine


def findings(
    gce: Gce, place: Place, plan: Plan, missing: Sequence[PlannedMachine]
) -> list[Finding]:
    """What makes creating the missing machines fail."""
    return []
