"""VMs that cannot live-migrate, by each way in which VMs are made."""

from typing import Any

import pytest
import requests

from tests.emulator.conftest import Gce

GPU = "Instances with guest accelerators do not support live migration."
ZONE = "zones/us-central1-a"
GROUPS = f"{ZONE}/instanceGroupManagers"


def properties(**scheduling: str) -> dict[str, Any]:
    image = "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64"
    return {
        "machineType": "a2-highgpu-1g",
        "disks": [{"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": image}}],
        "networkInterfaces": [{"network": "global/networks/default"}],
        "scheduling": scheduling,
    }


def send(gce: Gce, path: str, body: dict[str, Any]) -> tuple[int, str]:
    """Status and message."""
    url = f"{gce.endpoint}/compute/v1/projects/p/{path}"
    answer = requests.post(url, json=body, timeout=60)
    return answer.status_code, str(answer.json().get("error", {}).get("message", ""))


@pytest.mark.parametrize("policy", ["", "MIGRATE", "TERMINATE"])
def test_a_gpu_vm_that_would_migrate_is_refused_however_it_is_made(gce: Gce, policy: str) -> None:
    made = properties(**({"onHostMaintenance": policy} if policy else {}))
    single = made | {"name": "vm", "machineType": f"{ZONE}/machineTypes/a2-highgpu-1g"}
    many = {"count": "1", "namePattern": "b-#", "instanceProperties": made}
    assert send(gce, "global/instanceTemplates", {"name": "t", "properties": made}) == (200, "")
    group = {
        "name": "g", "baseInstanceName": "g", "targetSize": 1,
        "instanceTemplate": "global/instanceTemplates/t",
    }  # fmt: skip
    expected = (200, "") if policy == "TERMINATE" else (400, GPU)
    assert send(gce, f"{ZONE}/instances", single) == expected
    assert send(gce, f"{ZONE}/instances/bulkInsert", many) == expected
    assert send(gce, GROUPS, group) == expected
