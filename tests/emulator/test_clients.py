"""Clients nobody here wrote, unmodified but for the endpoint: create, list, resize, describe, delete."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from provision.emulator.gce import signin
from provision.emulator.gce.environment import environment
from tests.emulator.clients import IMAGE, discovery
from tests.emulator.conftest import Gce, Start

P, R, Z = "acme-lab", "us-central1", "us-central1-a"
TEMPLATE: dict[str, Any] = {
    "name": "t1",
    "properties": {
        "machineType": "n2-standard-2",
        "disks": [{"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": IMAGE}}],
        "networkInterfaces": [{"network": "global/networks/default"}],
    },
}
GROUP = {"name": "g1", "instanceTemplate": "global/instanceTemplates/t1", "targetSize": 3}


def test_the_discovery_client_of_google_api_python_client(gce: Gce) -> None:
    compute = discovery(gce.endpoint)

    def done(operation: dict[str, Any], **scope: str) -> None:
        service = compute.regionOperations() if scope else compute.globalOperations()
        waited = service.wait(project=P, operation=operation["name"], **scope).execute()
        assert (waited["status"], "error" in waited) == ("DONE", False)

    done(compute.instanceTemplates().insert(project=P, body=TEMPLATE).execute())
    groups = compute.regionInstanceGroupManagers()
    done(groups.insert(project=P, region=R, body=GROUP).execute(), region=R)
    mine = {"project": P, "region": R, "instanceGroupManager": "g1"}
    done(groups.resize(**mine, size=5).execute(), region=R)
    listed = groups.listManagedInstances(**mine).execute()["managedInstances"]
    assert {each["instanceStatus"] for each in listed} == {"RUNNING"}
    assert groups.get(**mine).execute()["status"]["isStable"] is True
    pages, request = [], compute.instances().list(project=P, zone=Z, maxResults=1)
    while request is not None:
        answer = request.execute()
        pages.append([vm["name"] for vm in answer.get("items", [])])
        request = compute.instances().list_next(request, answer)
    assert [len(page) for page in pages] == [1, 1]
    errors: list[Exception] = []
    batch = compute.new_batch_http_request(callback=lambda i, answer, error: errors.append(error))
    batch._batch_uri = f"{gce.endpoint}/batch/compute/v1"  # the document's own is Google's host
    batch.add(compute.zones().get(project=P, zone=Z))
    batch.add(compute.zones().get(project=P, zone="nowhere-1-a"))
    batch.execute()
    assert errors[0] is None and errors[1].resp.status == 404
    done(groups.delete(**mine).execute(), region=R)
    done(compute.instanceTemplates().delete(project=P, instanceTemplate="t1").execute())


def test_apache_libcloud(gce: Gce, tmp_path: Path) -> None:
    from libcloud.compute.providers import get_driver
    from libcloud.compute.types import Provider

    key = tmp_path / "key.json"
    key.write_text(signin.key_file(P, gce.endpoint))
    driver = get_driver(Provider.GCE)
    kind = driver.connectionCls
    before = kind.host
    token = {"access_token": "x", "expire_time": "2099-01-01T00:00:00Z", "token_type": "Bearer"}
    cache = tmp_path / "token"
    cache.write_text(json.dumps(token))
    try:
        # The driver hands its host and port on in the wrong place; the class takes them as one.
        kind.host = gce.endpoint.removeprefix("http://")
        made: Any = driver(
            signin.account(P),
            str(key),
            project=P,
            datacenter=Z,
            secure=False,
            credential_file=str(cache),
        )
        node = made.create_node("n1", "e2-small", "debian-12", ex_disk_auto_delete=True)
        assert (node.name, node.state) == ("n1", "running")
        assert [each.name for each in made.list_nodes()] == ["n1"]
        assert made.ex_get_node("n1").extra["machineType"].endswith("/e2-small")
        template = made.ex_create_instancetemplate(
            "t1", "e2-small", image="debian-12", network="default"
        )
        manager = made.ex_create_instancegroupmanager("g1", Z, template, 2)
        manager.resize(4)
        assert made.ex_get_instancegroupmanager("g1", Z).size == 4
        assert len(manager.list_managed_instances()) == 4
        assert manager.destroy() and template.destroy() and made.destroy_node(node)
        assert made.list_nodes() == []
    finally:
        kind.host = before


GCLOUD = shutil.which("gcloud")


@pytest.mark.skipif(GCLOUD is None, reason="gcloud, Google's command line, is not on this machine")
def test_gcloud(gce: Gce, tmp_path: Path) -> None:
    env = {**os.environ, **environment(gce.endpoint, P, "", ""), "CLOUDSDK_CONFIG": str(tmp_path)}
    env |= {"CLOUDSDK_COMPUTE_REGION": R, "CLOUDSDK_COMPUTE_ZONE": Z}
    env.pop("GOOGLE_APPLICATION_CREDENTIALS")

    def gcloud(*words: str) -> Any:
        done = subprocess.run(
            [str(GCLOUD), "compute", *words, "--format=json", "--quiet"], env=env, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.startswith(("[", "{")) else None

    gcloud("networks", "create", "vpc", "--subnet-mode=custom")
    gcloud(
        "networks",
        "subnets",
        "create",
        "s1",
        "--network=vpc",
        "--range=10.7.0.0/24",
        f"--region={R}",
    )
    gcloud("firewall-rules", "create", "in", "--network=vpc", "--allow=tcp:22,icmp")
    gcloud(
        "instance-templates", "create", "t1", "--machine-type=n2-standard-2", "--image-family=debian-12",
        "--image-project=debian-cloud", "--subnet=s1", f"--region={R}", "--no-address",
    )  # fmt: skip
    managed = ("instance-groups", "managed")
    gcloud(*managed, "create", "g1", "--template=t1", "--size=2", f"--region={R}")
    gcloud(*managed, "resize", "g1", "--size=4", f"--region={R}")
    gcloud(*managed, "wait-until", "g1", "--stable", f"--region={R}")
    assert gcloud(*managed, "describe", "g1", f"--region={R}")["targetSize"] == 4
    members = gcloud(*managed, "list-instances", "g1", f"--region={R}")
    assert [each["instanceStatus"] for each in members] == ["RUNNING"] * 4
    gcloud(
        "instances", "create", "solo", "--image-family=debian-12", "--image-project=debian-cloud"
    )
    listed = gcloud("instances", "list", "--filter=name=solo")
    assert [each["name"] for each in listed] == ["solo"]
    gcloud("instances", "delete", "solo")
    gcloud(*managed, "delete", "g1", f"--region={R}")
    gcloud("instance-templates", "delete", "t1")
    gcloud("firewall-rules", "delete", "in")
    gcloud("networks", "subnets", "delete", "s1", f"--region={R}")
    gcloud("networks", "delete", "vpc")


def test_polling_by_hand(start: Start) -> None:
    """A client that follows links: post, then get the operation by its own link until it is done."""
    gce = start(links="own")
    base = f"{gce.endpoint}/compute/v1/projects/{P}"
    session = requests.Session()

    def change(verb: str, path: str, body: object = None) -> None:
        operation = session.request(verb, f"{base}/{path}", json=body, timeout=60).json()
        deadline = time.monotonic() + 20
        while operation["status"] != "DONE" and time.monotonic() < deadline:
            operation = session.get(operation["selfLink"], timeout=60).json()
        assert operation["status"] == "DONE" and "error" not in operation

    change("POST", "global/instanceTemplates", TEMPLATE)
    change("POST", f"zones/{Z}/instanceGroupManagers", GROUP)
    change("PATCH", f"zones/{Z}/instanceGroupManagers/g1", {"targetSize": 4})
    group = session.get(f"{base}/zones/{Z}/instanceGroupManagers/g1", timeout=60).json()
    assert (group["targetSize"], group["status"]["isStable"]) == (4, True)
    stale = {"fingerprint": "AAAAAAAAAAA=", "targetSize": 1}
    answer = session.patch(group["selfLink"], json=stale, timeout=60)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (
        412,
        "conditionNotMet",
    )
    plain = session.post(
        f"{base}/zones/{Z}/instanceGroupManagers/g1/listManagedInstances", timeout=60
    ).json()
    assert len(plain["managedInstances"]) == 4
    change("DELETE", f"zones/{Z}/instanceGroupManagers/g1")
    change("DELETE", "global/instanceTemplates/t1")
    gone = session.get(f"{base}/zones/{Z}/instanceGroupManagers/g1", timeout=60)
    assert gone.status_code == 404
