"""What is checked before anything is created: each trouble in one sentence, all of them at once."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from google.cloud import compute_v1

from provision.clouds.gce.account.needs import network_names
from provision.clouds.gce.client import Gce as Client
from provision.clouds.gce.cloud import GceCloud
from provision.clouds.gce.place import offering
from provision.clouds.gce.resources import RANKS
from provision.clouds.gce.settings import Settings
from provision.emulator.gce.signin import key_file
from provision.errors import RefusedError, SpecError
from provision.events import Event, Warned, ignore
from provision.plan import plan_of
from provision.recipes.up import up
from provision.spec.models import Spec
from provision.workspace import Workspace
from tests.emulator.clients import google
from tests.emulator.conftest import Gce, Start
from tests.emulator.stack import REGION as R
from tests.emulator.stack import comes_up, creates, declared, located, spec_of

pytestmark = pytest.mark.usefixtures("nobody")

CONSOLE = "https://console.cloud.google.com/iam-admin/quotas?project=p"


def said(gce: Gce, spec: Spec, there: int | None = None, told: Any = None) -> list[str]:
    """What the check finds with so many of the workers there (None: not even the controller)."""
    plan = plan_of(spec)
    missing = list(plan.machines) if there is None else list(plan.workers)[there:]
    cloud = GceCloud(spec.cloud, ([] if told is None else told).append)  # type: ignore[arg-type]  # these specs are GCE's
    try:
        return [str(finding) for finding in cloud.check(plan, missing)]
    finally:
        cloud.close()


def test_nothing_is_wrong_and_nothing_was_created(gce: Gce) -> None:
    told: list[Event] = []
    assert said(gce, spec_of(gce, "p", 10), told=told) == []
    assert creates(gce) == 0
    assert told == [], "permissions are not asked for at an emulator"


def test_calls_do_not_grow_with_the_nodes(gce: Gce) -> None:
    counted: list[Counter[tuple[str, int]]] = []
    for nodes in (10, 1000, 10_000):
        gce.made.record.counts.clear()
        assert said(gce, spec_of(gce, "p", nodes)) == []
        counted.append(Counter(gce.made.record.counts))
    assert counted[0] == counted[1] == counted[2]
    assert counted[0].total() < 30


def test_the_names_that_are_checked_are_those_that_the_stack_declares(gce: Gce) -> None:
    plan = plan_of(spec_of(gce, "p", 2001))
    settings = Settings("p", R, endpoint=gce.endpoint)
    with Client(settings) as ours:
        place = located(ours, plan)
    collections = {kind.token: kind.collection for rank in RANKS for kind in rank}
    names = {(collections[token], inputs["name"]) for token, inputs in declared(plan, place)}
    others = {name for name in names if name[0] == "instanceTemplates"}
    assert names - others == {
        *network_names(plan, place), ("instances", "q-controller"),
        ("instanceGroupManagers", "q-worker"), ("instanceGroupManagers", "q-worker-s2"),
    }  # fmt: skip
    assert len(others) == 1, "made anew for what is in it: nobody else's can have its name"


def test_all_findings_are_told_together(gce: Gce) -> None:
    gce.turn(quota={R: {"INSTANCES": 3}, "global": {"FIREWALLS": 1}})
    cloud = {"image": "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts",
             "controller_type": "e2-standrad-4", "disk_type": "pd-balancd"}  # fmt: skip
    group = {"machine_types": ["n2-standart-2"], "disk_type": "pd-ssd", "disk_gb": 10}
    assert said(gce, spec_of(gce, "p", 4, cloud, group)) == [
        "cloud.controller_type: there is no machine type e2-standrad-4 in us-central1;"
        " did you mean e2-standard-4?",
        "groups.worker.machine_types: there is no machine type n2-standart-2 in us-central1;"
        " did you mean n2-standard-2?",
        "cloud.disk_type: there is no disk type pd-balancd in us-central1; did you mean pd-balanced?",
        "cloud.image: ubuntu-os-cloud has no image family/ubuntu-2404-lts;"
        " did you mean projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64?",
        f"quota INSTANCES in us-central1: limit 3, used 0, needed 5: not even one node fits;"
        f" ask for more at {CONSOLE}",
        f"quota FIREWALLS in all regions: limit 1, used 0, needed 2: not even one node fits;"
        f" ask for more at {CONSOLE}",
    ]


def test_a_processor_that_no_name_tells_is_compared_as_google_shows_it(gce: Gce) -> None:
    image = "projects/rocky-linux-cloud/global/images/family/rocky-linux-9"
    zones = ["us-central1-a", "us-central1-b"]
    cloud = {"image": image, "controller_type": "t2a-standard-1", "zones": zones}
    found = said(gce, spec_of(gce, "p", 1, cloud, {"machine_types": ["t2a-standard-1"]}))
    (line,) = [line.partition(";")[0] for line in found if "ARM64" in line]
    its = "the image rocky-linux-9-v20261110 is for X86_64"
    assert line == f"cloud.controller_type: t2a-standard-1 is ARM64, and {its}"
    assert said(gce, spec_of(gce, "p", 1, {"image": image})) == []


def test_an_unknown_region_and_zones(gce: Gce) -> None:
    (region,) = said(gce, spec_of(gce, "p", 1, {"region": "us-centrall1"}))
    assert region == "cloud.region: there is no region us-centrall1; did you mean us-central1?"
    zones = said(gce, spec_of(gce, "p", 1, {"zones": ["us-central1-a", "us-central1-z"]}))
    assert zones == [
        "cloud.zones: us-central1-z is not there or not up; choose among"
        " us-central1-a, us-central1-b, us-central1-c, us-central1-f"
    ]


def test_a_machine_type_that_some_zones_lack(gce: Gce) -> None:
    gone = {"method": "machineTypes.get", "status": 404, "reason": "notFound", "times": 1}
    gce.turn(faults=[gone])
    zones = ["us-central1-a", "us-central1-b"]
    (only,) = said(gce, spec_of(gce, "p", 1, {"zones": zones, "controller_type": "e2-standard-2"}))
    assert "cloud.controller_type: the machine type e2-standard-2 is not in us-central1-" in only
    assert only.endswith(("cloud.zones: [us-central1-a]", "cloud.zones: [us-central1-b]"))


def test_which_zones_have_a_machine_type_is_one_list(gce: Gce) -> None:
    zones = [f"{R}-a", f"{R}-z"]
    with Client(Settings("p", R, endpoint=gce.endpoint)) as client:
        assert offering(client, ["e2-standard-2", "n2-standard-8"], zones, ignore) == [f"{R}-a"]
    assert gce.made.record.counts["compute.machineTypes.aggregatedList", 200] == 1


def test_disks_too_small_or_too_large(gce: Gce) -> None:
    rocky = {
        "image": "projects/rocky-linux-cloud/global/images/family/rocky-linux-9",
        "disk_gb": 10,
    }
    group = {"machine_types": ["n2-standard-2"], "disk_type": "pd-extreme", "disk_gb": 100}
    found = said(gce, spec_of(gce, "p", 1, rocky, group))
    assert len(found) == 2
    assert "needs a disk of 20 GiB, not 10; set cloud.disk_gb: 20 or more" in found[0]
    assert (
        "groups.worker.disk_gb: a disk of type pd-extreme has 500 to 65536 GiB, not 100" in found[1]
    )


def test_debians_image_is_warned_of(gce: Gce) -> None:
    told: list[Event] = []
    debian = {"image": "projects/debian-cloud/global/images/family/debian-13"}
    assert said(gce, spec_of(gce, "p", 1, debian), told=told) == []
    (warned,) = told
    assert isinstance(warned, Warned) and "carry no cloud-init" in warned.text


def test_names_of_others_are_never_touched(gce: Gce) -> None:
    assert comes_up(gce, spec_of(gce, "p", 2), owner="other") == ""
    before = creates(gce)
    found = said(gce, spec_of(gce, "p", 2))
    assert creates(gce) == before
    nouns = ["network q", "subnetwork q", "firewall rule q-ssh", "firewall rule q-inside",
             "address q-controller", "router q",
             "VM q-controller", "instance group q-worker"]  # fmt: skip
    assert found == [
        f"{noun}: it exists already and is of the cluster other; give the cluster another --name,"
        " or remove what has the name"
        for noun in nouns
    ]


def test_nobodys_network_is_somebody_elses(gce: Gce) -> None:
    body = compute_v1.Network(name="q", auto_create_subnetworks=False)
    client = google(compute_v1.NetworksClient, gce.endpoint)
    client.insert(project="p", network_resource=body).result()
    (taken,) = said(gce, spec_of(gce, "p", 2))
    assert taken.startswith("network q: it exists already and is not of this cluster; ")


def test_a_cluster_whose_name_begins_alike_is_in_nobodys_way(gce: Gce) -> None:
    spec = spec_of(gce, "p", 2)
    assert comes_up(gce, spec.model_copy(update={"name": "q-worker"})) == ""
    assert said(gce, spec) == []


def test_ones_own_are_adopted_and_need_nothing(gce: Gce) -> None:
    """Growing needs the difference; the second time nothing is needed."""
    assert comes_up(gce, spec_of(gce, "p", 4)) == ""
    gce.turn(quota={R: {"INSTANCES": 7, "REGIONAL_INSTANCE_GROUP_MANAGERS": 1, "STATIC_ADDRESSES": 1},
                    "global": {"NETWORKS": 1, "ROUTERS": 1, "INSTANCE_TEMPLATES": 1}})  # fmt: skip
    assert said(gce, spec_of(gce, "p", 6), there=4) == []
    (short,) = said(gce, spec_of(gce, "p", 8), there=4)
    assert "limit 7, used 5, needed 4: 6 nodes fit; give --nodes 6 or --shrink-to-fit" in short


def test_machines_that_run_keep_their_subnetwork(gce: Gce) -> None:
    assert comes_up(gce, spec_of(gce, "p", 2, {"subnet": "10.1.0.0/20"})) == ""
    (kept,) = said(gce, spec_of(gce, "p", 4, {"subnet": "10.2.0.0/20"}), there=2)
    assert kept.startswith(
        "cloud.subnet: the cluster's machines stand in 10.1.0.0/20, and 10.2.0.0/20"
    )


def test_a_subnetwork_holds_all_but_five(gce: Gce) -> None:
    """GCE keeps four addresses, and the controller has one."""
    assert comes_up(gce, spec_of(gce, "p", 11, {"subnet": "10.1.0.0/28"})) == ""
    with pytest.raises(SpecError, match=r"10\.1\.0\.0/28 has 16 addresses and 17 are needed"):
        plan_of(spec_of(gce, "p", 12, {"subnet": "10.1.0.0/28"}))


def test_of_several_groups_the_last_shrinks(gce: Gce) -> None:
    gce.turn(quota={R: {"INSTANCES": 8}})
    spec = spec_of(gce, "p", 3)
    groups = {
        "worker": spec.groups["worker"],
        "big": spec.groups["worker"].model_copy(update={"nodes": 9}),
    }
    (short,) = said(gce, spec.model_copy(update={"groups": groups}))
    assert "needed 13: 7 nodes fit in all, 4 of them in big; give --nodes big=4 or" in short


def test_a_family_without_a_metric_is_unknown_and_told(gce: Gce) -> None:
    told: list[Event] = []
    assert (
        said(
            gce,
            spec_of(
                gce,
                "p",
                2,
                None,
                {"machine_types": ["c4-standard-2"], "disk_type": "hyperdisk-balanced"},
            ),
            told=told,
        )
        == []
    )
    (warned,) = told
    assert isinstance(warned, Warned)
    assert warned.text == (
        f"the limit of CPUS_PER_VM_FAMILY (c4) is not known here: see the Cloud Quotas page, {CONSOLE}"
    )


def test_spot_without_a_pool_of_its_own_counts_like_the_others(gce: Gce) -> None:
    gce.turn(quota={R: {"CPUS": 9}})
    (short,) = said(gce, spec_of(gce, "p", 3, None, {"spot": True}))
    assert "quota CPUS in us-central1: limit 9, used 0, needed 10: 2 nodes fit" in short


def test_each_family_of_a_flexible_group_must_hold_all(gce: Gce) -> None:
    gce.turn(quota={R: {"N2_CPUS": 100, "N2D_CPUS": 11}})
    flexible = {"machine_types": ["n2-standard-2", "n2d-standard-4", "n2-standard-8"]}
    (short,) = said(gce, spec_of(gce, "p", 4, None, flexible))
    assert "quota N2D_CPUS in us-central1: limit 11, used 0, needed 16: 2 nodes fit" in short


@pytest.mark.parametrize(
    "method", ["regions.get", "projects.get", "networks.get", "images.getFromFamily"]
)
def test_a_missing_permission_is_named(gce: Gce, method: str) -> None:
    gce.turn(denied=[method])
    (denied,) = said(gce, spec_of(gce, "p", 2))
    assert denied.startswith("permissions: GCE did not let you ")
    assert f"(the permission compute.{method} is missing on projects/" in denied
    assert "ask the project's owner for a role with it (roles/compute.admin)" in denied


def test_several_missing_permissions_are_told_at_once(gce: Gce) -> None:
    gce.turn(denied=["machineTypes.get", "regionInstanceGroupManagers.*"])
    found = said(gce, spec_of(gce, "p", 2, {"zones": ["us-central1-a"]}))
    assert len(found) == 3, "two types, and the groups"
    assert "compute.instanceGroupManagers.list" in found[-1]


def test_a_disabled_api(gce: Gce) -> None:
    """Google's own sentence, recorded in fog/fog#3996."""
    message = (
        "Access Not Configured. Compute Engine API has not been used in project 42 before or it is"
        " disabled. Enable it by visiting https://console.developers.google.com/apis/api/"
        "compute_component/overview?project=42 then retry."
    )
    gce.turn(faults=[{"method": "*", "status": 403, "reason": "accessNotConfigured",
                      "message": message}])  # fmt: skip
    (disabled,) = said(gce, spec_of(gce, "p", 2))
    assert disabled.startswith("cloud.project: GCE could not read the region us-central1")
    assert "gcloud services enable compute.googleapis.com" in disabled


