"""What may be created, and what it costs: against the quotas, and asked of whoever pays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provision.cloud import Cost, Limit
from provision.clouds import cost_of
from provision.cluster.session import opened
from provision.errors import CloudFailure, DeclinedError, RefusedError, RuntimeFailure
from provision.events import Emit, Noted, Warned
from provision.plan import Plan, plan_of, with_nodes
from provision.quota import fitting
from provision.recipes import preflight
from provision.recipes.bringup import Purchase, Run
from provision.spec.models import Spec


@dataclass(frozen=True, slots=True)
class Room:
    """A plan against its cloud's quotas; ``sizes`` of the groups would fit, None where none would."""

    plan: Plan
    limits: Sequence[Limit]
    fits: bool
    sizes: Mapping[str, int] | None
    cost: Cost | None


def headroom(spec: Spec, emit: Emit) -> Room:
    """What the spec's missing machines need of the account's quotas; creates nothing.

    Raises:
        RefusedError: it cannot be known, or the cloud has no quotas and lacks something else.
    """
    with opened(spec.name, spec.cloud, spec.scheduler, emit) as session:
        plan = Run.of(session, spec).plan
        try:
            here = session.machines()
        except (RuntimeFailure, CloudFailure):
            here = []  # what follows says why
        lacking = preflight.missing(plan, here)
        limits = session.cloud.headroom(plan, lacking)
        if not limits and (wrong := preflight.room(session.cloud, plan, lacking)):
            raise RefusedError(wrong)
        fits = not any(limit.short for limit in limits)
        return Room(plan, limits, fits, fitting(plan, limits), cost_of(plan))


def fit(run: Run) -> None:
    """Shrink the plan to what the account still allows; the check refuses where nothing fits."""
    session, plan = run.session, run.plan
    try:
        lacking = preflight.missing(plan, session.machines())
        limits = session.cloud.headroom(plan, lacking) if lacking else []
    except (RuntimeFailure, CloudFailure, RefusedError):
        return  # the check tells it, with everything else that is wrong
    sizes = fitting(plan, limits)
    last = plan.groups[-1]
    if sizes is None or sizes[last.name] == len(last.machines):
        return
    run.spec = with_nodes(run.spec, sizes)
    run.plan = plan_of(run.spec)
    short = ", ".join(f"{limit.metric} in {limit.where}" for limit in limits if limit.short)
    session.emit(
        Warned(
            text=f"{plan.name} shrinks to fit the quota ({short}): {last.name} has "
            f"{sizes[last.name]} nodes instead of {len(last.machines)}"
        )
    )


def agree(run: Run) -> None:
    """Tell what it costs, and let whoever pays agree before the first create.

    Raises:
        DeclinedError: they did not.
    """
    if not run.lacking:
        return
    cost = cost_of(run.plan)
    if cost is not None:
        run.session.emit(Noted(text=f"{run.plan.name} costs {cost.text}"))
    if run.agree is None or not run.session.cloud.bills():
        return
    if not run.agree(Purchase(run.plan.name, len(run.lacking), cost)):
        raise DeclinedError("nothing was created", "run it again, and answer yes or give --yes")
