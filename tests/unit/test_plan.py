"""The plan is pure: names, addresses, quorum and fingerprints follow from the spec alone."""

import ipaddress
import json
from typing import Any

import pytest

from provision.errors import SpecError
from provision.plan import (
    Plan,
    plan_of,
    with_nodes,
)
from provision.spec.models import Spec


def spec_of(**changes: Any) -> Spec:
    return Spec.model_validate({"name": "demo", "groups": {"worker": {"nodes": 8}}, **changes})


def plan(**changes: Any) -> Plan:
    return plan_of(spec_of(**changes))


def test_names_are_deterministic_and_numbered_from_one() -> None:
    names = [machine.name for machine in plan().machines]
    assert names[0] == "demo-controller"
    assert names[1:] == [f"demo-worker-{number:04d}" for number in range(1, 9)]


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


@pytest.mark.parametrize(
    "nodes",
    [(5000, 3000), (10, 5000), (4000, 1, 2500)],
    ids=lambda nodes: "+".join(map(str, nodes)),
)
def test_addresses_of_large_groups_never_meet(nodes: tuple[int, ...]) -> None:
    whole = plan(groups={f"g{turn}": {"nodes": count} for turn, count in enumerate(nodes)})
    subnet = ipaddress.IPv4Network(whole.subnet)
    addresses = {ipaddress.IPv4Address(machine.address) for machine in whole.machines}
    assert len(addresses) == 1 + sum(nodes)
    assert min(addresses) > subnet[1] and max(addresses) < subnet.broadcast_address


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


def gce(nodes: int, **group: Any) -> Plan:
    spec = {"cloud": {"kind": "gce"}, "groups": {"worker": {"nodes": nodes, **group}}}
    return plan(**spec)


def test_a_group_larger_than_an_instance_group_is_several() -> None:
    names = [machine.name for machine in gce(4100).workers]
    assert names[0] == "demo-worker-0001" and names[1999] == "demo-worker-2000"
    assert names[2000] == "demo-worker-s2-0001" and names[-1] == "demo-worker-s3-0100"
    assert len(set(names)) == 4100


def test_clouds_with_groups_give_the_addresses_themselves() -> None:
    made = gce(3)
    assert made.controller.address and not any(worker.address for worker in made.workers)


def test_hardware_comes_from_the_group_then_from_the_cloud() -> None:
    (own,) = gce(1, machine_types=["n2-standard-2", "n2d-standard-2"], spot=True, disk_gb=50).groups
    assert own.machine_types == ("n2-standard-2", "n2d-standard-2") and own.spot
    assert (own.disk_gb, own.disk_type) == (50, "pd-balanced")
    (plain,) = gce(1).groups
    assert plain.machine_types == ("e2-standard-2",) and plain.disk_gb == 20
    (local,) = plan().groups
    assert local.machine_types == () and local.disk_gb == 0


def test_what_a_cloud_does_not_offer_is_a_finding() -> None:
    with pytest.raises(
        SpecError, match=r"groups.worker.spot: machines of the cloud local have none"
    ):
        plan(groups={"worker": {"nodes": 1, "spot": True}})


def test_two_groups_that_lead_to_one_name_are_a_finding() -> None:
    groups = {"a": {"nodes": 2001}, "a-s2": {"nodes": 1}}
    with pytest.raises(SpecError, match="two of them lead to the name demo-a-s2"):
        plan(cloud={"kind": "gce"}, groups=groups)


def test_hardware_cannot_change_while_a_cluster_is_up() -> None:
    assert gce(1).spec_fingerprint != gce(1, spot=True).spec_fingerprint
    assert gce(1).spec_fingerprint == gce(2).spec_fingerprint
