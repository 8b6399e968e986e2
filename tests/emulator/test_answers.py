"""What clients nobody here wrote get for an answer, against documented or recorded ones of Google's."""

import time
from collections import Counter
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.cloud import compute_v1 as c

from tests.emulator.clients import IMAGE, discovery, google, properties
from tests.emulator.conftest import Gce, Start

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
        answer = requests.get(gce.endpoint + path, timeout=60)
        error = answer.json()["error"]["errors"][0]
        assert (answer.status_code, error["reason"]) == (400, "invalidParameter")
        assert error["message"].startswith("Invalid field selection ")


def test_a_vm_with_an_empty_message_for_every_repeated_field(gce: Gce) -> None:
    fields = ("guestAccelerators", "resourcePolicies", "serviceAccounts")
    body = VM | {"name": "n", "tags": {"items": {}}, "metadata": {"items": {}}}
    body |= {"networkInterfaces": [{"network": "global/networks/default", "accessConfigs": {}}]}
    body |= {key: {} for key in fields}
    answer = requests.post(f"{gce.endpoint}{BASE}/zones/{Z}/instances", json=body, timeout=60)
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
    assert time.monotonic() - began < 30 and gce.calls("snapshots.list") == 1


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


LINKED = "https://www.googleapis.com/compute/v1/projects/proj/"


@pytest.mark.parametrize("agent", ["google-api-go-client/0.5", "curl/8", "libcloud/3.8", ""])
def test_links_are_googles_for_every_client_and_found_by_filters(gce: Gce, agent: str) -> None:
    """Google answers www.googleapis.com links at every endpoint; recorded in most issues about it."""
    url, headers = f"{gce.endpoint}{BASE}", {"User-Agent": agent}
    network = f"{LINKED}global/networks/default"
    body = {"name": "f", "network": network, "allowed": [{"IPProtocol": "tcp"}]}
    made = requests.post(f"{url}/global/firewalls", json=body, headers=headers, timeout=10).json()
    assert made["selfLink"].startswith(f"{LINKED}global/operations/")
    google(c.GlobalOperationsClient, gce.endpoint).wait(project=P, operation=made["name"])
    asked = {"filter": f'network = "{network}"'}
    answer = requests.get(f"{url}/global/firewalls", params=asked, headers=headers, timeout=10)
    assert "127.0.0.1" not in answer.text
    links = [each["selfLink"] for each in answer.json()["items"]]
    assert (
        f"{LINKED}global/firewalls/f" in links
        and f"{LINKED}global/firewalls/default-allow-ssh" in links
    )


def test_links_are_its_own_where_that_is_asked_for(start: Start) -> None:
    gce = start(links="own")
    link = requests.get(f"{gce.endpoint}{BASE}", timeout=10).json()["selfLink"]
    assert requests.get(link, timeout=10).json()["name"] == P


def group_of(gce: Gce, size: int, *versions: dict[str, Any], policy: str) -> dict[str, Any]:
    """A group of these versions by google-cloud-compute; its JSON."""
    templates = google(c.InstanceTemplatesClient, gce.endpoint)
    for name in ("old", "new"):
        made = c.InstanceTemplate(name=name, properties=properties(labels={"made": name}))
        templates.insert(project=P, instance_template_resource=made).result()
    kind = google(c.InstanceGroupManagersClient, gce.endpoint)
    update = {"type_": policy, "max_unavailable": {"fixed": 10}}
    body: dict[str, Any] = {"name": "g", "base_instance_name": "g-#", "target_size": size}
    body |= {"versions": list(versions), "update_policy": update}
    kind.insert({"project": P, "zone": Z, "instance_group_manager_resource": body}).result()
    return stable(gce)


def stable(gce: Gce) -> dict[str, Any]:
    """The group once it is what it is asked to be."""
    path = f"{gce.endpoint}{BASE}/zones/{Z}/instanceGroupManagers/g"
    for _ in range(200):
        shown: dict[str, Any] = requests.get(path, timeout=10).json()
        if shown["status"]["isStable"]:
            return shown
        time.sleep(0.02)
    raise AssertionError(shown)


def made_of(gce: Gce) -> dict[str, int]:
    """VMs by the template they are really made from."""
    return dict(
        Counter(
            vm.labels["made"]
            for vm in google(c.InstancesClient, gce.endpoint).list(project=P, zone=Z)
        )
    )


