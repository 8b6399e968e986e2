"""What a plan costs by a toy's prices; what they do not tell is said to be unknown."""

from typing import Any

import pytest

from provision.cloud import Cost
from provision.costs import Hardware, cost_of
from provision.plan import plan_of
from provision.spec.models import Spec


class Toys:
    """A dollar a vCPU and an hour, a cent a GiB."""

    region, date = "attic", "2026-01-02"

    def machine_hour(self, kind: str) -> float | None:
        return float(kind.rpartition("-")[2]) if kind.startswith("e2-standard") else None

    def disk_hour(self, kind: str, gib: int) -> float | None:
        return 0.01 * gib if kind == "pd-balanced" else None


BIG = Hardware("e2-standard-8", "pd-balanced", 100)


def cost(region: str = "attic", controller: Hardware = BIG, **group: Any) -> Cost:
    groups = {"a": {"nodes": 10, "machine_types": ["e2-standard-2"], "disk_gb": 20, **group}}
    spec = {"name": "d", "cloud": {"kind": "gce", "region": "us-east1"}, "groups": groups}
    return cost_of(plan_of(Spec.model_validate(spec)), controller, Toys(), region)


def test_machines_and_disks_of_controller_and_groups_add_up() -> None:
    assert cost() == Cost(
        {"e2-standard-8": 1, "e2-standard-2": 10}, 31.0,
        "about $31.00 an hour (list prices of attic, 2026-01-02; without network traffic)",
    )  # fmt: skip


def test_a_type_that_both_have_is_counted_once() -> None:
    assert cost(controller=Hardware("e2-standard-2", "pd-balanced", 20)).machines == {
        "e2-standard-2": 11
    }


def test_of_several_types_the_first_is_priced_and_that_is_told() -> None:
    found = cost(machine_types=["e2-standard-2", "n2-standard-2"])
    assert found.hourly == 31.0 and found.text.endswith("; with each group's first machine type)")


@pytest.mark.parametrize(
    ("given", "why"),
    [({"region": ""}, "no region is named"),
     ({"region": "cellar"}, "only prices of attic are known, not of cellar"),
     ({"spot": True}, "prices of spot machines change from day to day"),
     ({"machine_types": ["n2-standard-2"]}, "there is no price of n2-standard-2 here"),
     ({"disk_type": "pd-ssd"}, "there is no price of pd-ssd here"),
     ({"controller": Hardware("x", "pd-ssd", 1)},
      "there is no price of x here; there is no price of pd-ssd here"),
     ({"machine_types": ["x-1"], "controller": Hardware("x-1", "pd-balanced", 1)},
      "there is no price of x-1 here")],
)  # fmt: skip
def test_one_price_that_is_missing_makes_all_unknown(given: dict[str, Any], why: str) -> None:
    found = cost(**given)
    assert (found.hourly, found.text) == (None, f"unknown ({why})")
