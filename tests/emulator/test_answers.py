"""What clients nobody here wrote get for an answer, against documented or recorded ones of Google's."""

import time
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.cloud import compute_v1 as c

from tests.emulator.clients import IMAGE, discovery, google, properties
from tests.emulator.conftest import Gce

P, R, Z = "proj", "us-central1", "us-central1-a"
BASE = f"/compute/v1/projects/{P}"
VM: dict[str, Any] = {
    "machineType": f"zones/{Z}/machineTypes/n2-standard-4",
    "disks": [{"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": IMAGE}}],
    "networkInterfaces": [{"network": "global/networks/default"}],
}


@pytest.mark.parametrize(
    "mask",
    [
        # slurm-gcp's util.py; openshift's installer and hive; google-cloud-compute has no masks.
        "items.zones.instances(name),nextPageToken",
        "items/*/instances(name),nextPageToken",
        "nextPageToken,items/*/instances/name",
        "items(zones(instances(name))),nextPageToken",
        "items",
        "*",
    ],
)
def test_a_client_that_lists_by_a_mask_finds_its_vms_in_every_spelling(gce: Gce, mask: str) -> None:
    request = google(c.InstancesClient, gce.endpoint)
    for name, zone in (("n-1", Z), ("n-2", "us-central1-b"), ("other", Z)):
        request.insert(
            project=P, zone=zone,
            instance_resource=c.Instance(
                name=name, machine_type=f"zones/{zone}/machineTypes/n2-standard-4",
                disks=properties().disks, network_interfaces=properties().network_interfaces,
            ),
        ).result()  # fmt: skip
    service = discovery(gce.endpoint).instances()
    asked = service.aggregatedList(project=P, fields=mask, filter="name:n-*", maxResults=1)
    found = []
    while asked is not None:
        page = asked.execute()
        found += [vm["name"] for zone in page["items"].values() for vm in zone.get("instances", [])]
        asked = service.aggregatedList_next(asked, page)
        if "nextPageToken" not in mask and mask not in ("*",):
            break  # a mask without the token ends a list, at Google too
    assert found == (["n-1"] if mask == "items" else ["n-1", "n-2"])


def test_a_mask_that_no_answer_can_have_is_refused_and_not_answered_with_nothing(gce: Gce) -> None:
    for mask in ("items.zones.instance(name)", "item", "items/*/instances(nme)"):
        path = f"{BASE}/aggregated/instances?fields={mask}"
        answer = requests.get(gce.endpoint + path, timeout=10)
        error = answer.json()["error"]["errors"][0]
        assert (answer.status_code, error["reason"]) == (400, "invalidParameter")
        assert error["message"].startswith("Invalid field selection ")


def test_a_vm_with_an_empty_message_for_every_repeated_field(gce: Gce) -> None:
    fields = ("guestAccelerators", "resourcePolicies", "serviceAccounts")
    body = VM | {"name": "n", "tags": {"items": {}}, "metadata": {"items": {}}}
    body |= {"networkInterfaces": [{"network": "global/networks/default", "accessConfigs": {}}]}
    body |= {key: {} for key in fields}
    answer = requests.post(f"{gce.endpoint}{BASE}/zones/{Z}/instances", json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    google(c.ZoneOperationsClient, gce.endpoint).wait(
        project=P, zone=Z, operation=answer.json()["name"]
    )
    made = google(c.InstancesClient, gce.endpoint).get(project=P, zone=Z, instance="n")
    assert list(made.tags.items) == [] and not made.network_interfaces[0].access_configs


def test_what_is_not_emulated_is_told_at_once(gce: Gce) -> None:
    """google-cloud-compute tries a 5xx again for minutes."""
    began = time.monotonic()
    with pytest.raises(exceptions.BadRequest, match=r"compute.snapshots.list is part of Compute"):
        list(google(c.SnapshotsClient, gce.endpoint).list(project=P))
    assert time.monotonic() - began < 5 and gce.calls("snapshots.list") == 1


def test_a_request_id_is_a_uuid_and_gives_the_same_operation_again(gce: Gce) -> None:
    client = google(c.NetworksClient, gce.endpoint)
    vpc = {"name": "vpc", "auto_create_subnetworks": False}
    for bad in ("abc", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(exceptions.BadRequest, match="requestId"):
            client.insert({"project": P, "network_resource": vpc, "request_id": bad})
    once = {"project": P, "request_id": "3f3d0d4e-6f0c-4d5a-8f3f-0d4e6f0c4d5a"}
    names = {client.insert({"network_resource": vpc, **once}).name for _ in range(3)}
    assert len(names) == 1
    with pytest.raises(exceptions.BadRequest, match="used for another request"):
        client.delete({"network": "vpc", **once})
