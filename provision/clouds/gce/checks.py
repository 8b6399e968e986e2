"""Everything that would make creating a plan's machines fail, found out before anything is created."""

from collections.abc import Iterator, Sequence

from provision.cloud import Limit
from provision.clouds.common.offers import told_once
from provision.clouds.gce.account import hardware, limits, permissions
from provision.clouds.gce.account.survey import Survey, survey
from provision.clouds.gce.client import Gce
from provision.clouds.gce.place import Place
from provision.errors import Finding, RefusedError
from provision.events import Emit, Warned, ignore
from provision.failures import ExpiredCredentials, NoCredentials, ServiceFailure
from provision.plan import Plan, PlannedMachine
from provision.quota import shortages
from provision.refusals import ApiDisabled, Denied, NoBilling


def findings(
    gce: Gce, place: Place, plan: Plan, missing: Sequence[PlannedMachine], emit: Emit = ignore
) -> list[Finding]:
    """What makes creating the missing machines fail: all of it, by a fixed number of calls."""
    seen = survey(gce, place, plan)
    found = [*failed(seen.failures), *permissions.findings(gce.settings, place, emit)]
    found += hardware.findings(gce, place, plan, seen, emit)
    found += _strangers(plan, seen)
    found += _subnet(plan, missing, seen)
    rows = _rows(place, plan, missing, seen)
    if text := limits.untold(rows):
        emit(Warned(text=text))
    return [*dict.fromkeys(found), *shortages(plan, rows)]


def headroom(gce: Gce, place: Place, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Limit]:
    """One row for each metric. Raises RefusedError where it cannot be known."""
    seen = survey(gce, place, plan)
    found = [*failed(seen.failures)]
    found += (
        finding
        for finding in hardware.findings(gce, place, plan, seen, ignore)
        if "machine type" in finding.problem
    )
    if found:
        raise RefusedError([*dict.fromkeys(found)])
    return _rows(place, plan, missing, seen)


def failed(failures: Sequence[ServiceFailure]) -> Iterator[Finding]:
    """What could not be read, each reason once."""
    return told_once(failures, about)


def about(failure: ServiceFailure) -> str:
    """What a failure is about, for people."""
    match failure:
        case NoCredentials() | ExpiredCredentials():
            return "credentials"
        case ApiDisabled() | NoBilling():
            return "cloud.project"
        case Denied():
            return "permissions"
    return "cloud: gce"


def _rows(place: Place, plan: Plan, missing: Sequence[PlannedMachine], seen: Survey) -> list[Limit]:
    wanted = limits.demand(plan, place, missing, seen, hardware.vcpus(seen))
    return limits.limits(wanted, seen.quotas)


def _strangers(plan: Plan, seen: Survey) -> Iterator[Finding]:
    """Names that the plan wants and somebody else has; the cluster's own are adopted."""
    for each in seen.resources:
        if each.cluster != plan.name:
            whose = f"of the cluster {each.cluster}" if each.cluster else "not of this cluster"
            yield Finding(
                f"{each.kind.noun} {each.name}",
                f"it exists already and is {whose}",
                "give the cluster another --name, or remove what has the name",
            )


def _subnet(plan: Plan, missing: Sequence[PlannedMachine], seen: Survey) -> Iterator[Finding]:
    """Machines that run keep their subnetwork: another range would replace it under them."""
    if len(missing) == 1 + len(plan.workers):
        return
    for each in seen.resources:
        if each.kind.collection == "subnetworks" and each.cluster == plan.name:
            there = each.details.ip_cidr_range
            if there != plan.subnet:
                yield Finding(
                    "cloud.subnet",
                    f"the cluster's machines stand in {there}, and {plan.subnet} is planned",
                    f"set cloud.subnet: {there}, or run 'provision down {plan.name}' first",
                )
