"""A plan's demand against what is left of a cloud's quotas: pure, for any cloud."""

from collections.abc import Sequence

from provision.cloud import Limit
from provision.names import ENDLESS
from provision.plan import Plan


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
