"""Everything that can be known to be wrong before the first create call, reported all at once."""

from collections.abc import Mapping, Sequence

from provision import labels
from provision.cloud import Cloud, Limit, Machine, Phase
from provision.errors import Finding
from provision.names import ENDLESS, short_name
from provision.plan import Plan, PlannedMachine


def missing(plan: Plan, here: Sequence[Machine]) -> list[PlannedMachine]:
    """The machines of the plan that do not run."""
    running = {machine.name for machine in here if machine.phase is not Phase.STOPPED}
    return [machine for machine in plan.machines if machine.name not in running]


def same_cluster(
    plan: Plan, here: Sequence[Machine], ours: Mapping[str, str], keys: str
) -> list[Finding]:
    """Why the machines that carry the name already cannot be what this plan goes on with.

    ``ours`` are the labels this run would set, ``keys`` is the fingerprint of the keys on this
    machine, '' where there are none.
    """
    if not here:
        return []
    name, where = plan.name, f"cluster {plan.name}"
    marks = here[0].labels
    same = {
        key: marks.get(key) == ours.get(key) for key in (labels.SPEC, labels.PLAN, labels.SOURCE)
    }
    if not same[labels.SPEC] or not (same[labels.PLAN] or same[labels.SOURCE]):
        return [
            Finding(
                where,
                "the name is taken: a cluster of another spec runs under it",
                f"give this one another --name, 'provision scale {name} N' to change the other's "
                f"size, or run 'provision down {name}' first",
            )
        ]
    if marks.get(labels.KEYS) != keys:
        return [
            Finding(
                where,
                "its machines run, and their keys are not on this machine",
                f"run this where it was started, or 'provision down {name}' first",
            )
        ]
    wanted = {machine.name for machine in plan.machines}
    # One that has stopped may be on its way out still: a cloud takes its time to remove it.
    extra = [m.name for m in here if m.name not in wanted and m.phase is not Phase.STOPPED]
    if extra:
        return [
            Finding(
                where,
                f"it has {_workers(here)} workers and {len(plan.workers)} are asked for "
                f"(more: {short_name(name, extra[0])} …)",
                f"run 'provision scale {name} {len(plan.workers)}'",
            )
        ]
    return []


def _workers(here: Sequence[Machine]) -> int:
    return sum(m.role == labels.WORKER and m.phase is not Phase.STOPPED for m in here)


def room(cloud: Cloud, plan: Plan, lacking: Sequence[PlannedMachine]) -> list[Finding]:
    """What the cloud or this host lacks for the missing machines."""
    return cloud.check(plan, lacking) if lacking else []


def fitting(plan: Plan, limits: Sequence[Limit]) -> dict[str, int] | None:
    """The largest sizes of the groups that fit: the last one shrinks, the others stay as they are.

    None where not even one node of it fits. Limits that are not known count for nothing.
    """
    sizes = {group.name: len(group.machines) for group in plan.groups}
    most = min((each.largest for each in limits if each.largest is not None), default=ENDLESS)
    last = plan.groups[-1].name
    others = sum(sizes.values()) - sizes[last]
    sizes[last] = min(sizes[last], most - others)
    return sizes if sizes[last] > 0 else None
