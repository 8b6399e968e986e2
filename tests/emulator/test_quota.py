"""Every quota short by one in turn: refused with its numbers; what is named fits, one more does not."""

from typing import Any

import pytest

from provision.errors import RefusedError
from provision.events import ignore
from provision.recipes.up import up
from tests.emulator.conftest import Gce
from tests.emulator.stack import REGION as R
from tests.emulator.stack import comes_up, creates, spec_of

pytestmark = pytest.mark.usefixtures("nobody")


def family(kind: str, vcpus: int, fits: int = 10) -> dict[str, Any]:
    """Twelve workers of that type are two too many."""
    return {"group": {"machine_types": [kind]}, "limit": (fits + 1) * vcpus - 1, "need": 12 * vcpus}


HYPER = {"disk_type": "hyperdisk-balanced", "disk_gb": 20, "machine_types": ["c3-standard-4"]}
ARM = {
    "controller_type": "t2a-standard-1",
    "image": "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-arm64",
}
CASES: dict[str, dict[str, Any]] = {
    "CPUS": {"limit": 25, "need": 28},
    "N2_CPUS": family("n2-standard-2", 2),
    "N2D_CPUS": family("n2d-standard-2", 2),
    "C2_CPUS": family("c2-standard-4", 4),
    "C2D_CPUS": family("c2d-standard-2", 2),
    "C3_CPUS": family("c3-standard-4", 4),
    "T2D_CPUS": family("t2d-standard-1", 1),
    "T2A_CPUS": {
        "group": {"machine_types": ["t2a-standard-1"]},
        "cloud": ARM,
        "limit": 11,
        "need": 13,
    },
    "A2_CPUS": family("a2-highgpu-1g", 12),
    "M1_CPUS": family("m1-ultramem-40", 40),
    "M3_CPUS": family("m3-ultramem-32", 32),
    "CPUS_ALL_REGIONS": {"place": "global", "limit": 25, "need": 28},
    "PREEMPTIBLE_CPUS": {"group": {"spot": True}, "limit": 21, "need": 24},
    "INSTANCES": {"limit": 11, "need": 13},
    "DISKS_TOTAL_GB": {"cloud": {"disk_type": "pd-standard"}, "limit": 239, "need": 260},
    "SSD_TOTAL_GB": {"group": {"disk_type": "pd-ssd", "disk_gb": 30}, "limit": 349, "need": 380},
    "HDB_TOTAL_GB": {"group": HYPER, "limit": 219, "need": 240},
    "IN_USE_ADDRESSES": {"limit": 0, "need": 1, "fits": 0},
    "REGIONAL_INSTANCE_GROUP_MANAGERS": {"nodes": 2001, "limit": 1, "need": 2, "fits": 2000},
    "INSTANCE_GROUPS": {"nodes": 2001, "limit": 1, "need": 2, "fits": 2000},
    "INSTANCE_TEMPLATES": {"place": "global", "limit": 0, "need": 1, "fits": 0},
    "NETWORKS": {"place": "global", "limit": 0, "need": 1, "fits": 0},
    "SUBNETWORKS": {"place": "global", "limit": 0, "need": 1, "fits": 0},
    "FIREWALLS": {"place": "global", "limit": 1, "need": 2, "fits": 0},
    "ROUTERS": {"place": "global", "limit": 0, "need": 1, "fits": 0},
}
"""What is dialled, what is asked for, and what is to be said: ``need`` of it, ``fits`` nodes."""


@pytest.mark.parametrize("metric", CASES)
def test_one_short(gce: Gce, metric: str) -> None:
    case = CASES[metric]
    place, nodes, fits = case.get("place", R), case.get("nodes", 12), case.get("fits", 10)
    more = {key: case.get(key) for key in ("cloud", "group")}
    gce.turn(quota={place: {metric: case["limit"]}})
    with pytest.raises(RefusedError) as caught:
        up(spec_of(gce, "asked", nodes, **more), ignore)
    assert caught.value.exit_code == 4 and creates(gce) == 0
    (finding,) = caught.value.findings
    where = "all regions" if place == "global" else place
    assert finding.where == f"quota {metric} in {where}"
    numbers = f"limit {case['limit']}, used 0, needed {case['need']}: "
    words = f"{fits} nodes fit" if fits else "not even one node fits"
    assert finding.problem == numbers + words
    assert finding.fix.endswith("https://console.cloud.google.com/iam-admin/quotas?project=asked")
    assert ("--shrink-to-fit" in finding.fix) == (f"--nodes {fits} " in finding.fix) == bool(fits)
    if fits:
        assert comes_up(gce, spec_of(gce, "named", fits, **more)) == ""
    assert f"{case['limit']}" in comes_up(gce, spec_of(gce, "more", fits + 1, **more))
