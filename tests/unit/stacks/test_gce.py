"""The program of a cluster on GCE, without Pulumi: what it declares is a pure function of the plan."""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from provision.assets import program_of
from provision.cloud import Launch
from provision.clouds.gce.place import Place
from provision.clouds.gce.resources import kinds
from provision.labels import CLUSTER
from provision.plan import Plan, plan_of
from provision.spec.models import Spec
from tests.documents import ROOT


@dataclasses.dataclass(frozen=True)
class Made:
    """One declaration, in the place of Pulumi's."""

    token: str
    name: str
    inputs: dict[str, Any]
    outputs: tuple[str, ...]
    secret: tuple[str, ...]
    needs: tuple[str, ...]

    def __getitem__(self, name: str) -> str:
        assert name in self.outputs
        return f"<{name} of {self.name}>"


def plan(groups: Any, **changes: Any) -> Plan:
    cloud = {"kind": "gce", "project": "p", "region": "us-east1", **changes.pop("cloud", {})}
    return plan_of(Spec.model_validate({"name": "d", "cloud": cloud, "groups": groups, **changes}))


def run(made: Plan, text: str = "#cloud-config\n") -> tuple[dict[str, Made], dict[str, Any]]:
    """What is declared, by the last word of its token and its name; and what is exported."""
    declared: dict[str, Made] = {}
    exported: dict[str, Any] = {}

    def declare(
        token: str, name: str, inputs: Mapping[str, Any], outputs: Sequence[str] = (),
        secret: Sequence[str] = (), depends_on: Sequence[Made] = (),
    ) -> Made:  # fmt: skip
        key = f"{token.rpartition(':')[2]} {name}"
        assert key not in declared, "Pulumi wants names to be unique"
        needs = tuple(f"{each.token.rpartition(':')[2]} {each.name}" for each in depends_on)
        declared[key] = Made(token, name, dict(inputs), tuple(outputs), tuple(secret), needs)
        return declared[key]

    class Exports:
        export = staticmethod(exported.__setitem__)

    program: Any = program_of("gce")
    program.__globals__.update(declare=declare, pulumi=Exports)
    texts = {name: text for name in ("controller", *(group.name for group in made.groups))}
    launch = Launch(made, texts, {"provision-run": "r"})
    program(launch, Place(made.cloud, "p", "r1", ("r1-a", "r1-b"), "10.9.9.9/32"))  # type: ignore[arg-type]  # GCE's
    return declared, exported


@pytest.mark.parametrize(("nodes", "groups"), [(1, 1), (2000, 1), (2001, 2), (10_000, 5)])
def test_what_is_declared_grows_by_a_group_for_each_2_000_nodes(nodes: int, groups: int) -> None:
    declared, exported = run(plan({"worker": {"nodes": nodes}}))
    found = [made for key, made in declared.items() if key.startswith("Group ")]
    assert len(found) == groups and len(declared) == 8 + groups
    assert sum(made.inputs["size"] for made in found) == nodes == exported["nodes"]
    assert {tuple(made.inputs["zones"]) for made in found} == {("r1-a", "r1-b")}
    (template,) = (made for key, made in declared.items() if key.startswith("Template "))
    assert {made.inputs["template"].rpartition("/")[2] for made in found} == {
        template.inputs["name"]
    }


def test_the_page_says_what_is_created_and_with_how_many_calls() -> None:
    declared, _ = run(plan({"worker": {"nodes": 1000}}))
    text = (ROOT / "docs" / "gce.md").read_text(encoding="utf-8")
    section = text.partition("\n## What is created\n")[2].partition("\n## ")[0]
    assert sum(map(int, re.findall(r"^\|.*\| (\d+) \|", section, re.M))) == len(declared) == 9
    assert "That is nine creating calls for 1,000 nodes, and for 2." in section


def test_all_of_it_is_ours_and_secrets_are_named() -> None:
    declared, _ = run(plan({"a": {"nodes": 1}, "b": {"nodes": 2}}))
    for made in declared.values():
        assert made.inputs["marks"][CLUSTER] == "d" and made.inputs["project"] == "p"
        assert ("user_data" in made.inputs) == (made.secret == ("user_data",))


