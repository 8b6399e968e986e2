"""Real things are made here, so the ledger is open; see tests/ledger.py."""

import re
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision import labels
from provision.events import ignore
from provision.runtime import Boot, MachineRuntime, Network
from provision.runtimes import KINDS, runtime_of
from tests.ledger import ledger

__all__ = ["ledger"]

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
Make = Callable[..., Boot]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Tests that ask for a runtime run with each kind, unless their module names one."""
    return str(request.param)


@pytest.fixture
def runtime(kind: str) -> Iterator[MachineRuntime]:
    made = runtime_of(kind)
    made.prepare(ignore)
    yield made
    made.close()


@pytest.fixture
def cluster(runtime: MachineRuntime) -> Iterator[str]:
    """A name of its own; whatever carries it is gone when the test is over, however it ends."""
    name = f"rt{uuid4().hex[:6]}"
    yield name
    runtime.stop({labels.CLUSTER: name})
    assert runtime.leftovers({labels.CLUSTER: name}) == []


@pytest.fixture
def network(runtime: MachineRuntime, cluster: str) -> Network:
    subnets = (f"10.{second}.{third}.0/24" for second in (97, 98) for third in range(256))
    free = next(subnet for subnet in subnets if not runtime.taken(subnet))
    found = Network(cluster, free, {labels.CLUSTER: cluster})
    runtime.ensure_network(found)
    return found


@pytest.fixture
def boot(cluster: str, network: Network) -> Make:
    base = network.subnet.rpartition(".")[0]

    def make(number: int, generation: int = 0, user_data: str = USER_DATA, **more: object) -> Boot:
        name = f"{cluster}-{number}"
        return Boot(
            name=name,
            user_data=user_data,
            instance_id=f"{name}.{generation}",
            address=f"{base}.{10 + number}",
            network=network.name,
            labels={labels.CLUSTER: cluster, labels.ROLE: labels.WORKER},
            **more,  # type: ignore[arg-type]  # each field's own type
        )

    return make


def booted(runtime: MachineRuntime, name: str) -> str:
    """The console of a machine once cloud-init has ended there."""
    return said(runtime, name, r"Cloud-init v\. \S+ finished at")


def said(runtime: MachineRuntime, name: str, pattern: str) -> str:
    """The console of a machine once it holds the pattern."""
    wanted = re.compile(pattern)
    text: str = Retrying(
        retry=retry_if_result(lambda text: not wanted.search(text)),
        wait=wait_fixed(0.1),
        stop=stop_after_delay(BOOTED),
    )(lambda: runtime.console(name))
    return text
