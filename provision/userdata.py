"""What the machines of each group boot with: the scheduler's templates and the spec's own parts."""

from collections.abc import Mapping

from provision import cloudinit
from provision.errors import Finding
from provision.keys import Keys
from provision.plan import Plan
from provision.scheduler import Scheduler


def user_data_of(scheduler: Scheduler, plan: Plan, keys: Keys) -> dict[str, str]:
    """The rendered user-data of each group, before the spec's own parts are added."""
    templates = scheduler.templates(plan, keys)
    return {group: cloudinit.render(template) for group, template in templates.items()}


def with_own_parts(plan: Plan, texts: Mapping[str, str]) -> dict[str, str]:
    """What the machines really get: ours, and the spec's own part where it has one."""
    own = _own_parts(plan)
    return {group: cloudinit.with_extra(text, own.get(group, "")) for group, text in texts.items()}


def faults(plan: Plan, texts: Mapping[str, str], limit: int) -> list[Finding]:
    """What cloud-init, or the cloud with its ``limit`` in bytes, would refuse of ``texts``."""
    own = _own_parts(plan)
    return [
        finding
        for group, text in texts.items()
        for finding in cloudinit.check(f"groups.{group}", text, own.get(group, ""), limit)
    ]


def _own_parts(plan: Plan) -> dict[str, str]:
    return {group.name: group.user_data for group in plan.groups}
