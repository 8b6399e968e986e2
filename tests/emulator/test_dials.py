"""Every dial, by what google-cloud-compute makes of it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud import compute_v1 as c
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.emulator.gce.dials import Dials
from provision.emulator.machines import Order
from tests.emulator.clients import google, properties
from tests.emulator.conftest import Gce, Start
from tests.emulator.test_google import P, R, Z, group, names, template


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for it. Raises RetryError."""
    Retrying(
        retry=retry_if_result(lambda held: not held),
        wait=wait_fixed(0.02),
        stop=stop_after_delay(seconds),
    )(holds)


def insert(gce: Gce, name: str = "vm", **more: Any) -> Any:
    made = properties(**more)
    body = c.Instance(
        name=name, machine_type=f"zones/{Z}/machineTypes/{made.machine_type}", disks=made.disks,
        network_interfaces=made.network_interfaces, scheduling=made.scheduling,
    )  # fmt: skip
    return google(c.InstancesClient, gce.endpoint).insert(project=P, zone=Z, instance_resource=body)


def status(gce: Gce, name: str = "vm") -> str:
    try:
        return str(
            google(c.InstancesClient, gce.endpoint).get(project=P, zone=Z, instance=name).status
        )
    except exceptions.NotFound:
        return ""


class Booted:
    """Machines that remember what they were told to boot and never do more."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.killed: list[str] = []

    def boot(self, order: Order, booted: Callable[[str], None]) -> None:
        self.orders.append(order)
        booted("")

    def kill(self, key: str, gone: Callable[[], None]) -> None:
        self.killed.append(key)
        gone()

    async def console(self, key: str) -> str:
        return f"console of {key}"


def test_capacity_is_a_stock_out_in_the_operation(gce: Gce) -> None:
    gce.turn(capacity={Z: {"n2-standard-4": 1}})
    insert(gce, "a").result()
    with pytest.raises(
        exceptions.ServiceUnavailable, match="does not have enough resources"
    ) as caught:
        insert(gce, "b").result()
    assert caught.value.errors[0].code == "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"
    assert status(gce, "b") == ""
    insert(gce, "c", machine_type="e2-small").result()


def test_capacity_shows_in_a_group_and_moves_it_to_other_zones(gce: Gce) -> None:
    gce.turn(capacity={Z: {"*": 2}}, group_retry=0.2)
    template(gce)
    client = group(gce, 5, distribution_policy=c.DistributionPolicy(target_shape="ANY"))
    listed = client.list_managed_instances(project=P, region=R, instance_group_manager="g1")
    zones = sorted(each.instance.split("/")[-3] for each in listed)
    assert zones == [Z, Z, "us-central1-b", "us-central1-b", "us-central1-b"]
    gce.turn(capacity={z: {"*": 0} for z in ("us-central1-b", "us-central1-c")})
    client.resize(project=P, region=R, instance_group_manager="g1", size=6).result()
    found = list(client.list_errors(project=P, region=R, instance_group_manager="g1"))
    assert found[0].error.code == "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"
    found = list(client.list_managed_instances(project=P, region=R, instance_group_manager="g1"))
    stuck = next(each for each in found if each.name == "n-0006")
    assert (stuck.current_action, len(stuck.last_attempt.errors.errors)) == ("CREATING", 1)
    gce.turn(capacity={"us-central1-b": {"*": 50}})
    until(lambda: client.get(project=P, region=R, instance_group_manager="g1").status.is_stable)


def test_quota_fails_the_operation_and_shows_in_the_region(gce: Gce) -> None:
    gce.turn(quota={R: {"N2_CPUS": 6}})
    insert(gce, "a").result()
    with pytest.raises(
        exceptions.Forbidden, match=r"Quota 'N2_CPUS' exceeded.  Limit: 6.0 in region"
    ):
        insert(gce, "b").result()
    quotas = google(c.RegionsClient, gce.endpoint).get(project=P, region=R).quotas
    assert [(q.limit, q.usage) for q in quotas if q.metric == "N2_CPUS"] == [(6.0, 4.0)]


def test_a_family_without_a_metric_has_its_own_quota(gce: Gce) -> None:
    gce.turn(quota={R: {"CPUS_PER_VM_FAMILY:c4": 4}})
    insert(gce, "a", machine_type="c4-standard-4").result()
    with pytest.raises(
        exceptions.Forbidden, match=r"Quota CPUS_PER_VM_FAMILY exceeded.  Limit: 4\.0"
    ):
        insert(gce, "b", machine_type="c4-standard-4").result()
    insert(gce, "c", machine_type="n4-standard-4").result()


def test_global_quota_refuses_at_once(gce: Gce) -> None:
    gce.turn(quota={"global": {"NETWORKS": 0}})
    with pytest.raises(exceptions.Forbidden, match="Quota 'NETWORKS' exceeded") as caught:
        google(c.NetworksClient, gce.endpoint).insert(
            project=P, network_resource=c.Network(name="n")
        )
    assert caught.value.errors[0]["reason"] == "quotaExceeded"


def test_rates_refuse_what_is_too_much_in_a_minute(gce: Gce) -> None:
    client = google(c.ZonesClient, gce.endpoint)
    gce.turn(rates={"reads": 3, "global_reads": 3})
    with pytest.raises(exceptions.Forbidden) as caught:
        for _ in range(8):  # a minute may end in between
            client.get(project=P, zone=Z)
    assert caught.value.errors[0]["reason"] == "rateLimitExceeded"
    assert caught.value.reason == "RATE_LIMIT_EXCEEDED"


def test_an_operation_fails_as_it_is_told(gce: Gce) -> None:
    gce.turn(
        faults=[{"method": "instances.insert", "kind": "operation", "code": "OOPS", "times": 1}]
    )
    with pytest.raises(exceptions.ServiceUnavailable, match="OOPS"):
        insert(gce).result()
    until(lambda: status(gce) == "")
    insert(gce).result()
    assert status(gce) == "RUNNING"


def test_a_silent_operation_error_is_no_exception(gce: Gce) -> None:
    gce.turn(faults=[{"method": "instances.insert", "kind": "silent", "code": "QUIET"}])
    operation = insert(gce)
    assert operation.result() is None
    assert [error.code for error in operation.error.errors] == ["QUIET"]


@pytest.mark.parametrize(
    ("status_code", "raised"),
    [(500, exceptions.InternalServerError), (503, exceptions.ServiceUnavailable),
     (429, exceptions.TooManyRequests), (401, GoogleAuthError), (403, exceptions.Forbidden)],
)  # fmt: skip
def test_http_errors(gce: Gce, status_code: int, raised: type[Exception]) -> None:
    gce.turn(faults=[{"method": "networks.insert", "status": status_code, "reason": "told"}])
    with pytest.raises(raised):
        google(c.NetworksClient, gce.endpoint).insert(
            project=P, network_resource=c.Network(name="n")
        )


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("networks.insert", "global/networks", {"name": "n"},
         "Required 'compute.networks.create' permission for 'projects/p/global/networks/n'"),
        ("regionInstanceGroupManagers.get", "regions/us-central1/instanceGroupManagers/g", None,
         "Required 'compute.instanceGroupManagers.get' permission for"
         " 'projects/p/regions/us-central1/instanceGroupManagers/g'"),
        ("instances.*", "aggregated/instances", None,
         "Required 'compute.instances.list' permission for 'projects/p'"),
        ("regions.get", "regions/us-central1", None,
         "Required 'compute.regions.get' permission for 'projects/p/regions/us-central1'"),
    ],
)  # fmt: skip
def test_permissions_that_are_denied(
    gce: Gce, method: str, path: str, body: dict[str, str] | None, said: str
) -> None:
    gce.turn(denied=[method])
    url = f"{gce.endpoint}/compute/v1/projects/p/{path}"
    answer = requests.request("POST" if body else "GET", url, json=body, timeout=60)
    error = answer.json()["error"]
    assert (answer.status_code, error["message"], error["errors"][0]["reason"]) == (
        403, said, "forbidden",
    )  # fmt: skip
    assert requests.get(f"{gce.endpoint}/compute/v1/projects/p/zones", timeout=60).ok


def test_retry_after_stands_in_the_answer(gce: Gce) -> None:
    gce.turn(faults=[{"method": "zones.*", "status": 429, "retry_after": 7}])
    answer = requests.get(f"{gce.endpoint}/compute/v1/projects/p/zones", timeout=60)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_slow_answers(gce: Gce) -> None:
    gce.turn(faults=[{"method": "zones.get", "kind": "slow", "seconds": 1.0}])
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(f"{gce.endpoint}/compute/v1/projects/p/zones/{Z}", timeout=0.2)
    began = time.monotonic()
    google(c.ZonesClient, gce.endpoint).get(project=P, zone=Z)
    assert time.monotonic() - began >= 1.0


def test_dropped_connections(gce: Gce) -> None:
    gce.turn(faults=[{"method": "networks.insert", "kind": "drop"}])
    with pytest.raises((requests.exceptions.ConnectionError, exceptions.GoogleAPICallError)):
        google(c.NetworksClient, gce.endpoint).insert(
            project=P, network_resource=c.Network(name="n")
        )


def test_provisioning_and_operation_take_their_time(gce: Gce) -> None:
    gce.turn(operation=1.0, provisioning=2.0, speed=4.0)
    began = time.monotonic()
    operation = insert(gce)
    assert status(gce) in ("PROVISIONING", "STAGING")
    operation.result()
    assert time.monotonic() - began >= 0.7
    assert status(gce) == "RUNNING"


def test_boot_never_boot_and_never_join(start: Start) -> None:
    machines = Booted()
    gce = start(machines, boot=10.0, speed=5.0)
    insert(gce, "late").result()
    assert machines.orders == []
    until(lambda: [order.hostname for order in machines.orders] == ["late"])
    gce.turn(never_boot=1.0)
    insert(gce, "dead").result()
    gce.turn(never_boot=0.0, never_join=1.0, boot=0.0)
    insert(gce, "alone").result()
    until(lambda: len(machines.orders) == 2)
    assert [(o.hostname, o.connected) for o in machines.orders] == [
        ("late", True),
        ("alone", False),
    ]
    assert status(gce, "dead") == "RUNNING"
    output = google(c.InstancesClient, gce.endpoint).get_serial_port_output(
        project=P, zone=Z, instance="late"
    )
    assert output.contents == f"console of {machines.orders[0].key}"


def test_vms_that_die_are_made_again_by_their_group(start: Start) -> None:
    machines = Booted()
    gce = start(machines, die={"share": 1.0, "after": 0.2})
    insert(gce).result()
    until(lambda: status(gce) == "TERMINATED")
    until(lambda: len(machines.killed) == 1)
    template(gce)
    gce.turn(die={"share": 0.0})
    client = group(gce, 2)
    first = [o.key for o in machines.orders if o.hostname == "n-0001"]
    happen(gce, "crash", "n-0001")
    until(lambda: [o.key for o in machines.orders if o.hostname == "n-0001"] != first)
    assert names(client) == ["n-0001", "n-0002"]


def happen(gce: Gce, what: str, instance: str) -> None:
    told = {"what": what, "instance": instance}
    url = f"{gce.endpoint}/_emulator/happen"
    assert requests.post(url, json=told, headers=gce.key, timeout=60).ok


def test_spot_vms_are_preempted_and_others_are_not(gce: Gce) -> None:
    gce.turn(preempt={"share": 1.0, "after": 0.2})
    spot = c.Scheduling(provisioning_model="SPOT", instance_termination_action="DELETE")
    insert(gce, "spot", scheduling=spot).result()
    insert(gce, "plain").result()
    until(lambda: status(gce, "spot") == "")
    assert status(gce, "plain") == "RUNNING"


def test_a_ttl_fires(gce: Gce) -> None:
    gce.turn(speed=50.0)
    bounded = c.Scheduling(
        max_run_duration=c.Duration(seconds=40), instance_termination_action="DELETE"
    )
    insert(gce, scheduling=bounded).result()
    until(lambda: status(gce) == "")
    with pytest.raises(exceptions.BadRequest, match="Max run duration"):
        insert(gce, "short", scheduling=c.Scheduling(
            max_run_duration=c.Duration(seconds=1), instance_termination_action="DELETE"
        ))  # fmt: skip


def test_drift_by_hand(gce: Gce) -> None:
    template(gce)
    client = group(gce, 3)
    happen(gce, "delete", "n-0002")
    until(lambda: client.get(project=P, region=R, instance_group_manager="g1").status.is_stable)
    assert names(client) == ["n-0001", "n-0002", "n-0003"]
    insert(gce).result()
    happen(gce, "stop", "vm")
    until(lambda: status(gce) == "TERMINATED")
    happen(gce, "delete", "vm")
    until(lambda: status(gce) == "")


def test_a_seed_repeats_a_run(start: Start) -> None:
    def hit(seed: int) -> list[str]:
        machines = Booted()
        gce = start(machines, seed=seed, never_boot=0.5)
        template(gce)
        group(gce, 40)
        return sorted(order.hostname for order in machines.orders)

    assert hit(1) == hit(1) != hit(2)


def test_projects_that_do_not_exist(start: Start) -> None:
    gce = start(projects=("mine",))
    client = google(c.ZonesClient, gce.endpoint)
    assert client.get(project="mine", zone=Z).name == Z
    with pytest.raises(exceptions.NotFound, match="projects/yours"):
        client.get(project="yours", zone=Z)


def test_bad_dials_are_refused_over_the_wire_and_change_nothing(gce: Gce) -> None:
    url = f"{gce.endpoint}/_emulator/dials"
    before = requests.get(url, headers=gce.key, timeout=60).json()
    wrong: list[Any] = [
        {"boot": "-1"},
        {"nope": 1},
        {"never_boot": 2},
        {"faults": [{"method": "*", "kind": "x"}]},
        {"faults": [{}]},
        {"faults": [{"method": "*", "kind": "slow"}]},
        {"faults": [{"method": "*", "kind": "drop", "code": "X"}]},
        {"faults": [{"method": "instnaces.insert"}]},
        {"denied": ["compute.nothing.*"]},
        {"boot": "20..1"},
        {"boot": "5~nan"},
        {"boot": True},
        {"capacity": {"us-central1-q": {"*": 1}}},
        {"capacity": {Z: {"n2-standrad-4": 1}}},
        {"quota": {"us-central": {"CPUS": 1}}},
        {"quota": {R: {"CPU": 1}}},
        [],
    ]
    for change in wrong:
        answer = requests.patch(url, json=change, headers=gce.key, timeout=60)
        assert answer.status_code == 400 and answer.json()["error"]["message"]
    told = {**gce.key, "Content-Type": "application/json"}
    assert requests.patch(url, data="{", headers=told, timeout=60).status_code == 400
    assert requests.get(url, headers=gce.key, timeout=60).json() == before
    turned = requests.patch(url, json={"boot": "20..40"}, headers=gce.key, timeout=60)
    assert turned.json()["boot"] == "20..40"


COVERED = {
    "seed", "speed", "operation", "operations", "provisioning", "boot", "stopping", "group_retry",
    "capacity", "quota", "denied",
    "rates", "faults", "never_boot", "never_join", "die", "preempt", "max_duration_floor",
}  # fmt: skip


def test_stopping_takes_its_time_and_the_ttl_floor_can_be_lowered(gce: Gce) -> None:
    gce.turn(max_duration_floor=0.1, stopping=16.0, speed=4.0)
    bounded = c.Scheduling(
        max_run_duration=c.Duration(seconds=1), instance_termination_action="STOP"
    )
    insert(gce, scheduling=bounded).result()
    until(lambda: status(gce) == "STOPPING")
    until(lambda: status(gce) == "TERMINATED")


def test_no_dial_is_without_a_test() -> None:
    assert set(Dials.model_fields) == COVERED
