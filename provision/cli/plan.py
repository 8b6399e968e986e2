"""``provision plan``: what a spec would create."""

from dataclasses import asdict

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import SpecChoice, output_options, spec_options
from provision.cli.tables import Table
from provision.errors import EXIT_DONE
from provision.plan import Plan, PlannedGroup
from provision.spec.models import duration_text


@click.command("plan")
@spec_options
@output_options
def run(chosen: SpecChoice, options: ConsoleOptions) -> int:
    """Show the groups, names, addresses and totals of what SPEC would create.

    Creates nothing. The same spec gives the same bytes with --output json.
    """
    from provision.clouds import cloud_of

    with Console(options) as console:
        _, plan = chosen.plan()
        cost = cloud_of(plan.cloud).cost(plan)
        lines = [*summary(plan), *([f"cost: {cost.text}"] if cost else [])]
        data = plan.as_dict() | ({"cost": asdict(cost)} if cost else {})
        console.result(data, table_of(plan), *lines)
    return EXIT_DONE


def table_of(plan: Plan) -> Table:
    """A row per group; the controller is the first."""
    controller = plan.controller
    rows = [(controller.group, controller.role, 1, controller.name, controller.address)]
    rows += [
        (group.name, group.role, len(group.machines), names_of(plan, group), addresses_of(group))
        for group in plan.groups
    ]
    return Table(("GROUP", "ROLE", "MACHINES", "NAMES", "ADDRESSES"), rows)


def summary(plan: Plan) -> list[str]:
    """The totals, in sentences."""
    workers = len(plan.workers)
    ttl = f"may be removed after {duration_text(plan.ttl)}" if plan.ttl else "no ttl"
    return [
        "",
        f"{plan.name} on {plan.cloud.kind}, {plan.scheduler}, subnet {plan.subnet}, {ttl}",
        f"total: {1 + workers} machines (1 controller, {workers} workers)",
        f"ready: {plan.needed} of {workers} workers within {duration_text(plan.deadline)}; "
        f"late ones are replaced once after {duration_text(plan.replace_after)}",
    ]


def names_of(plan: Plan, group: PlannedGroup) -> str:
    """``demo-worker-[0001-0008]``, the way Slurm writes host lists."""
    first, last = group.machines[0].name, group.machines[-1].name
    if first == last:
        return first
    stem = f"{plan.name}-{group.name}-"
    return f"{stem}[{first.removeprefix(stem)}-{last.removeprefix(stem)}]"


def addresses_of(group: PlannedGroup) -> str:
    """First and last address of the group; between them other groups may have theirs."""
    first, last = group.machines[0].address, group.machines[-1].address
    return first if first == last else f"{first} .. {last}"