def version(name: str, **size: int) -> dict[str, Any]:
    sized = {"target_size": size} if size else {}
    return {"instance_template": f"global/instanceTemplates/{name}", "name": name, **sized}


@pytest.mark.parametrize(
    ("size", "fresh"),
    [
        # "percent/100 * targetSize. If there is a remainder, the number is rounded"; "the minimum of
        # either targetSize.fixed or instanceGroupManager.targetSize" (document, versions[].targetSize).
        ({"fixed": 2}, 2), ({"percent": 20}, 2), ({"percent": 25}, 3), ({"percent": 24}, 2),
        ({"fixed": 50}, 10), ({"percent": 100}, 10), ({"fixed": 0}, 0), ({"percent": 0}, 0),
    ],
)  # fmt: skip
def test_a_canary_gets_its_share_and_no_more(gce: Gce, size: dict[str, int], fresh: int) -> None:
    group = group_of(gce, 10, version("old"), version("new", **size), policy="OPPORTUNISTIC")
    assert made_of(gce) == {k: n for k, n in (("old", 10 - fresh), ("new", fresh)) if n}
    sizes = [each["targetSize"] for each in group["versions"]]
    assert sizes == [{"calculated": 10 - fresh}, {**size, "calculated": fresh}]
    assert group["instanceTemplate"].endswith("/old")
    kind = google(c.InstanceGroupManagersClient, gce.endpoint)
    listed = kind.list_managed_instances(project=P, zone=Z, instance_group_manager="g")
    told = Counter(each.version.name for each in listed)
    assert told == Counter(made_of(gce)) and group["status"]["versionTarget"]["isReached"]


def test_a_canary_is_rolled_out_to_its_share_alone_and_then_to_all(gce: Gce) -> None:
    group_of(gce, 6, version("old"), policy="PROACTIVE")
    kind = google(c.InstanceGroupManagersClient, gce.endpoint)
    mine: dict[str, Any] = {"project": P, "zone": Z, "instance_group_manager": "g"}
    for versions, expected in (
        ([version("old"), version("new", fixed=2)], {"old": 4, "new": 2}),
        ([version("new")], {"new": 6}),
    ):
        kind.patch({**mine, "instance_group_manager_resource": {"versions": versions}}).result()
        stable(gce)
        assert made_of(gce) == expected
    with pytest.raises(exceptions.BadRequest, match="Exactly one version must leave targetSize"):
        wrong = {"versions": [version("old", fixed=1), version("new", fixed=2)]}
        kind.patch({**mine, "instance_group_manager_resource": wrong})


def test_a_canary_by_hand_takes_the_named_vm_and_a_repair_keeps_its_version(gce: Gce) -> None:
    group_of(gce, 4, version("old"), policy="OPPORTUNISTIC")
    kind = google(c.InstanceGroupManagersClient, gce.endpoint)
    mine: dict[str, Any] = {"project": P, "zone": Z, "instance_group_manager": "g"}
    both = {"versions": [version("old"), version("new", percent=25)]}
    kind.patch({**mine, "instance_group_manager_resource": both}).result()
    assert made_of(gce) == {"old": 4} and not stable(gce)["status"]["versionTarget"]["isReached"]
    links = [f"zones/{Z}/instances/g-2"]
    update = {"instances": links, "minimal_action": "REPLACE"}
    kind.apply_updates_to_instances(
        {**mine, "instance_group_managers_apply_updates_request_resource": update}
    ).result()
    stable(gce)
    assert made_of(gce) == {"old": 3, "new": 1}
    for name in [each.name for each in kind.list_managed_instances(mine)]:
        again = {"instances": [f"zones/{Z}/instances/{name}"]}
        kind.recreate_instances(
            {**mine, "instance_group_managers_recreate_instances_request_resource": again}
        ).result()
        stable(gce)
        assert made_of(gce) == {"old": 3, "new": 1}
    with pytest.raises(exceptions.BadRequest, match="already being used by"):
        google(c.InstanceTemplatesClient, gce.endpoint).delete(project=P, instance_template="new")


