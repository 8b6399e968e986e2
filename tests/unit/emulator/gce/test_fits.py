"""The emulator refuses hardware that Google refuses where a VM is made."""

from typing import Any

import pytest

from provision.emulator.agenda import Agenda
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.dials import Dials
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.models import images
from provision.emulator.gce.models.blueprints import blueprint, for_vms
from provision.emulator.gce.world import Project, World
from provision.emulator.machines import NoMachines

IMAGE = "projects/debian-cloud/global/images/family/debian-13"
APART = "are not compatible for creating instance"
T4 = {"guestAccelerators": [{"acceleratorType": "nvidia-tesla-t4", "acceleratorCount": 1}],
      "scheduling": {"onHostMaintenance": "TERMINATE"}}  # fmt: skip
GPU = {"scheduling": {"onHostMaintenance": "TERMINATE"}}
SCRATCH = {"type": "SCRATCH", "initializeParams": {"diskType": "local-ssd"}}


def properties(kind: str, disk: str, more: dict[str, Any]) -> dict[str, Any]:
    boot = {"boot": True, "initializeParams": {"sourceImage": IMAGE, "diskType": disk}}
    return {"machineType": kind, "disks": [boot], "networkInterfaces": [{}], **more}


def furnished() -> tuple[Cloud, Project]:
    cloud = Cloud(World("http://x/", Agenda()), NoMachines(), Dials())
    images.furnish(cloud, cloud.world.project("debian-cloud"))
    return cloud, cloud.world.project("p")


@pytest.mark.parametrize(
    ("kind", "disk", "more", "refused"),
    [
        ("n4-standard-2", "pd-balanced", {}, APART),
        ("c4-standard-4", "pd-ssd", {}, APART),
        ("c3-standard-4", "pd-standard", {}, APART),
        ("e2-standard-2", "hyperdisk-balanced", {}, APART),
        ("custom-4-8192", "hyperdisk-balanced", {}, APART),
        ("a2-highgpu-1g", "hyperdisk-balanced", GPU, APART),
        ("g2-standard-4", "pd-standard", GPU, APART),
        ("g2-standard-4", "hyperdisk-balanced", GPU, APART),
        ("h3-standard-88", "pd-standard", {}, APART),
        ("h3-standard-88", "pd-ssd", {}, APART),
        ("h3-standard-88", "pd-balanced", {}, ""),
        ("g2-standard-4", "pd-ssd", GPU, ""),
        ("a2-highgpu-1g", "pd-standard", GPU, ""),
        ("c3-standard-4", "hyperdisk-ml", {}, "cannot be used as boot disks"),
        ("t2a-standard-2", "pd-balanced", {}, "Requested boot disk architecture"),
        ("n2-standard-2", "pd-balanced", T4, "features are not compatible for creating instance"),
        ("n4-standard-2", "hyperdisk-balanced", {}, ""),
        ("c3-standard-4", "pd-balanced", {}, ""),
        ("e2-standard-2", "pd-standard", {}, ""),
        ("n4-standard-2", "", {}, ""),
        ("n1-standard-4", "pd-balanced", T4, ""),
    ],
)
def test_what_does_not_go_together_is_refused_where_a_vm_is_made(
    kind: str, disk: str, more: dict[str, Any], refused: str
) -> None:
    cloud, project = furnished()
    given = properties(kind, disk, more)
    blueprint(cloud, project, given)  # a template says what it likes
    if not refused:
        for_vms(cloud, project, given)
        return
    with pytest.raises(ApiError, match=refused) as caught:
        for_vms(cloud, project, given)
    assert caught.value.status == 400


@pytest.mark.parametrize(("kind", "taken"), [("e2-standard-2", False), ("n2-standard-2", True)])
def test_a_local_ssd_on_a_series_without_is_refused(kind: str, taken: bool) -> None:
    cloud, project = furnished()
    given = properties(kind, "pd-balanced", {})
    given["disks"].append(SCRATCH)
    if taken:
        for_vms(cloud, project, given)
        return
    with pytest.raises(ApiError, match=APART):
        for_vms(cloud, project, given)
