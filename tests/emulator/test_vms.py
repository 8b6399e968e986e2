"""Single VMs of a cluster: a controller that has stopped is started, one to be replaced is deleted."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.cloud import Phase
from provision.clouds.gce.client import Gce
from provision.clouds.gce.resources import Controller, kinds
from provision.clouds.gce.settings import resolve
from provision.clouds.gce.vms import Vms
from provision.plan import plan_of
from provision.provider.resource import Work
from tests.emulator.conftest import Gce as Emulated
from tests.emulator.stack import SECONDS, declared, located, spec_of

PROJECT, NAME = "p", "q-controller"


@pytest.fixture
def client(gce: Emulated, nobody: None) -> Iterator[Gce]:
    where = {"PROVISION_GCE_ENDPOINT": gce.endpoint}
    with Gce(resolve(where, Path("/nowhere"), project=PROJECT, region="us-central1")) as made:
        yield made


@pytest.fixture
def vms(gce: Emulated, client: Gce) -> Vms:
    """Of a cluster that stands."""
    plan = plan_of(spec_of(gce, PROJECT, 1))
    by_token = {kind.token: kind for kind in kinds(client)}
    for token, inputs in declared(plan, located(client, plan)):
        by_token[token].create(inputs, Work.within(SECONDS, threading.Event()))
    return Vms(client, threading.Event())


def stop(client: Gce, vms: Vms) -> None:
    """Ask for it, and wait for its beginning alone."""
    kind = Controller(client)
    ident = next(iter(kind.listed())).ident
    kind.ask("stop_unary", "stop it", **kind.at(ident))
    tries = Retrying(
        stop=stop_after_delay(SECONDS),
        wait=wait_fixed(0.02),
        retry=retry_if_result(lambda found: found is not Phase.STOPPED),
    )
    tries(phase, vms)


def phase(vms: Vms) -> Phase:
    (machine,) = vms.listed("q", NAME)
    return machine.phase


def test_one_that_shuts_down_is_started_once_it_has_stopped(
    gce: Emulated, client: Gce, vms: Vms
) -> None:
    gce.turn(stopping=1.5)
    stop(client, vms)
    assert vms.start("q", NAME)
    assert phase(vms) is Phase.STARTED
    assert gce.calls("instances.start") > 1, "it was refused while it was on its way out"


def test_one_that_is_gone_is_not_started_and_not_deleted(client: Gce, vms: Vms) -> None:
    vms.delete("q", NAME)
    assert not vms.listed("q", NAME)
    assert not vms.start("q", NAME)
    vms.delete("q", NAME)
