"""What a cluster has by its labels: found whole, and removed in an order in which it can go."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from google.cloud import compute_v1

from provision.clouds.gce import sweep
from provision.clouds.gce.api import (
    compute as compute,
)  # imported here: it looks around by a socket
from provision.events import ignore
from provision.labels import CLUSTER, ROLE

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
            if LISTS[row["noun"]] != path or (ROLE in wanted and "controller" not in row["name"]):
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
    return [f"{one.kind} {one.name}" for row in sweep.everything(project, cluster) for one in row]


def remove(project: Any, cluster: str) -> list[str]:
    return sweep.remove(project, cluster, ignore)


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
