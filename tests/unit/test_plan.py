"""The plan is pure: names, addresses, quorum and fingerprints follow from the spec alone."""

import ipaddress
import json
from typing import Any

import pytest

from provision.errors import SpecError
from provision.plan import (
    Plan,
    machine_name,
    machine_number,
    plan_of,
    short_name,
    with_nodes,
)
from provision.spec import Spec


def spec_of(**changes: Any) -> Spec:
    return Spec.model_validate({"name": "demo", "groups": {"worker": {"nodes": 8}}, **changes})


def plan(**changes: Any) -> Plan:
    return plan_of(spec_of(**changes))


def test_names_are_deterministic_and_numbered_from_one() -> None:
    names = [machine.name for machine in plan().machines]
    assert names[0] == "demo-controller"
    assert names[1:] == [f"demo-worker-{number:04d}" for number in range(1, 9)]
    assert machine_number(machine_name("a", "b-c", 17)) == 17
    assert short_name("demo", "demo-worker-0017") == "worker-0017"


def test_equal_specs_give_equal_bytes() -> None:
    assert json.dumps(plan().as_dict()) == json.dumps(plan().as_dict())


def test_addresses_are_distinct_and_inside_the_subnet() -> None:
    whole = plan(groups={"a": {"nodes": 30}, "b": {"nodes": 7}})
    subnet = ipaddress.ip_network(whole.subnet)
    addresses = [ipaddress.ip_address(machine.address) for machine in whole.machines]
    assert len(set(addresses)) == 38
    assert all(address in subnet for address in addresses)
    assert subnet[1] not in addresses, "the first address is the gateway's"
    assert subnet.broadcast_address not in addresses


def test_scaling_one_group_moves_no_address() -> None:
    before = plan(groups={"a": {"nodes": 3}, "b": {"nodes": 2}})
    after = plan(groups={"a": {"nodes": 40}, "b": {"nodes": 2}})
    now = {machine.name: machine.address for machine in after.machines}
    assert all(now[machine.name] == machine.address for machine in before.machines)


@pytest.mark.parametrize(
    ("nodes", "quorum", "needed"), [(1, 1.0, 1), (50, 1.0, 50), (51, 0.98, 50), (1000, 0.98, 980)]
)
def test_default_quorum(nodes: int, quorum: float, needed: int) -> None:
    whole = plan(groups={"worker": {"nodes": nodes}})
    assert (whole.quorum, whole.needed) == (quorum, needed)


def test_a_given_quorum_rounds_up() -> None:
    assert plan(ready={"quorum": 0.8}).needed == 7


def test_sixty_thousand_nodes_fit() -> None:
    whole = plan(groups={"worker": {"nodes": 60_000}})
    assert len({machine.address for machine in whole.machines}) == 60_001


def test_too_small_a_subnet_is_refused_with_the_size_that_fits() -> None:
    with pytest.raises(SpecError) as caught:
        plan(cloud={"kind": "local", "subnet": "10.9.0.0/28"})
    (finding,) = caught.value.findings
    assert finding.where == "cloud.subnet" and "/27" in finding.fix
    fits = plan(cloud={"kind": "local", "subnet": "10.9.0.0/27"})
    assert fits.controller.address == "10.9.0.2"


def test_a_group_may_not_be_called_controller() -> None:
    with pytest.raises(SpecError, match="controller"):
        plan(groups={"controller": {"nodes": 1}})


def test_fingerprints_tell_what_may_change_from_what_may_not() -> None:
    base = plan()
    more = plan_of(with_nodes(spec_of(), {"worker": 9}))
    assert more.spec_fingerprint == base.spec_fingerprint
    assert more.plan_fingerprint != base.plan_fingerprint
    patient = plan(ready={"deadline": "1m"}, ttl="1h")
    assert patient.plan_fingerprint == base.plan_fingerprint
    other = plan(groups={"worker": {"nodes": 8, "user_data": "#!/bin/sh\n"}})
    assert other.spec_fingerprint != base.spec_fingerprint
    assert plan_of(spec_of(), "a.yaml").source_fingerprint != base.source_fingerprint
