"""What Google refuses of a VM's host maintenance policy, where VMs are made and not in a template."""

from typing import Any

import pytest

from provision.emulator.agenda import Agenda
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.dials import Dials
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.models.blueprints import blueprint, for_vms
from provision.emulator.gce.world import World
from provision.emulator.machines import NoMachines

GPU = "Instances with guest accelerators do not support live migration."
ONLY = "This machine type only supports on_host_maintenance = OnHostMaintenance.TERMINATE."
E2 = "e2 instances do not support onHostMaintenance=TERMINATE unless they are preemptible."
T4 = {"guestAccelerators": [{"acceleratorType": "nvidia-tesla-t4", "acceleratorCount": 1}]}


def properties(kind: str, scheduling: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    disk = {"boot": True, "source": "zones/us-central1-a/disks/d"}
    return {"machineType": kind, "scheduling": scheduling, "disks": [disk],
            "networkInterfaces": [{}], **more}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "scheduling", "more", "refused"),
    [
        ("a2-highgpu-1g", {}, {}, GPU),
        ("a2-highgpu-1g", {"onHostMaintenance": "MIGRATE"}, {}, GPU),
        ("a2-highgpu-1g", {"onHostMaintenance": "TERMINATE"}, {}, ""),
        ("a2-highgpu-1g", {"provisioningModel": "SPOT"}, {}, ""),
        ("g2-standard-4", {}, {}, GPU),
        ("g2-custom-8-32768", {}, {}, GPU),
        ("n1-standard-4", {}, T4, GPU),
        ("n1-standard-4", {"onHostMaintenance": "TERMINATE"}, T4, ""),
        ("z3-highmem-176", {}, {}, ONLY),
        ("h3-standard-88", {}, {}, ""),
        ("n2-standard-4", {}, {}, ""),
        ("n2-standard-4", {"onHostMaintenance": "TERMINATE"}, {}, ""),
        ("e2-standard-4", {}, {}, ""),
        ("e2-standard-4", {"onHostMaintenance": "TERMINATE"}, {}, E2),
        ("e2-standard-4", {"provisioningModel": "SPOT"}, {}, ""),
    ],
)
def test_a_policy_that_the_type_does_not_have_is_refused(
    kind: str, scheduling: dict[str, Any], more: dict[str, Any], refused: str
) -> None:
    cloud = Cloud(World("http://x/", Agenda()), NoMachines(), Dials())
    given = properties(kind, scheduling, more)
    project = cloud.world.project("p")
    blueprint(cloud, project, given)  # a template says what it likes
    if not refused:
        for_vms(cloud, project, given)
        return
    with pytest.raises(ApiError, match=refused.replace("(", ".")) as caught:
        for_vms(cloud, project, given)
    assert caught.value.status == 400
