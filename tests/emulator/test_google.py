"""google-cloud-compute drives it."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import compute_v1 as c

from tests.emulator.clients import google, properties
from tests.emulator.conftest import Gce

P, R, Z = "proj", "us-central1", "us-central1-a"


def template(gce: Gce, name: str = "t1", **more: Any) -> None:
    google(c.InstanceTemplatesClient, gce.endpoint).insert(
        project=P,
        instance_template_resource=c.InstanceTemplate(name=name, properties=properties(**more)),
    ).result()


def group(
    gce: Gce, size: int, name: str = "g1", **more: object
) -> c.RegionInstanceGroupManagersClient:
    client = google(c.RegionInstanceGroupManagersClient, gce.endpoint)
    client.insert(
        project=P,
        region=R,
        instance_group_manager_resource=c.InstanceGroupManager(
            name=name, base_instance_name="n-####", target_size=size,
            instance_template="global/instanceTemplates/t1", **more,
        ),
    ).result()  # fmt: skip
    return client


def names(client: c.RegionInstanceGroupManagersClient) -> list[str]:
    listed = client.list_managed_instances(project=P, region=R, instance_group_manager="g1")
    return sorted(each.name for each in listed)


def test_a_group_comes_grows_and_goes(gce: Gce) -> None:
    template(gce)
    client = group(gce, 100)
    assert names(client) == [f"n-{n:04d}" for n in range(1, 101)]
    client.resize(project=P, region=R, instance_group_manager="g1", size=150).result()
    found = client.get(project=P, region=R, instance_group_manager="g1")
    assert (found.target_size, found.current_actions.none, found.status.is_stable) == (
        150,
        150,
        True,
    )
    client.resize(project=P, region=R, instance_group_manager="g1", size=3).result()
    assert names(client) == ["n-0001", "n-0002", "n-0003"]
    client.delete(project=P, region=R, instance_group_manager="g1").result()
    assert list(google(c.InstancesClient, gce.endpoint).list(project=P, zone=Z)) == []
    google(c.InstanceTemplatesClient, gce.endpoint).delete(
        project=P, instance_template="t1"
    ).result()
    usage = google(c.RegionsClient, gce.endpoint).get(project=P, region=R).quotas
    assert [quota.metric for quota in usage if quota.usage] == []


def test_recreated_and_deleted_members(gce: Gce) -> None:
    template(gce)
    client = group(gce, 6)
    instances = google(c.InstancesClient, gce.endpoint)
    before = {
        vm.name: vm for _, scope in instances.aggregated_list(project=P) for vm in scope.instances
    }
    links = [before[name].self_link for name in ("n-0001", "n-0002")]
    client.recreate_instances(
        project=P, region=R, instance_group_manager="g1",
        region_instance_group_managers_recreate_request_resource=(
            c.RegionInstanceGroupManagersRecreateRequest(instances=links)
        ),
    ).result()  # fmt: skip
    after = {
        vm.name: vm for _, scope in instances.aggregated_list(project=P) for vm in scope.instances
    }
    assert set(after) == set(before)
    assert {name for name in after if after[name].id != before[name].id} == {"n-0001", "n-0002"}
    client.delete_instances(
        project=P, region=R, instance_group_manager="g1",
        region_instance_group_managers_delete_instances_request_resource=(
            c.RegionInstanceGroupManagersDeleteInstancesRequest(instances=[after["n-0003"].self_link])
        ),
    ).result()  # fmt: skip
    assert names(client) == ["n-0001", "n-0002", "n-0004", "n-0005", "n-0006"]
    assert client.get(project=P, region=R, instance_group_manager="g1").target_size == 5


def test_a_vm_through_its_life(gce: Gce) -> None:
    client = google(c.InstancesClient, gce.endpoint)
    body = c.Instance(
        name="web-1", machine_type=f"zones/{Z}/machineTypes/e2-small", labels={"a": "b"},
        disks=properties().disks, network_interfaces=properties().network_interfaces,
    )  # fmt: skip
    client.insert(project=P, zone=Z, instance_resource=body).result()
    vm = client.get(project=P, zone=Z, instance="web-1")
    assert (vm.status, vm.network_interfaces[0].network_i_p) == ("RUNNING", "10.128.0.2")
    client.set_labels(
        project=P, zone=Z, instance="web-1",
        instances_set_labels_request_resource=c.InstancesSetLabelsRequest(
            labels={"a": "c"}, label_fingerprint=vm.label_fingerprint
        ),
    ).result()  # fmt: skip
    with pytest.raises(exceptions.PreconditionFailed, match="fingerprint"):
        client.set_labels(
            project=P, zone=Z, instance="web-1",
            instances_set_labels_request_resource=c.InstancesSetLabelsRequest(
                labels={}, label_fingerprint=vm.label_fingerprint
            ),
        )  # fmt: skip
    ask = c.ListInstancesRequest(project=P, zone=Z, filter="labels.a=c")
    assert [v.name for v in client.list(ask)] == ["web-1"]
    client.stop(project=P, zone=Z, instance="web-1").result()
    assert client.get(project=P, zone=Z, instance="web-1").status == "TERMINATED"
    client.start(project=P, zone=Z, instance="web-1").result()
    assert client.get(project=P, zone=Z, instance="web-1").status == "RUNNING"
    client.delete(project=P, zone=Z, instance="web-1").result()
    with pytest.raises(
        exceptions.NotFound, match="projects/proj/zones/us-central1-a/instances/web-1"
    ):
        client.get(project=P, zone=Z, instance="web-1")
    assert list(google(c.DisksClient, gce.endpoint).list(project=P, zone=Z)) == []


def test_bulk_insert_counts_by_zone(gce: Gce) -> None:
    gce.turn(capacity={Z: {"*": 3}})
    client = google(c.RegionInstancesClient, gce.endpoint)
    body = c.BulkInsertInstanceResource(
        count=10, min_count=1, name_pattern="b-##", instance_properties=properties(),
        location_policy=c.LocationPolicy(target_shape="ANY"),
    )  # fmt: skip
    client.bulk_insert(project=P, region=R, bulk_insert_instance_resource_resource=body).result()
    operations = google(c.RegionOperationsClient, gce.endpoint).list(project=P, region=R)
    status = next(iter(operations)).instances_bulk_insert_operation_metadata.per_location_status
    assert {zone: each.created_vm_count for zone, each in status.items()} == {
        f"zones/{Z}": 3, "zones/us-central1-b": 7,
    }  # fmt: skip


def test_the_same_request_id_does_it_once(gce: Gce) -> None:
    client = google(c.NetworksClient, gce.endpoint)
    ask = c.InsertNetworkRequest(
        project=P, network_resource=c.Network(name="n1", auto_create_subnetworks=False),
        request_id="3f3d0d4e-6f0c-4d5a-8f3f-0d4e6f0c4d5a",
    )  # fmt: skip
    first, again = client.insert(ask), client.insert(ask)
    assert first.name == again.name
    with pytest.raises(exceptions.Conflict, match="already exists"):
        client.insert(project=P, network_resource=c.Network(name="n1"))


def test_a_network_of_ones_own(gce: Gce) -> None:
    networks = google(c.NetworksClient, gce.endpoint)
    subnetworks = google(c.SubnetworksClient, gce.endpoint)
    networks.insert(
        project=P, network_resource=c.Network(name="vpc", auto_create_subnetworks=False)
    ).result()

    def subnetwork(name: str, cidr: str) -> c.Subnetwork:
        return c.Subnetwork(name=name, network="global/networks/vpc", ip_cidr_range=cidr)

    subnetworks.insert(
        project=P, region=R, subnetwork_resource=subnetwork("s", "10.9.0.0/29")
    ).result()
    with pytest.raises(exceptions.BadRequest, match="conflicts with existing subnetwork"):
        subnetworks.insert(project=P, region=R, subnetwork_resource=subnetwork("s2", "10.9.0.0/28"))
    with pytest.raises(exceptions.BadRequest, match="already being used"):
        networks.delete(project=P, network="vpc")
    client = google(c.InstancesClient, gce.endpoint)
    interface = c.NetworkInterface(subnetwork=f"regions/{R}/subnetworks/s")
    made = []
    for name in ("a", "b", "c", "d", "e"):
        body = c.Instance(
            name=name,
            machine_type="e2-small",
            disks=properties().disks,
            network_interfaces=[interface],
        )
        try:
            client.insert(project=P, zone=Z, instance_resource=body).result()
            made.append(
                client.get(project=P, zone=Z, instance=name).network_interfaces[0].network_i_p
            )
        except exceptions.GoogleAPICallError as error:
            assert "IP_SPACE_EXHAUSTED" in str(error)
    assert made == ["10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5"]
