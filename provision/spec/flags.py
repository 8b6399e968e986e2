"""What flags, variables and a configuration file say of a spec, put into its data before it is checked.

Flags and variables are put over what the file says; a configuration file fills in what is left open.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provision.errors import Finding
from provision.spec.clouds import CLOUD_KINDS
from provision.spec.document import short
from provision.suggest import did_you_mean

DEFAULT_NODES = 2
DEFAULT_GROUP = "worker"
FLAGS = {
    "name": ("--name", ("name",)),
    "cloud": ("--cloud", ("cloud",)),
    "machines": ("--machines", ("cloud", "machines")),
    "project": ("--project", ("cloud", "project")),
    "region": ("--region", ("cloud", "region")),
    "endpoint": ("--endpoint", ("cloud", "endpoint")),
    "quorum": ("--quorum", ("ready", "quorum")),
    "deadline": ("--deadline", ("ready", "deadline")),
    "ttl": ("--ttl", ("ttl",)),
}
"""Fields of :class:`Overrides` that set one value: the flag, and the path it sets."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What flags say instead of the file, as the text that was given.

    ``nodes`` holds ``N`` (a spec with one group) or ``GROUP=N``, as often as the flag was given.
    """

    name: str | None = None
    cloud: str | None = None
    nodes: tuple[str, ...] = ()
    machines: str | None = None
    project: str | None = None
    region: str | None = None
    endpoint: str | None = None
    quorum: str | None = None
    deadline: str | None = None
    ttl: str | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    """Where a value comes from that was not typed as a flag: a variable, or a file and its key."""
    otherwise: "Overrides | None" = None
    """What is taken where neither these nor the spec say anything: a configuration file's values."""

    def origin(self, name: str) -> str:
        """The flag, the variable, or the file and its key, as findings call it."""
        flag = FLAGS[name][0] if name in FLAGS else f"--{name}"
        return self.origins.get(name, flag)

    def given(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Name, text and path of every value that sets one key."""
        for name, (_, path) in FLAGS.items():
            text = getattr(self, name)
            if text is not None:
                yield name, text, path


class Flags:
    """Puts the values of flags into the data, remembering which path came from which flag."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self._set: dict[tuple[str, ...], str] = {}
        self.findings: list[Finding] = []

    def place(self, path: Sequence[str]) -> str:
        """The flag that set this path or something above it; '' where none did."""
        here = tuple(path)
        above = [known for known in self._set if here[: len(known)] == known]
        return self._set[max(above, key=len)] if above else ""

    def apply(self, overrides: Overrides) -> Any:
        """The data with all values set; the data given is left as it is."""
        if not isinstance(self._data, dict):
            return self._data
        data = dict(self._data)
        otherwise = overrides.otherwise or Overrides()
        if overrides.cloud is None:
            # The cloud first: whose keys are known is known by its kind.
            self._fill(data, Overrides(cloud=otherwise.cloud, origins=otherwise.origins))
        for name, text, path in overrides.given():
            if name in overrides.origins and not _known(data, path):
                continue  # a variable stands for many clusters: not all their clouds have its key
            self._set[path] = overrides.origin(name)
            if name == "cloud":
                old = data.get("cloud")
                same = isinstance(old, dict) and old.get("kind") == text
                data["cloud"] = old if same else {"kind": text}
            else:
                _put(data, path, _value(name, text))
        self._fill(data, otherwise)
        if not overrides.nodes and not data.get("groups"):
            overrides = otherwise
        self._nodes(data, overrides.nodes, overrides.origin("nodes"))
        return data

    def _fill(self, data: dict[str, Any], otherwise: Overrides) -> None:
        for name, text, path in otherwise.given():
            # A machine type is one of the cloud that the same file names.
            other = name == "machines" and _kind(data) != (otherwise.cloud or "local")
            if not other and _known(data, path) and _open(data, path):
                self._set[path] = otherwise.origin(name)
                _put(data, path, _value(name, text))

    def _nodes(self, data: dict[str, Any], given: Sequence[str], origin: str) -> None:
        groups = data.get("groups")
        if not groups and (given or self._data == {}):
            # No spec at all, or one that leaves the groups to the flag.
            groups = {DEFAULT_GROUP: {"nodes": DEFAULT_NODES}}
        if not isinstance(groups, dict):
            return
        data["groups"] = groups = dict(groups)
        seen: set[str] = set()
        for text in given:
            group = self._group(text, list(groups), origin)
            if group in seen:
                again = "is given twice" + (f" for {group}" if len(groups) > 1 else "")
                self.findings.append(Finding(origin, again, "keep one of them"))
            elif group:
                seen.add(group)
                old = groups[group]
                count = _whole(text.rpartition("=")[2])
                groups[group] = {**(old if isinstance(old, dict) else {}), "nodes": count}
                self._set["groups", group, "nodes"] = origin

    def _group(self, text: str, names: list[str], origin: str) -> str:
        """The group that a ``--nodes`` value is for; '' where that is a finding."""
        group, equals, count = text.rpartition("=")
        if not equals and len(names) == 1:
            return names[0]
        if group in names:
            return group
        if not equals:
            example = f"--nodes {names[0]}={count if count.isdigit() else 8}"
            problem = f"the spec has {len(names)} groups: {', '.join(names)}"
            fix = f"write --nodes GROUP=N, for example {example}"
        else:
            problem = f"there is no group {short(group)}"
            fix = f"{did_you_mean(group, names)} the groups are: {', '.join(names)}".lstrip()
        self.findings.append(Finding(origin, problem, fix))
        return ""


def _kind(data: Mapping[str, Any]) -> str:
    cloud = data.get("cloud", "local")
    kind = cloud.get("kind", "local") if isinstance(cloud, dict) else cloud
    return kind if isinstance(kind, str) else ""


def _known(data: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Whether the spec's cloud has this key; a kind that does not exist is told of by the models."""
    kind = CLOUD_KINDS.get(_kind(data))
    return path[0] != "cloud" or len(path) == 1 or kind is None or path[1] in kind.model_fields


def _open(data: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Whether the spec says nothing there, so that a default may."""
    value: Any = data
    for turn, key in enumerate(path):
        if value is None or (turn and path[0] == "cloud" and isinstance(value, str)):
            return True
        if not isinstance(value, dict):
            return False
        if key not in value:
            return True
        value = value[key]
    return False


def _put(data: dict[str, Any], path: Sequence[str], value: object) -> None:
    """Set a value below a mapping that may be missing or spelled short (``cloud: local``)."""
    *above, last = path
    for key in above:
        old = data.get(key)
        if isinstance(old, str) and key == "cloud":
            old = {"kind": old}
        data[key] = dict(old) if isinstance(old, dict) else {}
        data = data[key]
    data[last] = value


def _value(name: str, text: str) -> object:
    if name == "quorum":
        return float(text) if re.fullmatch(r"[0-9]{0,9}\.?[0-9]{1,9}", text) else text
    return _whole(text) if name in ("deadline", "ttl") else text


def _whole(text: str) -> object:
    """The number that the text spells, or the text itself for the models to refuse."""
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,30}", text.strip()) else text
