"""The recipe ``scale``: more nodes, or fewer."""

from provision.cluster.session import found
from provision.errors import UsageError
from provision.events import Emit
from provision.names import machine_number
from provision.plan import plan_of, with_nodes
from provision.recipes import controller, release
from provision.recipes.bringup import BringUp
from provision.recipes.outcome import Outcome
from provision.recipes.up import bring_up
from provision.spec.models import Spec
from provision.suggest import did_you_mean


def scale(
    name: str, nodes: int, group: str, emit: Emit, command: str = "provision scale", *, force: bool
) -> Outcome:
    """Make the group (the only one, when ``group`` is empty) ``nodes`` large.

    Growing creates the new nodes and proves all that are free. Shrinking drains the highest numbers
    first and takes no node that runs a job unless ``force``.
    """
    with found(name, emit, log="scale") as session, session.lock(command):
        spec = session.spec()
        group = _the_group(spec, group)
        machines = session.machines()
        controller.there(session, plan_of(spec), machines)
        surplus = [
            machine.name
            for machine in machines
            if machine.group == group and _number(machine.name, spec, group) > nodes
        ]
        if surplus:
            release.out(session, surplus, force=force)
        return bring_up(BringUp.again(session, with_nodes(spec, {group: nodes}), machines))


def _number(machine: str, spec: Spec, group: str) -> int:
    return machine_number(machine, spec.name, group, spec.cloud.traits.per_group)


def _the_group(spec: Spec, group: str) -> str:
    if not group and len(spec.groups) == 1:
        return next(iter(spec.groups))
    if group not in spec.groups:
        fix = did_you_mean(group, spec.groups, "name one with --group")
        raise UsageError(f"{spec.name} has the groups {', '.join(spec.groups)}", fix)
    return group
