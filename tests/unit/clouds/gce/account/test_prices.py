"""What plans cost: known list prices add up, and what is not known is said to be."""

from pathlib import Path
from typing import Any

import pytest

from provision.clouds.gce.account.prices import cost_of, disk_hour, machine_hour, region_of, table
from provision.plan import plan_of
from provision.spec.clouds import GceCloud
from provision.spec.models import Spec

R = "us-central1"


def cost(nodes: int = 10, region: str = R, cloud: Any = None, **group: Any) -> Any:
    spec = {
        "cloud": {"kind": "gce", **(cloud or {})},
        "groups": {"worker": {"nodes": nodes, **group}},
    }
    return cost_of(plan_of(Spec.model_validate(spec)), region)


@pytest.mark.parametrize(
    ("kind", "hour"),
    [("e2-standard-2", 0.06701), ("e2-micro", 0.00838), ("e2-medium", 0.03351), ("n1-standard-1", 0.0475),
     ("n2-standard-32", 1.5539), ("n2d-highcpu-4", 0.124752), ("c2-standard-8", 0.417616),
     ("c2-standard-60", 3.13212), ("c2d-standard-4", 0.181596), ("c2d-standard-56", 2.542344),
     ("c3-highcpu-22", 0.935572), ("c3-standard-4", 0.201608)],
)  # fmt: skip
def test_prices_that_google_has_published(kind: str, hour: float) -> None:
    """From its catalog, for whole machines; the table has their parts."""
    assert machine_hour(kind) == pytest.approx(hour, abs=5e-5)


@pytest.mark.parametrize(
    "kind",
    ["c4-standard-2", "a2-highgpu-1g", "c3-standard-4-lssd", "n2-custom-4-8192", "custom-4-8192",
     "f1-micro", "m1-ultramem-40", "nonsense"],
)  # fmt: skip
def test_other_types_have_no_price(kind: str) -> None:
    assert machine_hour(kind) is None


def test_a_plan_costs_machines_and_disks() -> None:
    found = cost()
    machines = 0.134012 + 10 * 0.067006
    assert found.hourly == pytest.approx(machines + 11 * 20 * 0.1 / 730, abs=1e-4)
    assert found.machines == {"e2-standard-4": 1, "e2-standard-2": 10}
    assert found.text == (
        "about $0.83 an hour (list prices of us-central1, 2025-03-06; without network traffic)"
    )


def test_a_thousand_nodes() -> None:
    assert cost(1000).text.startswith("about $69.89 an hour (")


def test_several_machine_types_are_priced_by_the_first() -> None:
    found = cost(machine_types=["n2-standard-2", "n2d-standard-2"])
    assert found.machines == {"e2-standard-4": 1, "n2-standard-2": 10}
    assert "with each group's first machine type" in found.text


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"region": "europe-west4"}, "only prices of us-central1 are known, not of europe-west4"),
     ({"region": ""}, "no region is named"),
     ({"spot": True}, "prices of spot machines change from day to day"),
     ({"machine_types": ["h3-standard-88"]}, "there is no price of h3-standard-88 here"),
     ({"machine_types": ["n2-standard-2"], "disk_type": "pd-extreme"},
      "there is no price of pd-extreme here")],
)  # fmt: skip
def test_the_rest_is_unknown(changes: dict[str, Any], why: str) -> None:
    found = cost(**changes)
    assert (found.hourly, found.text) == (None, f"unknown ({why})")


def test_disks() -> None:
    assert disk_hour("pd-balanced", 730) == pytest.approx(0.1 * 730 / 730)
    assert disk_hour("pd-extreme", 500) is None


def test_the_table_says_where_and_when_its_prices_are_from() -> None:
    prices = table()
    assert (
        prices["region"] == R and prices["date"].count("-") == 2 and "Catalog" in prices["source"]
    )


def test_the_region_is_the_specs_or_the_surroundings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", f"{tmp_path}")
    assert region_of(GceCloud(region="us-west1"), {}) == "us-west1"
    assert region_of(GceCloud(), {"GOOGLE_CLOUD_REGION": R}) == R
    assert region_of(GceCloud(), {}) == ""
    assert region_of(GceCloud(zones=("us-east1-b",)), {}) == "us-east1"
