"""Names that a scheduler keeps for itself, and values that do not go together."""

import re
from collections.abc import Iterator, Mapping

from provision.errors import Finding
from provision.spec import hardwarefits as fits
from provision.spec.clouds import GceCloud
from provision.spec.hostmaintenance import migrates, terminates
from provision.spec.models import Spec

# slurm.conf man page. Its words are read in any case, and a group is a NodeSet and a partition.
WORDS: Mapping[str, Mapping[str, str]] = {
    "slurm": {
        # PARTITION CONFIGURATION: a line PartitionName=DEFAULT gives defaults to those after it.
        "default": "Slurm reads PartitionName=DEFAULT as defaults and makes no such partition",
        # PARTITION CONFIGURATION, Nodes: ALL is every node; our slurm.conf has a partition of them.
        "all": "Slurm reads Nodes=ALL as every node, and the partition of them has this name",
    }
}
"""By scheduler: words that no group may be called, and why."""


def findings(spec: Spec) -> Iterator[Finding]:
    """What is wrong with the groups' names, machine types and disks, and with the image."""
    for word, why in WORDS[spec.scheduler].items():
        if word in spec.groups:
            yield Finding(f"groups.{word}", why, "call the group otherwise")
    yield from _nodes(spec)
    if isinstance(spec.cloud, GceCloud):
        yield from _mixed(spec)
        yield from _disks(spec, spec.cloud)
        yield from _processors(spec, spec.cloud)


def _nodes(spec: Spec) -> Iterator[Finding]:
    """A NodeSet must not be called like a node (slurm.conf man page, NODESET CONFIGURATION)."""
    for name in spec.groups:
        for other in spec.groups:
            if re.fullmatch(rf"{spec.name}-{other}-(s[0-9]+-)?[0-9]{{4,}}", name):
                yield Finding(
                    f"groups.{name}",
                    f"Slurm would take it for a node of the group {other}",
                    "call the group otherwise",
                )


def _mixed(spec: Spec) -> Iterator[Finding]:
    """A group has one host maintenance policy for all its machine types."""
    for name, group in spec.groups.items():
        moved = [kind for kind in group.machine_types if migrates(kind)]
        stopped = [kind for kind in group.machine_types if terminates(kind)]
        if moved and stopped and not group.spot:
            yield Finding(
                f"groups.{name}.machine_types",
                f"GCE can only live-migrate {moved[0]} and cannot live-migrate {stopped[0]}",
                "put them in two groups",
            )


def _disks(spec: Spec, cloud: GceCloud) -> Iterator[Finding]:
    """Every machine type takes the disk that it shall boot from."""
    wanted = [("cloud.controller_type", "cloud", cloud.controller_type, cloud.disk_type)]
    for name, group in spec.groups.items():
        disk, own = group.disk_type or cloud.disk_type, f"groups.{name}"
        where = f"{own}.machine_types" if group.machine_types else "cloud.machines"
        wanted += [(where, own, kind, disk) for kind in group.machine_types or (cloud.machines,)]
    told = set()
    for where, place, kind, disk in wanted:
        why = fits.disk(kind, disk)
        if why and (where, why) not in told:
            told.add((where, why))
            yield Finding(where, why, f"set {place}.disk_type: {fits.fitting(kind)}")


def _processors(spec: Spec, cloud: GceCloud) -> Iterator[Finding]:
    """All machines boot one image, which is for one kind of processor."""
    kinds = [("cloud.controller_type", cloud.controller_type)]
    for name, group in spec.groups.items():
        where = f"groups.{name}.machine_types" if group.machine_types else "cloud.machines"
        kinds += [(where, kind) for kind in group.machine_types or (cloud.machines,)]
    image, known = cloud.image.rpartition("/")[2], fits.image_architecture(cloud.image)
    first = kinds[0][1]
    for where, kind in dict.fromkeys(kinds):
        mine = fits.architecture(kind)
        if known and mine != known:
            fix = f"choose a type for {known}, or an image for {mine} in cloud.image"
            yield Finding(where, f"{kind} is {mine}, and the image {image} is for {known}", fix)
        elif not known and mine != fits.architecture(first):
            problem = f"{kind} is {mine} and {first} is {fits.architecture(first)}"
            yield Finding(where, problem, "all machines boot one image: choose types of one kind")
