"""Everything on GCE that carries our labels, listed without any state, and how each thing is removed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from provision.clouds.gce.client import Gce
from provision.clouds.gce.resources import RANKS, Controller, GceKind, Group, Network
from provision.clouds.gce.resources.instances import instances, ours
from provision.clouds.gce.resources.kind import last, seconds
from provision.clouds.gce.settings import region_of
from provision.failures import NotFound
from provision.labels import CLUSTER
from provision.leftovers import Leftover

TOGETHER = 16
"""Lists at a time."""
Look = Callable[[], Iterator[Leftover]]


def clusters(gce: Gce) -> set[str]:
    """Names of the clusters that have something: each begins with a network and ends with it."""
    kinds = (Network(gce), Group(gce), Controller(gce))
    with ThreadPoolExecutor(len(kinds)) as pool:
        answers = pool.map(lambda kind: list(kind.listed()), kinds)
    return {each.marks[CLUSTER] for listed in answers for each in listed}


def census(gce: Gce, cluster: str = "", *, everywhere: bool = False) -> list[list[Leftover]]:
    """All of the cluster (of ours, without one), in the order in which it can be removed.

    VMs that a group has made stand in the second row: with the group gone only abandoned ones are left.
    """
    rows: list[list[Look]] = [
        [partial(_of_kind, kind(gce), everywhere) for kind in rank] for rank in RANKS
    ]
    rows[1].append(partial(_vms, gce, cluster))
    rows[2].append(partial(_disks, gce, cluster))
    with ThreadPoolExecutor(TOGETHER) as pool:
        asked = [[pool.submit(_all, look) for look in row] for row in rows]
        found = [[one for answer in row for one in answer.result()] for row in asked]
    return [[one for one in row if cluster in ("", one.cluster)] for row in found]


def _all(look: Look) -> list[Leftover]:
    return list(look())


def _of_kind(kind: GceKind, everywhere: bool) -> Iterator[Leftover]:
    return map(kind.leftover, kind.listed(everywhere=everywhere))


def _vms(gce: Gce, cluster: str) -> Iterator[Leftover]:
    kind = Controller(gce)
    return (kind.leftover(kind.of_row(found)) for found in instances(gce, cluster))


def _disks(gce: Gce, cluster: str) -> Iterator[Leftover]:
    """Boot disks that did not go with their VM."""
    shown = "name,labels,zone,selfLink,users,creationTimestamp"
    for disk in gce.listed("list disks", "aggregated/disks", shown, ours(cluster)):
        if not disk.get("users"):
            name, zone = disk["name"], last(disk.get("zone", ""))
            gone = partial(_remove_disk, gce, name, zone)
            created = seconds(disk.get("creationTimestamp", ""))
            marks: dict[str, Any] = dict(disk.get("labels", {}))
            yield Leftover.marked("disk", name, marks, gone, region_of(zone), created)


def _remove_disk(gce: Gce, name: str, zone: str, within: float) -> None:
    from provision.clouds.gce.api.compute import compute_v1

    delete, doing = gce.client(compute_v1.DisksClient).delete_unary, f"delete the disk {name}"
    try:
        gce.wait(gce.call(doing, delete, zone=zone, disk=name), within, doing)
    except NotFound:
        return
