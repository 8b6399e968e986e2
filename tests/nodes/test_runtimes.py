"""What every kind of machine promises: it boots what it is given, and nothing of it stays."""

import os
import signal
import time
from dataclasses import replace

import pytest

from provision import labels
from provision.errors import RuntimeFailure
from provision.events import ignore
from provision.runtime import MachineRuntime, Network, Running, State
from provision.runtimes import addresses
from provision.runtimes.container.connect import connect
from provision.runtimes.light.records import MACHINES, Records
from tests.nodes.conftest import BOOTED, Make, booted
from tests.nodes.test_light_runtime import ended


def test_machines_boot_what_they_are_given(
    runtime: MachineRuntime, kind: str, cluster: str, boot: Make
) -> None:
    boots = [boot(number) for number in range(3)]
    began = time.time()
    assert runtime.start(boots, ignore) == {}
    for one in boots:
        console = booted(runtime, one.name)
        assert f"proof: {one.name} the written file" in console
        assert f"UP {one.address}/24" in console
        assert ("systemd" in console) == (kind == "container")
    machines = runtime.running({labels.CLUSTER: cluster})
    assert [machine.name for machine in machines] == [one.name for one in boots]
    assert [machine.address for machine in machines] == [one.address for one in boots]
    for machine in machines:
        assert machine.state is State.RUNNING
        assert machine.labels[labels.ROLE] == labels.WORKER
        assert machine.started is not None
        assert abs(machine.started - began) < BOOTED


def test_start_again_changes_nothing(
    runtime: MachineRuntime, kind: str, cluster: str, boot: Make
) -> None:
    boots = [boot(0), boot(1)]
    assert runtime.start(boots, ignore) == {}
    before = idents(kind, cluster)
    assert len(before) == 2
    assert runtime.start(boots, ignore) == {}
    assert idents(kind, cluster) == before


def test_one_that_has_stopped_is_booted_anew(
    runtime: MachineRuntime, kind: str, cluster: str, boot: Make
) -> None:
    first = boot(0)
    runtime.start([first], ignore)
    booted(runtime, first.name)
    before = idents(kind, cluster)
    crash(kind, first.name)
    assert only(runtime, cluster).state is State.STOPPED
    assert only(runtime, cluster).exit_code == (137 if kind == "container" else None)
    assert runtime.start([boot(0, generation=1)], ignore) == {}
    assert f"proof: {first.name}" in booted(runtime, first.name)
    assert only(runtime, cluster).state is State.RUNNING
    assert idents(kind, cluster) != before


def test_stop_leaves_nothing_and_is_no_error_twice(
    runtime: MachineRuntime, cluster: str, network: Network, boot: Make
) -> None:
    marks = {labels.CLUSTER: cluster}
    names = [boot(number).name for number in range(3)]
    runtime.start([boot(number) for number in range(3)], ignore)
    assert runtime.stop(marks, names[:1]) == names[:1]
    assert [name for _, name, _ in runtime.leftovers(marks)] == [*names[1:], network.name]
    assert sorted(runtime.stop(marks)) == sorted([*names[1:], network.name])
    assert runtime.leftovers(marks) == []
    assert runtime.stop(marks) == []
    assert runtime.console(names[1]) == ""


def test_a_machine_that_cannot_start_is_named(
    runtime: MachineRuntime, cluster: str, boot: Make
) -> None:
    good = boot(0)
    elsewhere = replace(boot(1), address="192.0.2.200")
    failed = runtime.start([elsewhere, good], ignore)
    assert list(failed) == [elsewhere.name] and failed[elsewhere.name]
    running = [m.name for m in runtime.running({}) if m.state is State.RUNNING]
    assert good.name in running and elsewhere.name not in running


def test_another_clusters_machine_is_let_alone(runtime: MachineRuntime, boot: Make) -> None:
    mine = boot(0)
    runtime.start([mine], ignore)
    theirs = replace(mine, labels={labels.CLUSTER: "rt000000"})
    failed = runtime.start([theirs], ignore)
    assert "exists already and belongs to the cluster" in failed[mine.name]
    assert [machine.name for machine in runtime.running(mine.labels)] == [mine.name]


def test_the_subnet_of_a_network_is_taken(
    runtime: MachineRuntime, cluster: str, network: Network
) -> None:
    assert f"of the cluster {cluster}" in runtime.taken(network.subnet)
    assert runtime.taken(network.subnet, adopt=network.name) == ""
    runtime.ensure_network(network)
    with pytest.raises(RuntimeFailure, match="exists with"):
        runtime.ensure_network(Network(network.name, "10.99.0.0/24", network.labels))
    for route, device in addresses.read_host().routes:
        if not device.startswith(("podman", "br-", "docker", "cni", "pl")):
            assert "this host's route" in runtime.taken(route)


def test_the_checks_leave_nothing(runtime: MachineRuntime, kind: str) -> None:
    before = [(machine.name, machine.state) for machine in runtime.running({})]
    checks = {check.name: check for check in runtime.check(2)}
    for name in {"container": ["container engine", "container start"]}.get(kind, ["namespaces"]):
        assert checks[name].finding is None
    assert [(machine.name, machine.state) for machine in runtime.running({})] == before


def only(runtime: MachineRuntime, cluster: str) -> Running:
    (machine,) = runtime.running({labels.CLUSTER: cluster})
    return machine


def crash(kind: str, name: str) -> None:
    """End a machine behind the runtime's back."""
    if kind == "light":
        record = Records().get(MACHINES, name)
        assert record and record.process
        process = os.pidfd_open(record.process.number)
        signal.pidfd_send_signal(process, signal.SIGKILL)
        os.close(process)
        ended(record.process)
        return
    engine = connect()
    try:
        engine._api.kill(name, "SIGKILL")
    finally:
        engine.close()


def idents(kind: str, cluster: str) -> list[str]:
    """What tells each machine from any other that bears its name."""
    wanted = {labels.CLUSTER: cluster}
    if kind == "light":
        return [str(record.process) for record in Records().find(MACHINES, wanted)]
    engine = connect()
    try:
        return [container.ident for container in engine.containers(wanted)]
    finally:
        engine.close()
