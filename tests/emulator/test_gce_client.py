"""Our client of GCE over the wire: what is retried, what is told, what is raised."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from google.cloud import compute_v1 as c

from provision import failures, refusals
from provision.clouds.common import calls as module
from provision.clouds.gce import settings
from provision.clouds.gce.client import Gce
from provision.emulator.gce.signin import account, key_file
from provision.errors import InterruptedRun
from provision.events import Event, Retried
from tests.emulator.clients import properties
from tests.emulator.conftest import Gce as Emulated
from tests.emulator.conftest import Start
from tests.emulator.test_dials import until
from tests.emulator.test_google import P, R, Z

Make = Callable[..., Gce]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Clients of ours, pointed at an emulator as users point them: by the environment."""
    made: list[Gce] = []

    def begin(emulated: Emulated, key: str = "", project: str = P, **more: Any) -> Gce:
        environment = {
            "PROVISION_GCE_ENDPOINT": emulated.endpoint, "GOOGLE_CLOUD_PROJECT": project,
            "CLOUDSDK_COMPUTE_REGION": R, "GOOGLE_APPLICATION_CREDENTIALS": key,
        }  # fmt: skip
        made.append(Gce(settings.resolve(environment, tmp_path / "home"), **more))
        return made[-1]

    yield begin
    for each in made:
        each.close()


@pytest.fixture
def told() -> list[Event]:
    return []


def retries(told: list[Event]) -> list[Retried]:
    return [event for event in told if isinstance(event, Retried)]


def network(ours: Gce, name: str = "n", **more: Any) -> c.Operation:
    """Accept a new network."""
    body = c.Network(name=name, auto_create_subnetworks=False)
    insert = ours.client(c.NetworksClient).insert_unary
    return ours.call(f"create the network {name}", insert, network_resource=body, **more)


def networks(ours: Gce) -> list[str]:
    listed = ours.rows("list networks", ours.client(c.NetworksClient).list)
    return sorted(each.name for each in listed)


def vms(ours: Gce, count: int, **more: Any) -> c.Operation:
    body = c.BulkInsertInstanceResource(
        count=count, min_count=1, name_pattern="n-####", instance_properties=properties(**more)
    )
    insert = ours.client(c.InstancesClient).bulk_insert_unary
    return ours.call("create VMs", insert, zone=Z, bulk_insert_instance_resource_resource=body)


def test_a_network_comes_and_goes(gce: Emulated, make: Make, told: list[Event]) -> None:
    ours = make(gce, emit=told.append)
    done = ours.wait(network(ours))
    assert (done.status, done.operation_type) == (c.Operation.Status.DONE, "insert")
    client = ours.client(c.NetworksClient)
    assert ours.call("look", client.get, network="n").name == "n"
    with pytest.raises(failures.Taken) as caught:
        network(ours)
    assert caught.value.resource == f"projects/{P}/global/networks/n"
    ours.wait(ours.call("delete the network n", client.delete_unary, network="n"))
    with pytest.raises(failures.NotFound, match="GCE could not look"):
        ours.call("look", client.get, network="n")
    assert told == []
    assert all(
        "requestId=" in each.target for each in gce.exchanges if each.verb in ("POST", "DELETE")
    )


def test_operations_are_waited_for_in_their_scope(gce: Emulated, make: Make) -> None:
    ours = make(gce)
    ours.wait(network(ours))
    body = c.Subnetwork(name="s", network="global/networks/n", ip_cidr_range="10.9.0.0/24")
    insert = ours.client(c.SubnetworksClient).insert_unary
    ours.wait(ours.call("create the subnetwork s", insert, subnetwork_resource=body))
    ours.wait(vms(ours, 2))
    for kind in ("global", "region", "zone"):
        assert gce.calls(f"{kind}Operations.get") > 0


def test_the_sdks_own_operation_is_waited_for_too(gce: Emulated, make: Make) -> None:
    ours = make(gce)
    body = c.Network(name="n", auto_create_subnetworks=False)
    operation = ours.call("x", ours.client(c.NetworksClient).insert, network_resource=body)
    assert ours.wait(operation).name == operation.name


