"""How clusters, machines, instance groups and their user are called.

What machines are called is deterministic from cluster, group and number.
"""

import re
from collections.abc import Collection

from provision.errors import UsageError

USER = "provision"
"""The user our user-data makes on every machine; sudo without a password."""
NAME_MAX = 30
"""Longest cluster name: with ``-<group>-0001`` behind it, a machine's name stays a DNS label."""
LABEL = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
"""A DNS label, as clusters and groups are called."""
ENDLESS = 10**9
"""Machines in one instance group where the cloud sets no limit."""
FEW = 5
"""Names that a sentence gives one by one."""


def cluster_name(text: str) -> str:
    """The text, seen to be what a cluster can be called: no path, no option, no control character.

    Raises:
        UsageError: it cannot be.
    """
    if len(text) <= NAME_MAX and LABEL.fullmatch(text):
        return text
    shown = text if len(text) <= 2 * NAME_MAX else f"{text[: 2 * NAME_MAX]}…"
    raise UsageError(
        f"{shown!r} cannot be the name of a cluster",
        f"a name has lower-case letters, digits and '-', begins with a letter and has at most "
        f"{NAME_MAX} characters; see 'provision list'",
    )


def machine_name(cluster: str, group: str, number: int, per_group: int = ENDLESS) -> str:
    """``demo-worker-0001``: the machine's name in the cloud, its host name and its node name.

    Where the cloud takes ``per_group`` machines into one instance group, a larger group is several:
    ``demo-worker-0001`` to ``-2000``, then ``demo-worker-s2-0001``.
    """
    part, rest = divmod(number - 1, per_group)
    return f"{part_name(cluster, group, part + 1)}-{rest + 1:04d}"


def part_name(cluster: str, group: str, part: int) -> str:
    """Name of the ``part``-th instance group (from 1) that a group of the plan becomes."""
    return f"{cluster}-{group}" + (f"-s{part}" if part > 1 else "")


def part_of(machine: str) -> str:
    """Name of the instance group that a worker is of: the other way from :func:`machine_name`."""
    return machine.rpartition("-")[0]


def parts(cluster: str, group: str, nodes: int, per_group: int) -> dict[str, int]:
    """The instance groups that a group of so many nodes becomes: name to size."""
    return {
        part_name(cluster, group, part + 1): min(per_group, nodes - part * per_group)
        for part in range(-(-nodes // per_group))
    }


def machine_number(name: str, cluster: str, group: str, per_group: int = ENDLESS) -> int:
    """The number of a worker in its group: the inverse of :func:`machine_name`."""
    *part, number = name.removeprefix(f"{cluster}-{group}-").split("-")
    return (int(part[0][1:]) - 1 if part else 0) * per_group + int(number)


def short_name(cluster: str, machine: str) -> str:
    """The machine's name without its cluster's, as people say it: ``worker-0001``."""
    return machine.removeprefix(f"{cluster}-")


def few(names: Collection[str], cluster: str = "", most: int = FEW) -> str:
    """The first of the names, as people say them, and how many more: ``worker-0001 and 7 more``."""
    shown = ", ".join(short_name(cluster, name) for name in list(names)[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
