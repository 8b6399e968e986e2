"""Every quota short by one in turn: refused with the right numbers; what is named fits, one more does not."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provision import lifecycle
from provision.clouds.gce import client
from provision.clouds.gce.settings import resolve
from provision.errors import RefusedError
from provision.events import ignore
from provision.plan import Plan, plan_of
from provision.spec import Spec
from tests.emulator.conftest import Gce, Start
from tests.emulator.stack import brought_up

R = "us-central1"
NAME = "q"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No project, key or state of anybody's."""
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "CLOUDSDK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", f"{tmp_path}")
    monkeypatch.setenv("XDG_STATE_HOME", f"{tmp_path}")
    # Operations take 0.02 s here: a look every 0.2 s would be all that these tests do.
    monkeypatch.setattr(client, "FIRST_LOOK", 0.02)


def spec_of(gce: Gce, project: str, nodes: int, cloud: Any = None, group: Any = None) -> Spec:
    where = {"kind": "gce", "project": project, "region": R, "endpoint": gce.endpoint}
    return Spec.model_validate(
        {
            "name": NAME,
            "cloud": {**where, **(cloud or {})},
            "groups": {"worker": {"nodes": nodes, **(group or {})}},
        }
    )


def created(gce: Gce) -> int:
    return sum(
        count for (method, _), count in gce.made.record.counts.items() if method.endswith("nsert")
    )


def comes_up(gce: Gce, spec: Spec) -> str:
    cloud: Any = spec.cloud
    home = Path(os.environ["HOME"])
    environment = {"PROVISION_GCE_ENDPOINT": gce.endpoint}
    settings = resolve(environment, home, project=cloud.project, region=cloud.region)
    return brought_up(settings, plan_of(spec))


def family(kind: str, vcpus: int, fits: int = 10) -> dict[str, Any]:
    """Twelve workers of that type are two too many."""
    return {"group": {"machine_types": [kind]}, "limit": (fits + 1) * vcpus - 1, "need": 12 * vcpus}


HYPER = {"disk_type": "hyperdisk-balanced", "disk_gb": 20}
CASES: dict[str, dict[str, Any]] = {
    "CPUS": {"limit": 25, "need": 28},
    "N2_CPUS": family("n2-standard-2", 2),
    "N2D_CPUS": family("n2d-standard-2", 2),
    "C2_CPUS": family("c2-standard-4", 4),
    "C2D_CPUS": family("c2d-standard-2", 2),
    "C3_CPUS": family("c3-standard-4", 4),
    "T2D_CPUS": family("t2d-standard-1", 1),
    "T2A_CPUS": family("t2a-standard-1", 1),
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
        lifecycle.up(spec_of(gce, "asked", nodes, **more), "", ignore)
    assert caught.value.exit_code == 4 and created(gce) == 0
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
