"""Kinds of resources: what is asked for is what is seen in Google's own message of it, so that a
second `up` and `refresh` find nothing to change; and whose a resource is."""

from typing import Any

import pytest
from google.cloud import compute_v1 as c

from provision.clouds.gce.resources import (
    RANKS,
    Controller,
    Firewall,
    Group,
    Network,
    Router,
    Subnetwork,
    Template,
)
from provision.clouds.gce.resources.instances import scheduling
from provision.clouds.gce.resources.kind import as_text, from_text, last, short

MAKE: Any = Controller
"""Without a client, as nothing is called."""
HOST = "https://www.googleapis.com/compute/v1/"
COMMON = {"project": "p", "region": "r1", "name": "n", "marks": {"provision-cluster": "d"}}
NET = "projects/p/global/networks/n"
TEMPLATE = "projects/p/global/instanceTemplates/n-1"
GROUP = {"template": TEMPLATE, "zones": ["r1-a"]}
HARDWARE = {
    "image": "projects/i/global/images/family/u", "machine_type": "e2-small", "disk_gb": 10,
    "disk_type": "pd-balanced", "spot": False, "seconds": 0, "labels": {"a": "b"}, "tags": ["t"],
    "user_data": "#!/bin/sh\n", "subnetwork": "projects/p/regions/r1/subnetworks/n",
}  # fmt: skip
CASES: list[tuple[Any, type[Any], dict[str, Any]]] = [
    (Network, c.Network, {}),
    (Subnetwork, c.Subnetwork, {"network": NET, "range": "10.0.0.0/20"}),
    (Firewall, c.Firewall, {"network": NET, "sources": ["10.0.0.1/32"], "targets": ["t"], "ports": ["22"]}),
    (Firewall, c.Firewall, {"network": NET, "sources": ["10.0.0.0/20"], "targets": [], "ports": []}),
    (Router, c.Router, {"network": NET}),
    (Template, c.InstanceTemplate, HARDWARE),
    (Group, c.InstanceGroupManager, {**GROUP, "size": 1000, "machine_types": ["a"]}),
    (Group, c.InstanceGroupManager, {**GROUP, "size": 0, "machine_types": ["a", "b"]}),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message", "given"), CASES, ids=lambda case: str(case)[:60])
def test_what_was_asked_for_is_what_is_seen(
    make: Any, message: type[Any], given: dict[str, Any]
) -> None:
    kind, inputs = make(None), {**COMMON, **given}
    shown = message(kind.body(inputs))  # an unknown field or a wrong type raises here
    for field in ("network", "instance_template"):
        if value := getattr(shown, field, ""):
            setattr(shown, field, HOST + value)  # Google answers full links
    seen = kind.seen(shown)
    assert seen == {key: inputs[key] for key in seen}
    assert kind.marks(shown)["provision-cluster"] == "d"


def test_a_controller_is_seen_where_it_stands() -> None:
    kind = MAKE(None)
    inputs = {**COMMON, **HARDWARE, "zones": ["r1-a"], "address": "10.0.0.2"}
    shown = c.Instance(kind.body(inputs))
    shown.zone, shown.machine_type = (
        HOST + "projects/p/zones/r1-a",
        HOST + "x/machineTypes/e2-small",
    )
    shown.network_interfaces[0].access_configs[0].nat_i_p = "34.1.1.1"
    seen = kind.seen(shown)
    assert (seen.pop("zone"), seen.pop("external")) == ("r1-a", "34.1.1.1")
    assert seen == {key: inputs[key] for key in seen}


@pytest.mark.parametrize("kind", [kind for rank in RANKS for kind in rank])
def test_an_ident_names_what_it_was_made_of(kind: Any) -> None:
    if kind is Controller:
        ident = MAKE(None).ident({"project": "p", "zone": "r1-a", "name": "n"})
        assert MAKE(None).at(ident) == {"project": "p", "zone": "r1-a", "instance": "n"}
        return
    at = kind(None).at(kind(None).ident(COMMON))
    assert at.pop("project") == "p" and at.pop(kind.argument) == "n"
    assert at == ({"region": "r1"} if kind.regional else {})


@pytest.mark.parametrize(
    ("spot", "seconds", "expected"),
    [
        (False, 0, {"provisioning_model": "STANDARD"}),
        (False, 60, {"provisioning_model": "STANDARD", "instance_termination_action": "DELETE",
                     "max_run_duration": {"seconds": 60}}),
        (True, 0, {"provisioning_model": "SPOT", "instance_termination_action": "DELETE",
                   "automatic_restart": False, "on_host_maintenance": "TERMINATE"}),
    ],
)  # fmt: skip
def test_how_a_vm_ends(spot: bool, seconds: int, expected: dict[str, Any]) -> None:
    assert scheduling(spot, seconds) == expected
    c.Scheduling(expected)


@pytest.mark.parametrize("make", [Template, Controller])
def test_vms_that_cannot_migrate_say_so_and_others_leave_it_to_google(make: Any) -> None:
    for given, expected in (({}, ""), ({"maintenance": "TERMINATE"}, "TERMINATE")):
        body = make(None).body({**COMMON, **HARDWARE, "address": "10.0.0.2", **given})
        asked = body.get("properties", body)["scheduling"]
        assert asked.get("on_host_maintenance", "") == expected and "automatic_restart" not in asked


def test_labels_survive_being_a_description() -> None:
    marks = {"provision-cluster": "d", "provision-run": "", "a": "b"}
    assert from_text(as_text(marks)) == marks
    assert from_text("somebody's own words") == {}


def test_links() -> None:
    assert short(HOST + NET) == short(NET) == NET and last(NET) == "n"
    assert short("n") == last("n") == "n"
