"""Real machines in a real engine: they boot what they are given, and nothing of them stays."""

import contextlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision import labels
from provision.errors import RuntimeFailure
from provision.events import ignore
from provision.runtime import Boot, Network, Running, State
from provision.runtimes.container import addresses
from provision.runtimes.container.connect import candidates, connect, surroundings
from provision.runtimes.container.runtime import ContainerRuntime
from provision.runtimes.container.service import sweep

BOOTED = 60.0
"""Seconds a machine may take to the end of cloud-init (1 to 2 s on an idle host)."""
USER_DATA = """\
#cloud-config
write_files:
  - path: /etc/proof
    content: "the written file\\n"
runcmd:
  - [sh, -c, "echo proof: $(hostname) $(cat /etc/proof) > /dev/console"]
  - [sh, -c, "echo address: $(ip -4 -brief address show eth0) > /dev/console"]
"""


@pytest.fixture
def runtime() -> Iterator[ContainerRuntime]:
    made = ContainerRuntime()
    made.prepare(ignore)
    yield made
    made.close()


@pytest.fixture
def cluster(runtime: ContainerRuntime) -> Iterator[str]:
    """A name of its own; whatever carries it is gone when the test is over, however it ends."""
    name = f"rt{uuid4().hex[:6]}"
    yield name
    runtime.stop({labels.CLUSTER: name})
    assert runtime.leftovers({labels.CLUSTER: name}) == []


@pytest.fixture
def network(runtime: ContainerRuntime, cluster: str) -> Network:
    subnets = (f"10.{second}.{third}.0/24" for second in (97, 98) for third in range(256))
    free = next(subnet for subnet in subnets if not runtime.taken(subnet))
    found = Network(cluster, free, {labels.CLUSTER: cluster})
    runtime.ensure_network(found)
    return found


Make = Callable[..., Boot]


@pytest.fixture
def boot(cluster: str, network: Network) -> Make:
    base = network.subnet.rpartition(".")[0]

    def make(number: int, generation: int = 0, **publish: int) -> Boot:
        name = f"{cluster}-{number}"
        return Boot(
            name=name,
            user_data=USER_DATA,
            instance_id=f"{name}.{generation}",
            address=f"{base}.{10 + number}",
            network=network.name,
            labels={labels.CLUSTER: cluster, labels.ROLE: labels.WORKER},
            publish={port: 22 for port in publish.values()},
        )

    return make


def booted(runtime: ContainerRuntime, name: str) -> str:
    """The console of a machine once cloud-init has ended there."""
    end = re.compile(r"Cloud-init v\. \S+ finished at")
    text: str = Retrying(
        retry=retry_if_result(lambda text: not end.search(text)),
        wait=wait_fixed(0.2),
        stop=stop_after_delay(BOOTED),
    )(lambda: runtime.console(name))
    return text


def test_machines_boot_what_they_are_given(
    runtime: ContainerRuntime, cluster: str, boot: Make
) -> None:
    boots = [boot(number) for number in range(3)]
    began = time.time()
    assert runtime.start(boots, ignore) == {}
    for one in boots:
        console = booted(runtime, one.name)
        assert f"proof: {one.name} the written file" in console
        assert f"UP {one.address}/24" in console
        assert "systemd" in console
    machines = runtime.running({labels.CLUSTER: cluster})
    assert [machine.name for machine in machines] == [one.name for one in boots]
    assert [machine.address for machine in machines] == [one.address for one in boots]
    for machine in machines:
        assert machine.state is State.RUNNING
        assert machine.labels[labels.ROLE] == labels.WORKER
        assert machine.started is not None
        assert abs(machine.started - began) < BOOTED


def test_start_again_changes_nothing(runtime: ContainerRuntime, cluster: str, boot: Make) -> None:
    boots = [boot(0), boot(1)]
    runtime.start(boots, ignore)
    before = _idents(runtime, cluster)
    assert runtime.start(boots, ignore) == {}
    assert _idents(runtime, cluster) == before


def test_one_that_has_stopped_is_booted_anew(
    runtime: ContainerRuntime, cluster: str, boot: Make
) -> None:
    first = boot(0)
    runtime.start([first], ignore)
    booted(runtime, first.name)
    before = _idents(runtime, cluster)
    engine = connect()
    try:
        engine._api.kill(first.name, "SIGKILL")
    finally:
        engine.close()
    assert _only(runtime, cluster).state is State.STOPPED
    assert _only(runtime, cluster).exit_code == 137
    assert runtime.start([boot(0, generation=1)], ignore) == {}
    assert f"proof: {first.name}" in booted(runtime, first.name)
    assert _only(runtime, cluster).state is State.RUNNING
    assert _idents(runtime, cluster) != before


