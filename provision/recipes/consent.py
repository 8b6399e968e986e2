"""What may be created, and what it costs: against the quotas, and asked of whoever pays."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from provision.cloud import Cost, Limit
from provision.cluster.session import opened
from provision.errors import CloudFailure, DeclinedError, RefusedError, RuntimeFailure
from provision.events import Emit, Noted, Warned
from provision.plan import Plan, plan_of, with_nodes
from provision.quota import fitting
from provision.recipes import preflight
from provision.recipes.bringup import BringUp, Gap
from provision.spec.models import Spec


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is about to be created and paid for: ``machines`` of them now, and what the whole costs."""

    cluster: str
    machines: int
    cost: Cost | None


Agree = Callable[[Purchase], bool]
"""Asks whoever pays; False creates nothing. May raise where nobody can be asked."""


@dataclass(frozen=True, slots=True)
class Headroom:
    """A plan against its cloud's quotas; ``sizes`` of the groups would fit, None where none would."""

    plan: Plan
    limits: Sequence[Limit]
    fits: bool
    sizes: Mapping[str, int] | None
    cost: Cost | None


def headroom(spec: Spec, emit: Emit) -> Headroom:
    """What the spec's missing machines need of the account's quotas; creates nothing.

    Raises:
        RefusedError: it cannot be known, or the cloud has no quotas and lacks something else.
    """
    with opened(spec.name, spec.cloud, spec.scheduler, emit) as session:
        plan = BringUp.of(session, spec).plan
        try:
            here = session.machines()
        except (RuntimeFailure, CloudFailure):
            here = []  # what follows says why
        lacking = preflight.missing(plan, here)
        limits = session.cloud.headroom(plan, lacking)
        if not limits and (wrong := preflight.capacity(session.cloud, plan, lacking)):
            raise RefusedError(wrong)
        fits = not any(limit.short for limit in limits)
        return Headroom(plan, limits, fits, fitting(plan, limits), session.cloud.cost(plan))


def fitted(run: BringUp) -> BringUp:
    """With its plan shrunk to what the account still allows; the check refuses where nothing fits."""
    session, plan = run.session, run.plan
    try:
        lacking = preflight.missing(plan, session.machines())
        limits = session.cloud.headroom(plan, lacking) if lacking else []
    except (RuntimeFailure, CloudFailure, RefusedError):
        return run  # the check tells it, with everything else that is wrong
    sizes = fitting(plan, limits)
    last = plan.groups[-1]
    if sizes is None or sizes[last.name] == len(last.machines):
        return run
    short = ", ".join(f"{limit.metric} in {limit.where}" for limit in limits if limit.short)
    session.emit(
        Warned(
            text=f"{plan.name} shrinks to fit the quota ({short}): {last.name} has "
            f"{sizes[last.name]} nodes instead of {len(last.machines)}"
        )
    )
    spec = with_nodes(run.spec, sizes)
    return dataclasses.replace(run, spec=spec, plan=plan_of(spec))


def ask(run: BringUp, gap: Gap, agree: Agree | None) -> None:
    """Tell what it costs, and let whoever pays agree before the first create.

    Raises:
        DeclinedError: they did not.
    """
    if not gap.lacking:
        return
    cost = run.session.cloud.cost(run.plan)
    if cost is not None:
        run.session.emit(Noted(text=f"{run.plan.name} costs {cost.text}"))
    if agree is None or not run.session.cloud.bills():
        return
    if not agree(Purchase(run.plan.name, len(gap.lacking), cost)):
        raise DeclinedError("nothing was created", "run it again, and answer yes or give --yes")
