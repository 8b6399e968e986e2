"""What plans take of each quota, and how much fits."""

from typing import Any

import pytest

from provision.cloud import Limit
from provision.clouds.gce.account import limits
from provision.clouds.gce.account.needs import (
    GLOBAL,
    SPOT,
    Demand,
    Hardware,
    cpu_metric,
    disk_metric,
)
from provision.clouds.gce.account.survey import Survey
from provision.clouds.gce.place import Place
from provision.names import ENDLESS
from provision.plan import Plan, plan_of
from provision.quota import Amount, fitting, shortages, sizes_of
from provision.spec.models import Spec

R = "us-central1"
VCPUS = {"e2-standard-2": 2, "e2-standard-4": 4, "n2-standard-8": 8, "n2d-standard-4": 4,
         "n2-standard-2": 2, "c4-standard-2": 2}  # fmt: skip


def plan(groups: Any, **cloud: Any) -> Plan:
    where = {"kind": "gce", "project": "p", "region": R}
    return plan_of(
        Spec.model_validate({"name": "d", "cloud": {**where, **cloud}, "groups": groups})
    )


def demand(made: Plan, there: int = -1, owned: Any = (), spot_pool: bool = False) -> Demand:
    """``there`` workers of the first group and the controller run; -1 is nothing at all."""
    place = Place(made.cloud, "p", R, (f"{R}-a",), "10.0.0.1/32")  # type: ignore[arg-type]  # it is GCE's
    missing = list(made.machines)[there + 1 :]
    return Demand(made, place, Hardware(VCPUS, spot_pool), missing, owned)


def needs(wanted: Demand) -> dict[str, float]:
    """By metric alone, what is needed at all."""
    return {metric: need for (_, metric), need in wanted.at(sizes_of(wanted.plan)).items() if need}


NETWORK = {"NETWORKS": 1, "SUBNETWORKS": 1, "FIREWALLS": 2, "ROUTERS": 1, "STATIC_ADDRESSES": 1,
           "INTERNAL_ADDRESSES": 1}  # fmt: skip
GROUP = {"REGIONAL_INSTANCE_GROUP_MANAGERS": 1, "INSTANCE_GROUPS": 1, "INSTANCE_TEMPLATES": 1}


def test_a_cluster_with_its_controller() -> None:
    assert needs(demand(plan({"worker": {"nodes": 10}}))) == {
        "CPUS": 24, "CPUS_ALL_REGIONS": 24, "INSTANCES": 11, "INSTANCES_PER_NETWORK_GLOBAL": 11,
        "SSD_TOTAL_GB": 220, "IN_USE_ADDRESSES": 1, **GROUP, **NETWORK,
    }  # fmt: skip


def test_families_disks_and_groups_add_up() -> None:
    groups = {
        "a": {
            "nodes": 3,
            "machine_types": ["n2-standard-8"],
            "disk_type": "pd-standard",
            "disk_gb": 50,
        },
        "b": {"nodes": 5, "machine_types": ["n2-standard-2"]},
    }
    found = needs(demand(plan(groups, egress="none")))
    assert (found["CPUS"], found["N2_CPUS"], found["CPUS_ALL_REGIONS"]) == (4, 34, 38)
    assert (found["DISKS_TOTAL_GB"], found["SSD_TOTAL_GB"]) == (150, 120)
    assert (found["REGIONAL_INSTANCE_GROUP_MANAGERS"], found["INSTANCE_TEMPLATES"]) == (2, 2)
    assert "ROUTERS" not in found and "STATIC_ADDRESSES" not in found


@pytest.mark.parametrize(("nodes", "groups"), [(2000, 1), (2001, 2), (4000, 2), (10_000, 5)])
def test_large_groups_are_several(nodes: int, groups: int) -> None:
    found = needs(demand(plan({"worker": {"nodes": nodes}})))
    assert found["REGIONAL_INSTANCE_GROUP_MANAGERS"] == found["INSTANCE_GROUPS"] == groups
    assert found["INSTANCE_TEMPLATES"] == 1, "all parts of a group are made of one"


