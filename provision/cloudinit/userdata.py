"""What the machines of each group boot with: the scheduler's templates and the spec's own parts."""

from collections.abc import Mapping

from provision.cloudinit import merging, rendering
from provision.errors import Finding
from provision.keys import Keys
from provision.labels import CONTROLLER
from provision.plan import Plan
from provision.scheduler import Scheduler


def user_data_of(scheduler: Scheduler, plan: Plan, keys: Keys) -> dict[str, str]:
    """The rendered user-data of each group, before the spec's own parts are added."""
    templates = scheduler.templates(plan, keys)
    return {group: rendering.render(template) for group, template in templates.items()}


def with_own_parts(plan: Plan, texts: Mapping[str, str]) -> dict[str, str]:
    """What the machines really get: ours, and the spec's own part where it has one."""
    return {group: merging.merged(text, plan.own_part(group)) for group, text in texts.items()}


def faults(plan: Plan, texts: Mapping[str, str], limit: int) -> list[Finding]:
    """What cloud-init, or the cloud with its ``limit`` in bytes, would refuse of ``texts``."""
    findings = []
    for group, text in texts.items():
        where = CONTROLLER if group == CONTROLLER else f"groups.{group}"
        own = plan.own_part(group)
        wrong = rendering.check(where, text)
        wrong += rendering.check_own(
            f"{where}.user_data", own, text, local=plan.cloud.traits.on_this_host
        )
        findings += wrong or rendering.check_size(where, merging.merged(text, own), limit)
    return findings
