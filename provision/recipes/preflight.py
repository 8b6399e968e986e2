"""Everything that can be known to be wrong before the first create call, reported all at once."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from provision import labels
from provision.cloud import Cloud, Machine, Phase
from provision.errors import Finding
from provision.names import short_name
from provision.plan import Plan, PlannedMachine
from provision.spec import identity
from provision.spec.models import Spec


def missing(plan: Plan, here: Sequence[Machine]) -> list[PlannedMachine]:
    """The machines of the plan that do not run."""
    running = {machine.name for machine in here if machine.phase is not Phase.STOPPED}
    return [machine for machine in plan.machines if machine.name not in running]


class Specs(NamedTuple):
    """What the cluster was last brought up with, where this machine has it, and what is asked now."""

    before: Spec | None
    now: Spec


def same_cluster(
    plan: Plan, here: Sequence[Machine], ours: Mapping[str, str], keys: str, specs: Specs
) -> list[Finding]:
    """Why what carries the name already cannot be what this plan goes on with.

    ``ours`` are the labels this run would set, ``keys`` is the fingerprint of the keys on this
    machine, '' where there are none.
    """
    name, where = plan.name, f"cluster {plan.name}"
    otherwise = f"give this one another --name, or run 'provision down {name}' first"
    if not here:
        if specs.before and identity.place(specs.before) != identity.place(specs.now):
            place = " ".join(word for word in identity.place(specs.before) if word != "None")
            fix = f"{otherwise} (with --forget where that place is gone for good)"
            return [Finding(where, f"by its files here it was brought up elsewhere: {place}", fix)]
        return []
    marks = here[0].labels
    if specs.before and (others := identity.differences(specs.before, specs.now)):
        return [
            Finding(
                one.path,
                f"{name} is up with {one.was}, and {one.now} is asked for",
                f"leave it as it is: it counts from the first 'up'; else {otherwise}"
                if one.path == "ttl"
                else otherwise,
            )
            for one in others
        ]
    if marks.get(labels.SPEC) != ours.get(labels.SPEC):
        return [
            Finding(
                where,
                "the name is taken: a cluster of another spec runs under it",
                f"{otherwise}; what it was brought up with is not on this machine",
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


def expired(plan: Plan, kept: Mapping[str, str], now: float) -> list[Finding]:
    """Why what an earlier run declared cannot be gone on with, when none of its machines is there.

    ``kept`` are that run's labels. What is made anew would carry an end that has passed.
    """
    end = labels.expiry(kept)
    if end is None or end > now:
        return []
    return [
        Finding(
            "ttl",
            f"the ttl of {plan.name} has ended and its machines are gone",
            f"run 'provision down {plan.name}', then this again",
        )
    ]


def _workers(here: Sequence[Machine]) -> int:
    return sum(m.role == labels.WORKER and m.phase is not Phase.STOPPED for m in here)


def capacity(cloud: Cloud, plan: Plan, lacking: Sequence[PlannedMachine]) -> list[Finding]:
    """What the cloud or this host lacks for the missing machines."""
    return cloud.check(plan, lacking) if lacking else []


def members(cloud: Cloud) -> list[Finding]:
    """Why waiting for members would be in vain."""
    why = cloud.stateless()
    fix = (
        f"start it with machines that boot ('provision emulate {cloud.kind} --machines light'), or ask for"
        " no more than '--until created'"
    )
    return [Finding(f"cloud: {cloud.kind}", f"{why}, and none of them can join", fix)] * bool(why)
