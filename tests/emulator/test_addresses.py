"""The controller's address inside: reserved, and taken back from a worker that has it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.clouds.gce.client import Gce
from provision.clouds.gce.resources import Address, Controller, Group, kinds
from provision.clouds.gce.resources.instances import instances
from provision.clouds.gce.settings import resolve
from provision.errors import CloudFailure
from provision.plan import Plan, plan_of
from provision.provider.resource import Work
from tests.emulator.conftest import Gce as Emulated
from tests.emulator.stack import SECONDS, declared, located, settled, spec_of

PROJECT = "p"
LAST = (Address.token, Controller.token)


@pytest.fixture
def client(gce: Emulated, nobody: None) -> Iterator[Gce]:
    where = {"PROVISION_GCE_ENDPOINT": gce.endpoint}
    with Gce(resolve(where, Path("/nowhere"), project=PROJECT, region="us-central1")) as made:
        yield made


def work() -> Work:
    return Work.within(SECONDS, threading.Event())


def first_the_groups(client: Gce, plan: Plan) -> dict[str, dict[str, Any]]:
    """All but the controller and its address, as when a firewall rule was slow; the inputs of those."""
    by_token = {kind.token: kind for kind in kinds(client)}
    left: dict[str, dict[str, Any]] = {}
    for token, inputs in declared(plan, located(client, plan)):
        if token in LAST:
            left[token] = inputs
            continue
        made = by_token[token].create(inputs, work())
        if token == Group.token:
            assert settled(Group(client), made.ident) == ""
    return left


def addresses(client: Gce) -> dict[str, str]:
    found = instances(client, "q")
    return {vm["name"]: vm["networkInterfaces"][0]["networkIP"] for vm in found}


def test_the_address_is_taken_back_from_the_worker_that_has_it(gce: Emulated, client: Gce) -> None:
    plan = plan_of(spec_of(gce, PROJECT, 3))
    left = first_the_groups(client, plan)
    assert plan.controller.address in addresses(client).values(), "the damage is there"
    with pytest.raises(CloudFailure, match="already being used"):
        Controller(client).create(left[Controller.token], work())
    made = Address(client).create(left[Address.token], work())
    Controller(client).create(left[Controller.token], work())
    group = next(iter(Group(client).listed())).ident
    assert settled(Group(client), group) == ""
    there = addresses(client)
    assert there.pop(plan.controller.name) == plan.controller.address
    assert len(there) == 3 and plan.controller.address not in there.values()
    found = Address(client).get(made.ident)
    assert found is not None and found.status == "IN_USE"


def test_a_controller_that_has_its_address_already_keeps_it(gce: Emulated, client: Gce) -> None:
    plan = plan_of(spec_of(gce, PROJECT, 1))
    for token, inputs in declared(plan, located(client, plan)):
        if token != Address.token:
            {kind.token: kind for kind in kinds(client)}[token].create(inputs, work())
        else:
            reserved = inputs
    before = addresses(client)
    made = Address(client).create(reserved, work())
    assert made.outputs["address"] == plan.controller.address and addresses(client) == before
    assert gce.calls("regionInstanceGroupManagers.recreateInstances") == 0


def test_a_reserved_address_is_nobodys_until_it_is_asked_for_and_stays_when_its_vm_goes(
    gce: Emulated, client: Gce
) -> None:
    plan = plan_of(spec_of(gce, PROJECT, 5))
    by_token = {kind.token: kind for kind in kinds(client)}
    inputs = {token: given for token, given in declared(plan, located(client, plan))}
    for token, given in declared(plan, located(client, plan)):
        if token != Controller.token:
            by_token[token].create(given, work())
    group = next(iter(Group(client).listed())).ident
    assert settled(Group(client), group) == ""
    assert plan.controller.address not in addresses(client).values()
    vm = Controller(client).create(inputs[Controller.token], work())
    with pytest.raises(CloudFailure, match="already being used by"):
        address = next(iter(Address(client).listed())).ident
        Address(client).delete(address, {}, work())
    Controller(client).delete(vm.ident, {}, work())
    found = Address(client).get(address)
    assert found is not None and found.status == "RESERVED" and list(found.users) == []
