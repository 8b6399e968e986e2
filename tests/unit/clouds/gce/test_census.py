"""What a cluster has by its labels: found whole, and removed in an order in which it can go."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from google.cloud import compute_v1

from provision.clouds.gce import census
from provision.clouds.gce.api import (
    compute as compute,
)  # imported here: it looks around by a socket
from provision.events import ignore
from provision.labels import CLUSTER, EXPIRES, ROLE
from provision.sweep import sweep

RANKS = {
    "instance group": 0, "instance template": 1, "firewall rule": 1, "router": 1, "address": 2, "disk": 2,
    "subnetwork": 3, "network": 4,
}  # fmt: skip
"""What goes before what: a thing that is used goes after all that use it."""
LISTS = {
    "instance group": "regions/r1/instanceGroupManagers", "instance template": "global/instanceTemplates",
    "firewall rule": "global/firewalls", "router": "regions/r1/routers",
    "address": "regions/r1/addresses", "subnetwork": "regions/r1/subnetworks",
    "network": "global/networks", "VM": "aggregated/instances", "disk": "aggregated/disks",
}  # fmt: skip
HEADLESS = ("VM", "disk")


class Project:
    """Google's lists of a project: whatever is deleted is gone at once, a group with its VMs."""

    settings = SimpleNamespace(project="p", region="r1")
    scope = "regions/r1"

    def __init__(self, *clusters: str) -> None:
        self.rows = [row for cluster in clusters for row in self._rows(cluster)]
        self.gone: list[str] = []

    def _rows(self, cluster: str) -> Iterator[dict[str, Any]]:
        for noun in RANKS:
            if noun not in HEADLESS:
                description = f"{CLUSTER}={cluster}"
                yield {"noun": noun, "name": f"{cluster}-x", "description": description}
        for name, role in (("controller", "controller"), ("x-0001", "worker"), ("lost", "worker")):
            full, labels = f"{cluster}-{name}", {CLUSTER: cluster, ROLE: role}
            link = f"projects/p/zones/z/instances/{full}"
            yield {"noun": "VM", "name": full, "labels": labels, "selfLink": link}
            link, zone = f"projects/p/zones/z/disks/{full}", "zones/z"
            yield {"noun": "disk", "name": full, "labels": labels, "selfLink": link, "zone": zone}

    def listed(
        self, doing: str, path: str, fields: str, wanted: str = ""
    ) -> Iterator[dict[str, Any]]:
        vms = {row["name"] for row in self.rows if row["noun"] == "VM"}
        for row in list(self.rows):
            here = LISTS[row["noun"]].replace("regions/r1", self.scope)
            if here != path or (ROLE in wanted and "controller" not in row["name"]):
                continue
            shown = {**row, "users": [row["name"]] if row["name"] in vms else []}
            yield {key: shown[key] for key in fields.split(",") if key in shown}

    def client(self, kind: type[Any]) -> Any:
        assert kind.__name__ in dir(compute_v1)
        return SimpleNamespace(delete_unary=None)

    def call(self, doing: str, method: object, **request: Any) -> None:
        what = doing.removeprefix("delete the ")
        self.gone.append(what)
        made = f"{what.removeprefix('instance group ')}-"
        self.rows = [
            row
            for row in self.rows
            if f"{row['noun']} {row['name']}" != what
            and not (row["noun"] == "VM" and row["name"].startswith(made))
        ]

    def wait(self, operation: object, deadline: float, doing: str) -> None:
        """It is gone already."""


def everything(project: Any, cluster: str = "") -> list[str]:
    return [f"{one.kind} {one.name}" for row in census.census(project, cluster) for one in row]


def remove(project: Any, cluster: str) -> list[str]:
    return sweep(lambda: census.census(project, cluster), ignore)


def test_a_disk_in_use_is_no_leftover() -> None:
    project = Project("demo")
    assert not [found for found in everything(project) if found.startswith("disk")]
    project.rows = [
        row for row in project.rows if row["name"] != "demo-lost" or row["noun"] != "VM"
    ]
    assert [found for found in everything(project) if found.startswith("disk")] == [
        "disk demo-lost"
    ]


@pytest.mark.parametrize("other", ["demo-2", "dem"])
def test_only_rows_of_the_cluster_are_found_and_removed(other: str) -> None:
    project, alone = Project("demo", other), Project(other)
    found = everything(project)
    assert set(everything(project, "demo")) == set(found) - set(everything(alone))
    remove(project, "demo")
    assert project.rows == alone.rows


def test_rows_are_removed_in_their_order() -> None:
    project = Project("demo")
    names = remove(project, "demo")
    nouns = [what.rpartition(" ")[0] for what in project.gone]
    ranks = [RANKS[noun] for noun in nouns if noun != "VM"]
    assert ranks == sorted(ranks) and set(nouns) == {*RANKS, "VM"}
    assert project.rows == [] and sorted(names) == sorted(w.split(" ")[-1] for w in project.gone)


def test_what_went_with_an_earlier_row_is_not_removed_once_more() -> None:
    project = Project("demo")
    remove(project, "demo")
    assert "VM demo-x-0001" not in project.gone and project.gone.count("VM demo-controller") == 1
    assert "VM demo-lost" in project.gone


def test_everywhere_lists_every_region_by_one_list_a_kind() -> None:
    project: Any = Project("demo")
    project.scope = "aggregated"
    for row in project.rows:
        if row["noun"] not in HEADLESS and LISTS[row["noun"]].startswith("regions"):
            row["region"] = "https://x/projects/p/regions/far-east1"
        elif row["noun"] == "VM":
            row |= {"zone": "x/zones/far-east1-a", "machineType": "x/machineTypes/e2-small"}
            row["labels"] |= {EXPIRES: "1700000000"}
        row["creationTimestamp"] = "2026-01-01T00:00:00+00:00"
    project.rows.append({"noun": "address", "name": "g", "description": f"{CLUSTER}=demo"})
    rows = census.census(project, "demo", everywhere=True)
    found = {f"{one.kind} {one.name}": one for row in rows for one in row}
    assert found["instance group demo-x"].region == found["router demo-x"].region == "far-east1"
    network, vm = found["network demo-x"], found["VM demo-lost"]
    assert (network.region, network.created) == ("", 1767225600.0)
    assert (vm.region, vm.machine_types, vm.expires) == ("far-east1", ("e2-small",), 1.7e9)
    assert "address g" not in found, "an aggregated list holds global ones too, and none is ours"
    found["instance group demo-x"].remove(1.0)
    assert project.gone == ["instance group demo-x"]


def test_another_region_is_not_listed_unless_it_is_asked_for() -> None:
    project = Project("demo")
    project.scope = "aggregated"
    kinds = {found.rpartition(" ")[0] for found in everything(project, "demo")}
    assert kinds == {"VM", "firewall rule", "instance template", "network"}
