"""Names that a scheduler keeps for itself, and values that do not go together."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from provision.errors import Finding
from provision.spec import gcehardware
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
HARDWARE: Mapping[str, Sequence[Callable[[Spec], Iterator[Finding]]]] = {
    "gce": (gcehardware.mixed, gcehardware.disks, gcehardware.processors)
}
"""By kind of cloud: what looks for hardware that does not go together."""


def findings(spec: Spec) -> Iterator[Finding]:
    """What is wrong with the groups' names, machine types and disks, and with the image."""
    for word, why in WORDS[spec.scheduler].items():
        if word in spec.groups:
            yield Finding(f"groups.{word}", why, "call the group otherwise")
    yield from _nodes(spec)
    for judge in HARDWARE.get(spec.cloud.kind, ()):
        yield from judge(spec)


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
