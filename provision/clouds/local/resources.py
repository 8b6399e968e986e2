"""A plan as machines and a network of this host, and back again from labels alone."""

import time
from collections.abc import Mapping, Sequence

from provision import labels
from provision.cloud import Launch, Machine, Phase
from provision.labels import CONTROLLER
from provision.plan import PlannedMachine
from provision.runtime import Boot, Network, Running, State
from provision.spec.clouds import LocalCloud as LocalSpec

PHASES = {
    State.CREATED: Phase.REQUESTED,
    State.RUNNING: Phase.STARTED,
    State.STOPPED: Phase.STOPPED,
}


def network(launch: Launch) -> Network:
    """The cluster's own network."""
    return Network(
        name=launch.plan.network,
        subnet=launch.plan.subnet,
        labels={**launch.marks, labels.CLUSTER: launch.plan.name},
    )


def boots(
    launch: Launch, machines: Sequence[PlannedMachine], generations: Mapping[str, int]
) -> list[Boot]:
    """What boots these machines; ``generations`` counts replacements by name (0 where absent)."""
    return [_boot(launch, machine, generations.get(machine.name, 0)) for machine in machines]


def _boot(launch: Launch, machine: PlannedMachine, generation: int) -> Boot:
    spec = launch.plan.cloud
    publish = {}
    if machine.role == CONTROLLER and isinstance(spec, LocalSpec) and spec.ssh_port:
        publish[spec.ssh_port] = 22
    return Boot(
        name=machine.name,
        user_data=launch.user_data[machine.group],
        # A replaced machine is a new instance: cloud-init runs everything again.
        instance_id=f"{machine.name}.{generation}",
        address=machine.address,
        network=launch.plan.network,
        labels={
            **launch.marks,
            labels.CLUSTER: launch.plan.name,
            labels.ROLE: machine.role,
            labels.GROUP: machine.group,
            labels.GENERATION: str(generation),
            labels.CREATED: str(int(time.time() * 1000)),
        },
        publish=publish,
    )


def machine(running: Running) -> Machine:
    """What a container says of itself, as the clouds' common value."""
    marks = running.labels
    return Machine(
        name=running.name,
        cluster=marks.get(labels.CLUSTER, ""),
        role=marks.get(labels.ROLE, ""),
        group=marks.get(labels.GROUP, ""),
        address=running.address,
        phase=PHASES[running.state],
        generation=int(marks.get(labels.GENERATION, "0")),
        requested=int(marks.get(labels.CREATED, "0")) / 1000,
        started=running.started,
        labels=marks,
        error="" if running.exit_code in (None, 0) else f"its PID 1 ended with {running.exit_code}",
    )
