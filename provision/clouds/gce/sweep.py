"""Everything of a cluster on GCE by its labels alone: found, and removed without any state."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from provision.clouds.gce.client import Gce
from provision.clouds.gce.resources import RANKS, Controller, Group, Kind, Network
from provision.clouds.gce.resources.instances import instances, ours
from provision.clouds.gce.resources.kind import last, short
from provision.events import Emit, Noted
from provision.failures import NotFound
from provision.labels import CLUSTER
from provision.provider.resource import Work

TOGETHER = 16
"""Resources that are listed or removed at a time."""
SECONDS = 900.0
"""Seconds that one of them may take to go: a group of 1,000 VMs is the slowest."""


@dataclass(frozen=True, slots=True)
class Found:
    """One resource that carries our label; ``remove`` waits until it is gone."""

    kind: str
    ident: str
    marks: Mapping[str, str]
    remove: Callable[[], None]

    @property
    def name(self) -> str:
        """The last part of its ident."""
        return last(self.ident)

    @property
    def cluster(self) -> str:
        """Whose it is."""
        return self.marks.get(CLUSTER, "")


def clusters(gce: Gce) -> set[str]:
    """Names of the clusters that have something: each begins with a network and ends with it."""
    kinds = (Network(gce), Group(gce), Controller(gce))
    project, region = gce.settings.project, gce.settings.region
    with ThreadPoolExecutor(len(kinds)) as pool:
        answers = pool.map(lambda kind: list(kind.listed(project, region)), kinds)
    return {marks[CLUSTER] for listed in answers for _, marks in listed}


def everything(gce: Gce, cluster: str = "") -> list[list[Found]]:
    """All of the cluster (of ours, without one), in the order in which it can be removed.

    VMs that a group has made stand in the second row: with the group gone only abandoned ones are left.
    """
    rows: list[list[Callable[[], Iterator[Found]]]] = [
        [partial(_of_kind, gce, kind) for kind in rank] for rank in RANKS
    ]
    rows[1].append(partial(_vms, gce, cluster))
    rows[2].append(partial(_disks, gce, cluster))
    with ThreadPoolExecutor(TOGETHER) as pool:
        asked = [[pool.submit(_all, look) for look in row] for row in rows]
        found = [[one for answer in row for one in answer.result()] for row in asked]
    return [[one for one in row if cluster in ("", one.cluster)] for row in found]


def _all(look: Callable[[], Iterator[Found]]) -> list[Found]:
    return list(look())


def remove(gce: Gce, cluster: str, emit: Emit) -> list[str]:
    """Remove all that carries the cluster's name, row after row; answers the names."""
    gone: list[str] = []
    for number in range(len(RANKS)):
        # Looked at again: what stood in an earlier row may have taken some of it along.
        row = everything(gce, cluster)[number]
        with ThreadPoolExecutor(TOGETHER) as pool:
            for one, _ in zip(row, pool.map(lambda one: one.remove(), row), strict=True):
                emit(Noted(text=f"removed the {one.kind} {one.name}"))
                gone.append(one.name)
    return gone


def _of_kind(gce: Gce, make: Callable[[Gce], Any]) -> Iterator[Found]:
    kind = make(gce)
    for ident, marks in kind.listed(gce.settings.project, gce.settings.region):
        yield Found(kind.noun, ident, marks, _deleted(kind, ident))


def _deleted(kind: Kind, ident: str) -> Callable[[], None]:
    """What deletes it, within a time that counts from then."""
    return lambda: kind.delete(ident, {}, Work.within(SECONDS, threading.Event()))


def _vms(gce: Gce, cluster: str) -> Iterator[Found]:
    kind = Controller(gce)
    for found in instances(gce, cluster):
        ident = short(found.get("selfLink", ""))
        yield Found("VM", ident, dict(found.get("labels", {})), _deleted(kind, ident))


def _disks(gce: Gce, cluster: str) -> Iterator[Found]:
    """Boot disks that did not go with their VM."""
    shown = "name,labels,zone,selfLink,users"
    for disk in gce.listed("list disks", "aggregated/disks", shown, ours(cluster)):
        if not disk.get("users"):
            gone = partial(_remove_disk, gce, disk["name"], last(disk.get("zone", "")))
            yield Found("disk", short(disk.get("selfLink", "")), dict(disk.get("labels", {})), gone)


def _remove_disk(gce: Gce, name: str, zone: str) -> None:
    from provision.clouds.gce.api.compute import compute_v1

    delete, doing = gce.client(compute_v1.DisksClient).delete_unary, f"delete the disk {name}"
    try:
        gce.wait(gce.call(doing, delete, zone=zone, disk=name), SECONDS, doing)
    except NotFound:
        return