def test_only_what_is_missing_counts() -> None:
    owned = [
        *((collection, "d") for collection in ("networks", "subnetworks", "routers")),
        *(("firewalls", name) for name in ("d-ssh", "d-inside")),
        ("addresses", "d-controller"),
        ("instanceGroupManagers", "d-worker"),
    ]
    grown = demand(plan({"worker": {"nodes": 10}}), there=6, owned=owned)
    assert needs(grown) == {
        "CPUS": 8, "CPUS_ALL_REGIONS": 8, "INSTANCES": 4, "INSTANCES_PER_NETWORK_GLOBAL": 4,
        "SSD_TOTAL_GB": 80,
    }  # fmt: skip
    assert needs(demand(plan({"worker": {"nodes": 10}}), there=10, owned=owned)) == {}


def test_a_gap_counts_where_it_is() -> None:
    made = plan({"worker": {"nodes": 6}})
    gone = [made.workers[1], made.workers[5]]
    wanted = Demand(made, demand(made).place, Hardware(VCPUS), gone)
    instances = [wanted.at({"worker": n})[R, "INSTANCES"] for n in (1, 2, 5, 6, 7)]
    assert instances == [0, 1, 1, 2, 3]


def test_spot_machines_draw_on_their_own_pool_where_there_is_one() -> None:
    spot = plan({"worker": {"nodes": 10, "spot": True}})
    assert needs(demand(spot))["CPUS"] == 24
    pooled = needs(demand(spot, spot_pool=True))
    assert (pooled["CPUS"], pooled["PREEMPTIBLE_CPUS"], pooled["CPUS_ALL_REGIONS"]) == (4, 20, 24)


@pytest.mark.parametrize(
    ("pool", "metric"),
    [(None, "CPUS"), (Amount(0, 0), "CPUS"), (Amount(50, 50), "PREEMPTIBLE_CPUS")],
    ids=["not listed", "a limit of 0", "all of it is used"],
)
def test_a_spot_pool_of_limit_0_is_none(pool: Amount | None, metric: str) -> None:
    spot = plan({"worker": {"nodes": 10, "spot": True}}, controller_type="n2-standard-2")
    quotas = {(R, SPOT): pool} if pool else {}
    seen = Survey(quotas, {}, {}, None, (), ())
    found = needs(limits.demand(spot, demand(spot).place, list(spot.machines), seen, VCPUS))
    assert {"CPUS", "PREEMPTIBLE_CPUS"} & set(found) == {metric} and found[metric] == 20


def test_each_family_of_several_types_must_hold_all() -> None:
    types = ["n2-standard-8", "n2d-standard-4", "n2-standard-2"]
    found = needs(demand(plan({"worker": {"nodes": 10, "machine_types": types}})))
    assert (found["N2_CPUS"], found["N2D_CPUS"], found["CPUS_ALL_REGIONS"]) == (80, 40, 84)


def test_a_type_that_does_not_exist_counts_for_nothing() -> None:
    found = needs(demand(plan({"worker": {"nodes": 10, "machine_types": ["n2-standart-8"]}})))
    assert (found["CPUS"], found["INSTANCES"]) == (4, 11)


@pytest.mark.parametrize(
    ("kind", "metric"),
    [("e2-standard-2", "CPUS"), ("e2-micro", "CPUS"), ("n1-standard-1", "CPUS"), ("f1-micro", "CPUS"),
     ("g1-small", "CPUS"), ("custom-4-8192", "CPUS"), ("n2-custom-4-8192", "N2_CPUS"),
     ("n2d-highcpu-4", "N2D_CPUS"), ("c2-standard-4", "C2_CPUS"), ("c2d-standard-2", "C2D_CPUS"),
     ("c3-standard-4", "C3_CPUS"), ("t2d-standard-1", "T2D_CPUS"), ("t2a-standard-1", "T2A_CPUS"),
     ("a2-highgpu-1g", "A2_CPUS"), ("m1-ultramem-40", "M1_CPUS"), ("m2-ultramem-208", "M2_CPUS"),
     ("m3-ultramem-32", "M3_CPUS"), ("c3d-standard-4", "CPUS_PER_VM_FAMILY (c3d)"),
     ("c4-standard-2", "CPUS_PER_VM_FAMILY (c4)"), ("n4-custom-2-4096", "CPUS_PER_VM_FAMILY (n4)"),
     ("h3-standard-88", "CPUS_PER_VM_FAMILY (h3)"), ("z3-highmem-88", "CPUS_PER_VM_FAMILY (z3)")],
)  # fmt: skip
def test_where_the_vcpus_of_a_type_count(kind: str, metric: str) -> None:
    assert cpu_metric(kind) == metric