def test_a_published_port_reaches_sshd(runtime: ContainerRuntime, cluster: str, boot: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    one = boot(0, ssh=port)
    assert runtime.start([one], ignore) == {}
    busy = [check.name for check in runtime.check(1, [port]) if check.finding]
    assert f"port {port}" in busy
    booted(runtime, one.name)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        assert connection.recv(8) == b"SSH-2.0-"


def test_stop_leaves_nothing_and_is_no_error_twice(
    runtime: ContainerRuntime, cluster: str, network: Network, boot: Make
) -> None:
    marks = {labels.CLUSTER: cluster}
    names = [boot(number).name for number in range(3)]
    runtime.start([boot(number) for number in range(3)], ignore)
    assert runtime.stop(marks, names[:1]) == names[:1]
    kinds = [kind for kind, _, _ in runtime.leftovers(marks)]
    assert kinds == ["container", "container", "network"]
    assert sorted(runtime.stop(marks)) == sorted([*names[1:], network.name])
    assert runtime.leftovers(marks) == []
    assert runtime.stop(marks) == []
    assert runtime.console(names[1]) == ""


def test_a_machine_that_cannot_start_is_named(
    runtime: ContainerRuntime, cluster: str, network: Network, boot: Make
) -> None:
    good, same_address = boot(0), boot(1)
    taken = Boot(
        name=same_address.name,
        user_data=USER_DATA,
        instance_id="x",
        address="192.0.2.200",
        network=network.name,
        labels=good.labels,
    )
    failed = runtime.start([taken, good], ignore)
    assert list(failed) == [taken.name]
    assert "the container engine could not" in failed[taken.name]
    assert good.name in [m.name for m in runtime.running({}) if m.state is State.RUNNING]


def test_the_subnet_of_a_network_is_taken(
    runtime: ContainerRuntime, cluster: str, network: Network
) -> None:
    assert f"of the cluster {cluster}" in runtime.taken(network.subnet)
    assert runtime.taken(network.subnet, adopt=network.name) == ""
    runtime.ensure_network(network)
    with pytest.raises(RuntimeFailure, match="exists with"):
        runtime.ensure_network(Network(network.name, "10.99.0.0/24", network.labels))
    for route, device in addresses.read_host().routes:
        if not device.startswith(("podman", "br-", "docker", "cni")):
            assert "this host's route" in runtime.taken(route)


def test_the_checks_leave_nothing(runtime: ContainerRuntime) -> None:
    before = [(machine.name, machine.state) for machine in runtime.running({})]
    checks = {check.name: check for check in runtime.check(2)}
    assert checks["container engine"].finding is None
    assert checks["container start"].finding is None
    assert [(machine.name, machine.state) for machine in runtime.running({})] == before


def test_the_private_engine_ends_with_us(runtime: ContainerRuntime) -> None:
    runtime.running({})
    runtime.close()
    assert not list(Path("/tmp").glob(f"provision-engine-{_pid()}-*"))
    assert isinstance(runtime.running({}), list)


CHILD = """\
import time
from provision.runtimes.container.runtime import ContainerRuntime
ContainerRuntime().running({})
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(any(candidates(surroundings())), reason="an engine runs here: none is started")
def test_the_private_engine_does_not_outlive_kill_9(runtime: ContainerRuntime) -> None:
    command = [sys.executable, "-c", CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        mark = f"provision-engine-{child.pid}-"
        assert _processes(mark)
        child.kill()
    Retrying(retry=retry_if_result(bool), wait=wait_fixed(0.05), stop=stop_after_delay(5))(
        lambda: _processes(mark)
    )
    sweep()
    assert not list(Path("/tmp").glob(f"{mark}*"))


def _processes(mark: str) -> list[str]:
    """Process ids whose command line holds the mark."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if mark.encode() in (folder / "cmdline").read_bytes():
                    found.append(folder.name)
    return found


def _pid() -> str:
    return Path("/proc/self").readlink().name


def _only(runtime: ContainerRuntime, cluster: str) -> Running:
    (machine,) = runtime.running({labels.CLUSTER: cluster})
    return machine


def _idents(runtime: ContainerRuntime, cluster: str) -> list[str]:
    return [c.ident for c in runtime._engine.containers({labels.CLUSTER: cluster})]