def test_every_kind_is_one_that_the_provider_serves_and_has_its_inputs() -> None:
    declared, _ = run(plan({"worker": {"nodes": 2}}))
    served = {kind.token: kind for kind in kinds(None)}  # type: ignore[arg-type]  # nothing is called
    for made in declared.values():
        kind = served[made.token]
        assert set(made.outputs) == set(kind.outputs)
        assert kind.body(made.inputs)["name"] == made.inputs["name"]


def test_a_template_is_named_by_its_content() -> None:
    def name(made: Plan, text: str = "a") -> str:
        (found,) = (m for key, m in run(made, text)[0].items() if key.startswith("Template "))
        return str(found.inputs["name"])

    base = name(plan({"worker": {"nodes": 2}}))
    assert name(plan({"worker": {"nodes": 900}})) == base, "another size is no other template"
    others = [
        name(plan({"worker": {"nodes": 2}}), "b"),
        name(plan({"worker": {"nodes": 2, "spot": True}})),
        name(plan({"worker": {"nodes": 2, "disk_gb": 30}})),
        name(plan({"worker": {"nodes": 2}}, ttl="1h")),
    ]
    assert len({base, *others}) == 5


def test_only_the_controller_is_reached_from_outside_and_from_one_address() -> None:
    declared, _ = run(plan({"worker": {"nodes": 2}}, cloud={"egress": "none"}))
    assert not any(key.startswith("Router ") for key in declared)
    rules = [made.inputs for key, made in declared.items() if key.startswith("Firewall ")]
    outside = [rule for rule in rules if rule["sources"] != [plan({"w": {"nodes": 2}}).subnet]]
    assert [(rule["sources"], rule["targets"], rule["ports"]) for rule in outside] == [
        (["10.9.9.9/32"], ["d-controller"], ["22"])
    ]
    assert json.dumps(declared["Template d-worker"].inputs).count("external") == 0


def test_the_order_of_creation() -> None:
    declared, _ = run(plan({"worker": {"nodes": 2}}))
    rules, address = {"Firewall d-ssh", "Firewall d-inside"}, "Address d-controller"
    assert declared["Subnetwork d"].needs == ("Network d",)
    assert declared[address].needs == ("Subnetwork d",)
    assert set(declared["Controller d-controller"].needs) == {address, *rules}
    assert declared["Template d-worker"].needs == ("Subnetwork d",)


def test_no_worker_is_made_before_the_controllers_address_is_reserved_and_its_ways_are_open() -> (
    None
):
    """A group takes the first free addresses; its machines install by the NAT and call the controller."""
    ways = {"Firewall d-ssh", "Firewall d-inside", "Address d-controller", "Template d-worker"}
    declared, _ = run(plan({"worker": {"nodes": 2}}))
    assert set(declared["Group d-worker"].needs) == {*ways, "Router d"}
    declared, _ = run(plan({"worker": {"nodes": 2}}, cloud={"egress": "none"}))
    assert set(declared["Group d-worker"].needs) == ways
    address = declared["Address d-controller"].inputs["address"]
    assert address == declared["Controller d-controller"].inputs["address"] != ""


def test_own_labels_stay_below_ours() -> None:
    cloud = {"labels": {"team": "lab"}}
    declared, _ = run(plan({"worker": {"nodes": 2}}, cloud=cloud))
    labels = declared["Template d-worker"].inputs["labels"]
    assert labels["team"] == "lab" and labels[CLUSTER] == "d" and labels["provision-run"] == "r"


def test_only_what_cannot_live_migrate_asks_to_be_stopped_for_maintenance() -> None:
    groups = {
        "gpu": {"nodes": 1, "machine_types": ["c3-standard-4", "a3-highgpu-8g"]},
        "cpu": {"nodes": 1, "machine_types": ["c3-standard-4"]},
    }
    metal = {"controller_type": "c3-standard-192-metal", "disk_type": "hyperdisk-balanced"}
    declared, _ = run(plan(groups, cloud=metal))
    asked = {key: made.inputs.get("maintenance") for key, made in declared.items()}
    assert {key for key, value in asked.items() if value == "TERMINATE"} == {
        "Template d-gpu", "Controller d-controller",
    }  # fmt: skip
    assert "maintenance" not in declared["Template d-cpu"].inputs