def test_a_wrong_project(start: Start) -> None:
    gce = start(projects=("mine",))
    (wrong,) = said(gce, spec_of(gce, "yours", 2))
    assert "The resource 'projects/yours' was not found" in wrong
    assert "'gcloud projects list' shows those you may use" in wrong


def test_credentials_that_are_none_or_expired(
    gce: Gce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", f"{key}")
    key.write_text("{}")
    (none,) = said(gce, spec_of(gce, "p", 2))
    assert none.startswith("credentials: there are no credentials to sign in with (")
    gce.turn(faults=[{"method": "*", "status": 401, "reason": "authError",
                      "message": "Invalid Credentials"}])  # fmt: skip
    key.write_text(key_file("p", gce.endpoint))
    (expired,) = said(gce, spec_of(gce, "p", 2))
    assert expired.startswith(
        "credentials: Google did not accept the credentials to read the region"
    )
    assert "run 'gcloud auth application-default login'" in expired


def test_what_the_table_cannot_be_made_of_refuses(gce: Gce) -> None:
    spec = spec_of(gce, "p", 2, {"machines": "e2-standrad-2"})
    cloud = GceCloud(spec.cloud)  # type: ignore[arg-type]  # a spec of GCE
    plan = plan_of(spec)
    with pytest.raises(RefusedError, match="did you mean e2-standard-2"):
        cloud.headroom(plan, list(plan.machines))
    gce.turn(denied=["projects.get"])
    with pytest.raises(RefusedError, match=r"compute\.projects\.get"):
        cloud.headroom(plan, list(plan.machines))


def test_nat_reserves_an_address_for_1008_machines(gce: Gce) -> None:
    """The emulator has no NAT, so only the refusal is seen here."""
    gce.turn(quota={R: {"STATIC_ADDRESSES": 1}})
    (short,) = said(gce, spec_of(gce, "p", 1009))
    assert (
        "quota STATIC_ADDRESSES in us-central1: limit 1, used 0, needed 2: 1008 nodes fit" in short
    )
    assert said(gce, spec_of(gce, "p", 1009, {"egress": "none"})) == []
    assert said(gce, spec_of(gce, "p", 1008)) == []


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ({"denied": ["instances.aggregatedList"]}, "compute.instances.list is missing on projects/p"),
        ({"denied": ["*.get"]}, "compute.regions.get is missing on projects/p"),
        ({"faults": [{"method": "*", "status": 401, "reason": "authError"}]}, "no credentials to"),
        ({"faults": [{"method": "*", "status": 403, "reason": "accessNotConfigured"}]}, "not enabled"),
        ({"faults": [{"method": "*", "status": 404, "reason": "notFound",
                      "message": "The resource 'projects/p' was not found"}]}, "project's ID"),
        ({"quota": {R: {"CPUS": 5}}}, "quota CPUS in us-central1"),
    ],
)  # fmt: skip
def test_up_is_refused_with_nothing_created(gce: Gce, trouble: Any, words: str) -> None:
    gce.turn(**trouble)
    with pytest.raises(RefusedError, match=words) as caught:
        up(spec_of(gce, "p", 2), ignore)
    assert caught.value.exit_code == 4
    assert creates(gce) == 0 and not Workspace("q").folder.exists()
