"""What a plan takes of GCE's quotas against what the account has left, and what only a page tells."""

from collections.abc import Mapping, Sequence

from provision import quota
from provision.cloud import Limit
from provision.clouds.gce.account.needs import FAMILY, SPOT, Demand, Hardware
from provision.clouds.gce.account.survey import Survey
from provision.clouds.gce.place import Place
from provision.plan import Plan, PlannedMachine
from provision.quota import Amount, Key

PAGE = "https://console.cloud.google.com/iam-admin/quotas?project={project}"
"""Where limits stand and more is asked for."""


def demand(
    plan: Plan, place: Place, missing: Sequence[PlannedMachine], seen: Survey,
    vcpus: Mapping[str, int],
) -> Demand:  # fmt: skip
    """What is missing of the plan, on top of what is there and the cluster's own."""
    spot = seen.quotas.get((place.region, SPOT), Amount(0, 0))
    owned = {each.owned for each in seen.resources if each.cluster == plan.name}
    # Without a limit above zero, spot machines draw on the same pools as all others.
    return Demand(plan, place, Hardware(vcpus, spot.limit > 0), missing, owned)


def limits(wanted: Demand, quotas: Mapping[Key, Amount]) -> list[Limit]:
    """A row for each metric."""
    return quota.limits(wanted, quotas, PAGE.format(project=wanted.place.project))


def untold(rows: Sequence[Limit]) -> str:
    """A sentence on families whose limit only the Cloud Quotas page shows, '' where there is none."""
    names = [row.metric for row in rows if row.metric.startswith(FAMILY) and row.need]
    if not names:
        return ""
    return f"the limit of {', '.join(names)} is not known here: see the Cloud Quotas page, {rows[0].fix}"
