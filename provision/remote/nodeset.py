"""Sets of nodes as the field writes them: ``worker-[0001-0003],worker-0007``, ``@GROUP``.

ClusterShell's notation and library. Names of a cluster are matched with or without its own name before
them, as everywhere.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import prod
from typing import Any

from provision.errors import UnknownNodeError, UsageError
from provision.names import short_name
from provision.suggest import did_you_mean

MOST = 100_000
"""Names one word may stand for; the library would make a list of any length."""
RANGE = re.compile(r"(\d+)-(\d+)")


def resolve(cluster: str, words: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """Full names of a cluster's machines for sets of nodes; ``groups`` are all it has, in full.

    Raises:
        UsageError: a word is no set of nodes.
        UnknownNodeError: the cluster has no such node.
    """
    known = [name for members in groups.values() for name in members]
    full = {short_name(cluster, name): name for name in known} | {name: name for name in known}
    # Plain names are the common case, and need no library.
    names = list(words) if all(word in full for word in words) else expand(words, groups)
    unknown = [name for name in names if name not in full]
    if unknown:
        shown = fold(short_name(cluster, name) for name in known)
        shorts = [short_name(cluster, name) for name in known]
        # A number that is too high is no slip of the finger.
        forms = {re.sub(r"\d", "0", name) for name in full}
        slips = [name for name in unknown if re.sub(r"\d", "0", name) not in forms]
        near = did_you_mean(slips[0], [*shorts, *known]) if slips else ""
        raise UnknownNodeError(
            f"{cluster} has no node {fold(unknown)}", f"{near} it has {shown}".lstrip()
        )
    return list(dict.fromkeys(full[name] for name in names))


def expand(words: Iterable[str], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The names that the words stand for, each once, in order; ``groups`` are what ``@`` may name.

    Raises:
        UsageError: a word is no set of nodes, or stands for too many.
    """
    names: dict[str, None] = {}
    for word in words:
        names |= dict.fromkeys(_expanded(word, groups))
    return list(names)


def fold(names: Iterable[str]) -> str:
    """The shortest way to write these names: ``worker-[0001-0003]``."""
    return str(_nodeset().fromlist(list(names), resolver=_nothing()))


def _expanded(word: str, groups: Mapping[str, Sequence[str]]) -> list[str]:
    from ClusterShell.NodeSet import NodeSetException
    from ClusterShell.NodeUtils import GroupResolver, GroupResolverError, GroupSource

    if _size(word) > MOST:
        raise UsageError(f"{word!r} stands for more than {MOST:,} nodes", "name fewer")
    known = {name: ",".join(members) for name, members in groups.items()}
    everything = ",".join(known.values())
    resolver = GroupResolver(GroupSource("cluster", groups=known, allgroups=everything))
    try:
        found = [str(name) for name in _nodeset()(word, resolver=resolver)]
    except (NodeSetException, GroupResolverError) as error:
        raise UsageError(
            f"{word!r} is no set of nodes ({error})",
            "write worker-0001, worker-[0001-0003], worker-0001,worker-0004 or @GROUP",
        ) from None
    if not found:
        near = did_you_mean(word, [f"@{name}" for name in groups]) if word.startswith("@") else ""
        raise UsageError(
            f"{word!r} names no node", near or "see 'provision status' for the nodes there are"
        )
    return found


def _size(word: str) -> int:
    """At least as many names as the word stands for."""
    brackets = re.findall(r"\[([^\]]*)\]?", word)
    sizes = [
        sum(max(1, int(high) - int(low) + 1) for low, high in RANGE.findall(inside)) or 1
        for inside in brackets
        if len(inside) < 10_000
    ]
    return prod(sizes) if len(sizes) == len(brackets) else MOST + 1


@cache
def _nodeset() -> Any:
    from ClusterShell.NodeSet import NodeSet

    return NodeSet


@cache
def _nothing() -> Any:
    """No groups of this machine: /etc/clustershell is somebody else's."""
    from ClusterShell.NodeSet import RESOLVER_NOGROUP

    return RESOLVER_NOGROUP