def bulk(gce: Gce, *names: str, **more: Any) -> dict[str, Any]:
    """A bulk insert of these names by google-api-python-client; its finished operation."""
    compute = discovery(gce.endpoint)
    made = {key: value for key, value in VM.items() if key != "machineType"}
    body = {
        "perInstanceProperties": {name: {} for name in names},
        "instanceProperties": made | {"machineType": "n2-standard-4"},
        **more,
    }
    began = compute.instances().bulkInsert(project=P, zone=Z, body=body).execute()
    wait = compute.zoneOperations().wait(project=P, zone=Z, operation=began["name"])
    done: dict[str, Any] = wait.execute()
    return done


def there(gce: Gce) -> list[str]:
    return [vm.name for vm in google(c.InstancesClient, gce.endpoint).list(project=P, zone=Z)]


def test_a_name_that_exists_fails_its_own_vm_of_a_bulk_insert(gce: Gce) -> None:
    """VMs that exist are among those that could not be created, which ``minCount`` judges (document)."""
    assert "error" not in bulk(gce, "n-1")
    done = bulk(gce, "n-1", "n-2", "n-3", minCount="1")
    assert "error" not in done and there(gce) == ["n-1", "n-2", "n-3"]
    status = done["instancesBulkInsertOperationMetadata"]["perLocationStatus"][f"zones/{Z}"]
    assert (status["targetVmCount"], status["createdVmCount"]) == (3, 2)
    assert (status["failedToCreateVmCount"], status["status"]) == (1, "DONE")
    asked = {"project": P, "zone": Z, "filter": f"operationGroupId={done['operationGroupId']}"}
    each = discovery(gce.endpoint).zoneOperations().list(**asked).execute()["items"]
    failed = [one for one in each if "error" in one]
    assert [one["targetLink"].rpartition("/")[2] for one in failed] == ["n-1"]
    error = failed[0]["error"]["errors"][0]
    assert (
        error["code"] == "RESOURCE_ALREADY_EXISTS" and "/instances/n-1' already" in error["message"]
    )


def test_a_bulk_insert_below_its_least_count_makes_none_and_says_why(gce: Gce) -> None:
    """Without ``minCount`` all must come; what has come is deleted (document)."""
    bulk(gce, "n-1")
    done = bulk(gce, "n-1", "n-2")
    codes = [each["code"] for each in done["error"]["errors"]]
    assert codes == ["VM_MIN_COUNT_NOT_REACHED", "RESOURCE_ALREADY_EXISTS"]
    for _ in range(100):
        if there(gce) == ["n-1"]:
            return
        time.sleep(0.02)
    raise AssertionError(there(gce))


def test_a_vm_of_a_group_shows_what_googles_vms_show(gce: Gce) -> None:
    """Recorded: GKE nodes' ``instance-template`` and ``created-by``; a Debian boot disk's licence."""
    group_of(gce, 1, version("new"), policy="OPPORTUNISTIC")
    made = google(c.InstancesClient, gce.endpoint).get(project=P, zone=Z, instance="g-1")
    items = {item.key: item.value for item in made.metadata.items}
    number = items["created-by"].split("/")[1]
    assert number.isdigit() and items == {
        "instance-template": f"projects/{number}/global/instanceTemplates/new",
        "created-by": f"projects/{number}/zones/{Z}/instanceGroupManagers/g",
    }
    shield = made.shielded_instance_config
    told = (shield.enable_secure_boot, shield.enable_vtpm, shield.enable_integrity_monitoring)
    assert told == (False, True, True)
    assert made.shielded_instance_integrity_policy.update_auto_learn_policy
    assert made.cpu_platform == "Intel Cascade Lake"
    assert made.resource_status.effective_instance_metadata.enable_oslogin_metadata_value is False
    licence = "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/licenses"
    image = google(c.ImagesClient, gce.endpoint).get_from_family(
        project="debian-cloud", family="debian-12"
    )
    disk = google(c.DisksClient, gce.endpoint).get(project=P, zone=Z, disk="g-1")
    for each in (made.disks[0], disk, image):
        assert list(each.licenses) == [f"{licence}/debian-12-bookworm"]
        assert "UEFI_COMPATIBLE" in {feature.type_ for feature in each.guest_os_features}
        assert each.architecture == "X86_64"
    assert disk.source_image_id == str(image.id)