def test_threads_share_one_client(gce: Emulated, make: Make) -> None:
    ours = make(gce)
    names = [f"n{number:02d}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: ours.wait(network(ours, name)), names))
    assert networks(ours) == ["default", *names]


def test_limits_of_requests_are_outlasted(
    gce: Emulated, make: Make, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time passes by sleeping alone: for the emulator's minutes too."""
    slept = [0.0]
    agenda = gce.made.cloud.world.agenda
    began, now = time.time(), agenda.now
    monkeypatch.setattr(agenda, "now", lambda: now() + slept[0])

    def sleep(seconds: float) -> None:
        slept[0] += seconds
        time.sleep(min(seconds, 0.02))

    gce.turn(rates={"global_queries": 3, "operation_reads": 20})
    ours = make(gce, emit=told.append, sleep=sleep, clock=lambda: time.monotonic() + slept[0])
    names = [f"n{number}" for number in range(9)]
    for operation in [network(ours, name) for name in names]:
        ours.wait(operation)
    assert networks(ours) == sorted(["default", *names])
    assert slept[0] > 60
    assert time.time() - began < 30
    assert {each.what for each in retries(told)} <= {f"create the network {name}" for name in names}
    assert all("Quota exceeded for quota metric" in each.error for each in retries(told))


def test_a_limit_that_stays_is_given_up_at_the_deadline(
    gce: Emulated, make: Make, told: list[Event]
) -> None:
    gce.turn(rates={"global_queries": 0})
    with pytest.raises(failures.RateLimited, match=r"after \d+ tries in \d s: wait a minute"):
        network(make(gce, emit=told.append), deadline=1.5)
    assert retries(told)


def test_retry_after_is_honoured(gce: Emulated, make: Make, told: list[Event]) -> None:
    gce.turn(faults=[{"method": "networks.insert", "status": 429, "retry_after": 1, "times": 2}])
    began = time.monotonic()
    network(make(gce, emit=told.append))
    assert [(each.attempt, each.wait) for each in retries(told)] == [(1, 1.0), (2, 1.0)]
    assert 2.0 <= time.monotonic() - began < 30


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 502}, {"status": 503}, {"status": 504}, {"kind": "drop"},
     {"status": 403, "reason": "rateLimitExceeded"}, {"status": 400, "reason": "resourceNotReady"}],
    ids=str,
)  # fmt: skip
def test_trouble_that_passes(
    gce: Emulated, make: Make, told: list[Event], fault: dict[str, Any]
) -> None:
    ours = make(gce, emit=told.append)
    gce.turn(faults=[{"method": "*", "times": 2, **fault}])
    operation = network(ours)
    assert [each.what for each in retries(told)] == ["create the network n"] * 2
    gce.turn(faults=[{"method": "*", "times": 1, **fault}])
    ours.wait(operation)
    gce.turn(faults=[{"method": "*", "times": 1, **fault}])
    assert networks(ours) == ["default", "n"]
    told_of = [each.what for each in retries(told)][2:]
    assert told_of == ["look at the operation to insert n", "list networks"]


def test_trouble_that_stays(gce: Emulated, make: Make) -> None:
    gce.turn(faults=[{"method": "networks.insert", "status": 503}])
    with pytest.raises(failures.Unavailable, match="The emulator was told to fail this"):
        network(make(gce), deadline=1.0)