def test_where_the_gb_of_a_disk_count() -> None:
    kinds = ("pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced", "hyperdisk-ml")
    assert [disk_metric(kind) for kind in kinds] == [
        "DISKS_TOTAL_GB", "SSD_TOTAL_GB", "SSD_TOTAL_GB", "HDB_TOTAL_GB", "hyperdisk-ml GB",
    ]  # fmt: skip


def row(wanted: Demand, metric: str, limit: float, used: float, where: str = R) -> Limit:
    rows = limits.limits(wanted, {(where, metric): Amount(limit, used)})
    (found,) = (each for each in rows if each.metric == metric)
    return found


@pytest.mark.parametrize(
    ("metric", "limit", "used", "largest"),
    [("CPUS", 100, 0, 48), ("CPUS", 100, 3, 46), ("CPUS", 5, 0, 0), ("INSTANCES", 2, 0, 1),
     ("INSTANCES", 1, 0, 0), ("SSD_TOTAL_GB", 220, 0, 10), ("IN_USE_ADDRESSES", 1, 0, ENDLESS),
     ("REGIONAL_INSTANCE_GROUP_MANAGERS", 3, 1, 4000), ("INSTANCES", 70_000, 0, ENDLESS),
     ("CPUS", 10, 20, 0)],
)  # fmt: skip
def test_the_largest_that_fits(metric: str, limit: float, used: float, largest: int) -> None:
    found = row(demand(plan({"worker": {"nodes": 12}})), metric, limit, used)
    assert found.largest == largest
    assert found.short == (largest < 12)


def test_the_last_group_shrinks() -> None:
    made = plan({"a": {"nodes": 5}, "b": {"nodes": 20}})
    found = row(demand(made), "INSTANCES", 16, 0)
    assert found.largest == 15 and fitting(made, [found]) == {"a": 5, "b": 10}
    none = row(demand(made), "INSTANCES", 6, 0)
    assert none.largest == 0 and fitting(made, [none]) is None


def test_what_is_not_listed_is_unknown() -> None:
    rows = limits.limits(demand(plan({"worker": {"nodes": 2}})), {})
    assert {(each.limit, each.used, each.left, each.largest, each.short) for each in rows} == {
        (None, None, None, None, False)
    }
    assert fitting(plan({"worker": {"nodes": 2}}), rows) == {"worker": 2}


def test_sentences_name_numbers_and_the_next_step() -> None:
    made = plan({"worker": {"nodes": 12}})
    wanted = demand(made)
    rows = limits.limits(
        wanted, {(R, "CPUS"): Amount(100, 90), (GLOBAL, "CPUS_ALL_REGIONS"): Amount(96, 90)}
    )
    page = "https://console.cloud.google.com/iam-admin/quotas?project=p"
    assert [str(each) for each in shortages(made, rows)] == [
        "quota CPUS in us-central1: limit 100, used 90, needed 28: 1 node fits; give --nodes 1 or"
        f" --shrink-to-fit, or ask for more at {page}",
        "quota CPUS_ALL_REGIONS in all regions: limit 96, used 90, needed 28: 1 node fits; give"
        f" --nodes 1 or --shrink-to-fit, or ask for more at {page}",
    ]


def test_what_fits_is_what_fits_all_metrics() -> None:
    made = plan({"worker": {"nodes": 12}})
    rows = limits.limits(demand(made), {(R, "CPUS"): Amount(20, 0), (R, "INSTANCES"): Amount(6, 0)})
    assert all(": 5 nodes fit; give --nodes 5 " in str(each) for each in shortages(made, rows))


def test_families_that_are_not_listed_are_told() -> None:
    disk = "hyperdisk-balanced"
    made = plan({"worker": {"nodes": 2, "machine_types": ["c4-standard-2"], "disk_type": disk}})
    said = limits.untold(limits.limits(demand(made), {}))
    assert said.startswith("the limit of CPUS_PER_VM_FAMILY (c4) is not known here: see the Cloud")
    assert limits.untold(limits.limits(demand(plan({"worker": {"nodes": 2}})), {})) == ""
