"""Names that a scheduler keeps for itself, and values that one group cannot have together."""

import re
from collections.abc import Iterator, Mapping

from provision.errors import Finding
from provision.hostmaintenance import migrates, terminates
from provision.spec import Spec
from provision.speccloud import GceCloud

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
    """What is wrong with the groups' names and machine types."""
    for word, why in WORDS[spec.scheduler].items():
        if word in spec.groups:
            yield Finding(f"groups.{word}", why, "call the group otherwise")
    yield from _nodes(spec)
    yield from _mixed(spec)


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
    if not isinstance(spec.cloud, GceCloud):
        return
    for name, group in spec.groups.items():
        moved = [kind for kind in group.machine_types if migrates(kind)]
        stopped = [kind for kind in group.machine_types if terminates(kind)]
        if moved and stopped and not group.spot:
            yield Finding(
                f"groups.{name}.machine_types",
                f"GCE can only live-migrate {moved[0]} and cannot live-migrate {stopped[0]}",
                "put them in two groups",
            )