def test_an_answer_that_is_lost_does_it_once(
    gce: Emulated, make: Make, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network is made, the answer comes too late, and the next try is the same request."""
    monkeypatch.setattr(module, "ATTEMPT", 1.0)
    gce.turn(faults=[{"method": "networks.insert", "kind": "slow", "seconds": 1.5, "times": 1}])
    ours = make(gce, emit=told.append)
    ours.wait(network(ours))
    assert [each.error for each in retries(told)] == ["no answer in time"]
    assert gce.calls("networks.insert") == 2


def test_silent_errors_of_operations_are_raised(gce: Emulated, make: Make) -> None:
    fault = {"method": "networks.insert", "kind": "silent", "code": "QUIET", "message": "not today"}
    gce.turn(faults=[fault])
    ours = make(gce)
    with pytest.raises(
        failures.ServiceFailure, match=r"could not insert n \(QUIET: not today\)"
    ) as caught:
        ours.wait(network(ours))
    assert (caught.value.codes, caught.value.status) == (("QUIET",), 0)


def test_loud_errors_of_operations_are_raised(gce: Emulated, make: Make) -> None:
    gce.turn(capacity={Z: {"n2-standard-4": 0}}, quota={R: {"CPUS_PER_VM_FAMILY:c4": 2}})
    ours = make(gce)
    with pytest.raises(refusals.StockOut, match=f"zone {Z} has no such machines left") as out:
        ours.wait(vms(ours, 3), doing="create 3 VMs")
    assert out.value.zone == Z
    with pytest.raises(refusals.OverQuota) as over:
        ours.wait(vms(ours, 3, machine_type="c4-standard-4"), doing="create 3 VMs")
    assert (over.value.metric, over.value.limit, over.value.region) == (
        "CPUS_PER_VM_FAMILY",
        2.0,
        R,
    )


def test_a_quota_that_refuses_at_once(gce: Emulated, make: Make) -> None:
    gce.turn(quota={"global": {"NETWORKS": 0}})
    with pytest.raises(
        refusals.OverQuota, match="more NETWORKS than the quota of 0 in all the project"
    ):
        network(make(gce))


def test_an_operation_that_takes_too_long(gce: Emulated, make: Make) -> None:
    gce.turn(operation=60.0)
    ours = make(gce)
    with pytest.raises(failures.TookTooLong, match="was still"):
        ours.wait(network(ours), deadline=1.0)


def test_stopping_ends_a_wait(gce: Emulated, make: Make) -> None:
    gce.turn(operation=60.0)
    stop = threading.Event()
    ours = make(gce, stop=stop)
    operation = network(ours)
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(InterruptedRun):
        ours.wait(operation)
    assert time.monotonic() - began < 30


DENIED = "Required 'compute.networks.create' permission for 'projects/proj/global/networks/n'"


def test_a_permission_that_is_missing(gce: Emulated, make: Make, told: list[Event]) -> None:
    fault = {"method": "networks.insert", "status": 403, "reason": "forbidden", "message": DENIED}
    gce.turn(faults=[fault])
    with pytest.raises(refusals.Denied) as caught:
        network(make(gce, emit=told.append))
    assert caught.value.permission == "compute.networks.create"
    assert (gce.calls("networks.insert"), told) == (1, [])


def test_an_api_that_is_disabled(gce: Emulated, make: Make) -> None:
    message = "Compute Engine API has not been used in project 1 before or it is disabled."
    fault = {"method": "*", "status": 403, "reason": "accessNotConfigured", "message": message}
    gce.turn(faults=[fault])
    with pytest.raises(refusals.ApiDisabled, match="gcloud services enable compute"):
        networks(make(gce))


def test_a_project_that_is_not_there(start: Start, make: Make) -> None:
    gce = start(projects=("mine",))
    assert networks(make(gce, project="mine")) == ["default"]
    with pytest.raises(failures.NotFound, match="gcloud projects list") as caught:
        networks(make(gce, project="yours"))
    assert caught.value.resource == "projects/yours"


def test_long_lists_come_by_page(gce: Emulated, make: Make, told: list[Event]) -> None:
    ours = make(gce, emit=told.append)
    ours.wait(vms(ours, 1200))
    client = ours.client(c.InstancesClient)
    gce.turn(faults=[{"method": "instances.list", "status": 503, "times": 1}])
    pages = list(ours.pages("list VMs", client.list, zone=Z))
    assert [len(page) for page in pages] == [500, 500, 200]
    assert [vm.name for page in pages for vm in page] == [f"n-{n:04d}" for n in range(1, 1201)]
    assert [each.what for each in retries(told)] == ["list VMs"]
    few = ours.pages("list VMs", client.list, zone=Z, max_results=400)
    assert [len(page) for page in few] == [400, 400, 400]
    every = ours.rows("list VMs", client.aggregated_list, filter="name:n-00*")
    assert sum(len(scope.instances) for _, scope in every) == 99


def test_managed_machines_are_listed_too(gce: Emulated, make: Make) -> None:
    ours = make(gce)
    template = c.InstanceTemplate(name="t", properties=properties())
    insert = ours.client(c.InstanceTemplatesClient).insert_unary
    ours.wait(ours.call("create the template t", insert, instance_template_resource=template))
    body = c.InstanceGroupManager(
        name="g", base_instance_name="n-####", target_size=7,
        instance_template="global/instanceTemplates/t",
    )  # fmt: skip
    groups = ours.client(c.RegionInstanceGroupManagersClient)
    made = ours.call(
        "create the group g", groups.insert_unary, instance_group_manager_resource=body
    )
    ours.wait(made)
    listed = ours.rows("list", groups.list_managed_instances, instance_group_manager="g")
    assert sorted(each.name for each in listed) == [f"n-{n:04d}" for n in range(1, 8)]


def test_a_key_signs_in(gce: Emulated, make: Make, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(key_file(P, gce.endpoint))
    ours = make(gce, f"{file}", project="")
    assert ours.settings.project == P
    assert ours.wait(network(ours)).user == account(P)


def test_an_emulators_key_goes_nowhere_else(
    gce: Emulated, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = set(threading.enumerate())  # the emulator's, and what tests before this one left
    asked: list[str] = []
    resolve = socket.getaddrinfo

    def spy(host: str, *more: Any, **named: Any) -> Any:
        asked.append(host)
        return resolve(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", spy)
    file = tmp_path / "key.json"
    file.write_text(key_file(P, gce.endpoint))
    assert networks(make(gce, f"{file}")) == ["default"]
    until(lambda: others.issuperset(threading.enumerate()))
    assert set(asked) == {"127.0.0.1"}


def test_a_key_that_is_not_accepted(
    gce: Emulated, make: Make, tmp_path: Path, told: list[Event]
) -> None:
    file = tmp_path / "key.json"
    file.write_text(key_file(P, gce.endpoint))
    gce.turn(faults=[{"method": "*", "status": 401, "reason": "authError", "message": "no\nway"}])
    with pytest.raises(
        failures.ExpiredCredentials, match=r"to list networks with \(no way\)"
    ) as caught:
        networks(make(gce, f"{file}", emit=told.append))
    assert "PRIVATE" not in str(caught.value) and told == []


def test_a_key_that_is_not_googles(gce: Emulated, make: Make, tmp_path: Path) -> None:
    key = json.loads(key_file(P, gce.endpoint))
    file = tmp_path / "key.json"
    file.write_text(json.dumps({**key, "client_email": ""}))
    with pytest.raises(failures.ExpiredCredentials, match=r"make a new key") as caught:
        networks(make(gce, f"{file}"))
    assert "invalid_grant: Invalid JWT" in str(caught.value)


def test_a_sign_in_that_is_refused(gce: Emulated, make: Make, tmp_path: Path) -> None:
    """A login whose tokens come from an endpoint that refuses: here the emulator's."""
    token, file = tmp_path / "token", tmp_path / "login.json"
    token.write_text("a-token-of-another-cloud")
    file.write_text(json.dumps({
        "type": "external_account", "audience": "//iam.googleapis.com/projects/1/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{gce.endpoint}/token", "credential_source": {"file": f"{token}"},
    }))  # fmt: skip
    with pytest.raises(failures.ExpiredCredentials, match="gcloud auth application") as caught:
        networks(make(gce, f"{file}"))
    assert "another-cloud" not in str(caught.value)


@pytest.mark.parametrize(
    "content", ["", "{", '{"type": "unheard-of"}', '{"type": "service_account"}']
)
def test_a_file_that_is_no_key(gce: Emulated, make: Make, tmp_path: Path, content: str) -> None:
    file = tmp_path / "key.json"
    file.write_text(content)
    with pytest.raises(failures.NoCredentials, match="export GOOGLE_APPLICATION_CREDENTIALS"):
        networks(make(gce, f"{file}"))


def test_an_emulator_that_is_not_there(make: Make, told: list[Event]) -> None:
    nowhere = Emulated("http://127.0.0.1:9", made=None)  # type: ignore[arg-type] # nothing runs
    with pytest.raises(failures.Unreachable, match=r"\(Connection refused\), after"):
        ours = make(nowhere, emit=told.append)
        ours.call("look", ours.client(c.NetworksClient).get, network="n", deadline=1.0)
    assert retries(told)