def test_a_vm_shows_the_metadata_that_compute_heeds_and_the_shield_it_asked_for(gce: Gce) -> None:
    body = VM | {"name": "n", "metadata": {"items": [{"key": "enable-oslogin", "value": "TRUE"}]}}
    body |= {"shieldedInstanceConfig": {"enableSecureBoot": True}}
    instances = google(c.InstancesClient, gce.endpoint)
    began = requests.post(f"{gce.endpoint}{BASE}/zones/{Z}/instances", json=body, timeout=10)
    google(c.ZoneOperationsClient, gce.endpoint).wait(
        project=P, zone=Z, operation=began.json()["name"]
    )
    made = instances.get(project=P, zone=Z, instance="n")
    assert made.resource_status.effective_instance_metadata.enable_oslogin_metadata_value
    assert made.shielded_instance_config.enable_secure_boot
    assert made.shielded_instance_config.enable_vtpm
    assert "instance-template" not in {item.key for item in made.metadata.items}


@pytest.mark.parametrize(
    ("machine", "gpu", "number", "why"),
    [
        # Recorded: skypilot-org/skypilot#212, and the 404 of bsteuber/lizzie-gcloud-setup#6.
        ("n1-highmem-8", "nvidia-tesla-a100", 1, "[n1-highmem-8, nvidia-tesla-a100] features are not"),
        ("n2-standard-4", "nvidia-tesla-t4", 1, "[n2-standard-4, nvidia-tesla-t4] features are not"),
        ("e2-standard-4", "nvidia-tesla-t4", 1, "[e2-standard-4, nvidia-tesla-t4] features are not"),
        ("f1-micro", "nvidia-tesla-t4", 1, "[f1-micro, nvidia-tesla-t4] features are not"),
        ("a2-highgpu-1g", "nvidia-tesla-t4", 1, "[a2-highgpu-1g, nvidia-tesla-t4] features are not"),
        ("n1-standard-4", "nvidia-tesla-k8", 1, "acceleratorTypes/nvidia-tesla-k8' was not found"),
        # Documented: cloud.google.com/compute/docs/gpus.
        ("n1-standard-4", "nvidia-tesla-t4", 3, "Must be one of 1, 2, 4"),
        ("n1-standard-16", "nvidia-tesla-v100", 1, "at most 12 vCPUs"),
        ("n1-standard-4", "nvidia-tesla-t4", 1, ""), ("n1-standard-8", "nvidia-tesla-v100", 8, ""),
        ("a2-highgpu-1g", "nvidia-tesla-a100", 1, ""), ("custom-4-8192", "nvidia-tesla-p4", 2, ""),
        ("n1-standard-4", "nvidia-tesla-t4", 0, ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["insert", "bulk", "group"])
def test_gpus_only_where_the_machine_type_takes_them(
    gce: Gce, way: str, machine: str, gpu: str, number: int, why: str
) -> None:
    url, place = f"{gce.endpoint}{BASE}", f"zones/{Z}"
    cards = [{"acceleratorType": gpu, "acceleratorCount": number}]
    policy = {"onHostMaintenance": "MIGRATE" if machine[:2] == "e2" else "TERMINATE"}
    made = VM | {"machineType": machine, "guestAccelerators": cards, "scheduling": policy}
    if way == "group":
        template = {"name": "t", "properties": made}
        requests.post(f"{url}/global/instanceTemplates", json=template, timeout=10)
        body = {"name": "g", "instanceTemplate": "global/instanceTemplates/t", "targetSize": 0}
        answer = requests.post(f"{url}/{place}/instanceGroupManagers", json=body, timeout=10)
    elif way == "bulk":
        body = {"count": 1, "namePattern": "n-#", "instanceProperties": made}
        answer = requests.post(f"{url}/{place}/instances/bulkInsert", json=body, timeout=10)
    else:
        links = {"machineType": f"{place}/machineTypes/{machine}", "name": "n-1"}
        cards[0]["acceleratorType"] = f"projects/{P}/{place}/acceleratorTypes/{gpu}"
        answer = requests.post(f"{url}/{place}/instances", json=made | links, timeout=10)
    assert answer.status_code == (200 if not why else 404 if "found" in why else 400), answer.text
    assert why in answer.json().get("error", {}).get("message", "")


def test_a_vm_shows_and_counts_the_gpus_of_its_machine_type(gce: Gce) -> None:
    done = bulk(
        gce, "n",
        instanceProperties=VM
        | {"machineType": "g2-standard-24", "scheduling": {"onHostMaintenance": "TERMINATE"}},
    )  # fmt: skip
    assert "error" not in done
    made = google(c.InstancesClient, gce.endpoint).get(project=P, zone=Z, instance="n")
    gpu = made.guest_accelerators[0]
    assert (gpu.accelerator_type, gpu.accelerator_count) == (
        f"{LINKED}zones/{Z}/acceleratorTypes/nvidia-l4",
        2,
    )
    quotas = google(c.RegionsClient, gce.endpoint).get(project=P, region=R).quotas
    assert {q.metric: q.usage for q in quotas if q.usage}["NVIDIA_L4_GPUS"] == 2


POLICY = f"projects/{P}/regions/{R}/resourcePolicies/compact"
NAT = {"name": "n", "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS"}
SUBNETS = [{"name": f"regions/{R}/subnetworks/none", "sourceIpRangesToNat": ["ALL_IP_RANGES"]}]
RESERVED = {"consumeReservationType": "SPECIFIC_RESERVATION", "values": ["mine"]}


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        (f"zones/{Z}/instances", VM | {"resourcePolicies": [POLICY]}, "resource policy"),
        (f"zones/{Z}/instances", VM | {"reservationAffinity": RESERVED}, "reservation"),
        (
            "global/instanceTemplates",
            {"properties": VM | {"resourcePolicies": ["compact"], "machineType": "n2-standard-4"}},
            "resource policy",
        ),
        (
            f"zones/{Z}/instances/bulkInsert",
            {"count": 1, "namePattern": "n-#", "instanceProperties": VM | {"resourcePolicies": ["c"]}},
            "resource policy",
        ),
        (
            f"zones/{Z}/instanceGroupManagers",
            {"targetSize": 1, "autoHealingPolicies": [{"healthCheck": "global/healthChecks/h"}]},
            "health check",
        ),
        (f"zones/{Z}/instanceGroupManagers", {"targetSize": 1, "targetPools": ["t"]}, "target pool"),
        (f"zones/{Z}/disks", {"sourceSnapshot": "global/snapshots/s"}, "snapshot"),
        ("global/images", {"sourceDisk": f"zones/{Z}/disks/none"}, "disk"),
        ("global/images", {"sourceImage": "global/images/none"}, "image"),
        (
            f"regions/{R}/routers",
            {"network": "global/networks/default", "nats": [NAT | {"subnetworks": SUBNETS}]},
            "subnetwork",
        ),
        (
            f"regions/{R}/routers",
            {"network": "global/networks/default", "nats": [NAT | {"natIps": ["none"]}]},
            "address",
        ),
        (
            "global/routes",
            {
                "network": "global/networks/default", "destRange": "10.9.0.0/16",
                "nextHopInstance": f"zones/{Z}/instances/none",
            },
            "instance",
        ),
    ],
)  # fmt: skip
def test_what_is_not_there_cannot_be_referred_to(
    gce: Gce, path: str, body: dict[str, Any], kind: str
) -> None:
    """Policies and reservations of all kinds, which are not emulated, and what has merely gone."""
    named = body if "namePattern" in body else body | {"name": "it"}
    answer = requests.post(f"{gce.endpoint}{BASE}/{path}", json=named, timeout=10)
    message = answer.json()["error"]["message"]
    assert answer.status_code == 400
    assert message.endswith(f"The referenced {kind} resource cannot be found."), message


def test_what_is_there_can_be_referred_to_by_any_form_of_its_link(gce: Gce) -> None:
    base = f"{gce.endpoint}{BASE}/regions/{R}"
    requests.post(f"{base}/addresses", json={"name": "a"}, timeout=10)
    time.sleep(0.2)
    subnet = SUBNETS[0] | {"name": f"regions/{R}/subnetworks/default"}
    for at, link in enumerate(
        ("a", f"regions/{R}/addresses/a", f"{LINKED}regions/{R}/addresses/a")
    ):
        nat = NAT | {
            "natIps": [link],
            "natIpAllocateOption": "MANUAL_ONLY",
            "subnetworks": [subnet],
        }
        body = {"name": f"r-{at}", "network": "global/networks/default", "nats": [nat]}
        answer = requests.post(f"{base}/routers", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
