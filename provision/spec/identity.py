"""What a cluster is, is what its spec says: not the file it stands in, nor how many nodes it has now."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.spec.models import Spec

FREE = ("ready", "groups.*.nodes")
"""What another ``up`` may say otherwise while the cluster is up: it is what that run works with."""
SHOWN = 40
"""Characters of a value that is shown; user-data is longer, and nobody's business."""


@dataclass(frozen=True, slots=True)
class SpecDifference:
    """One key of a spec that is another one now; the values in words."""

    path: str
    was: str
    now: str


def fingerprint(value: object) -> str:
    """Sixteen hex digits of the value's canonical JSON: short enough for a label."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def fingerprints(spec: Spec) -> dict[str, str]:
    """``spec`` leaves out what may change while a cluster is up; ``plan`` has the node counts too.

    Defaults are left out, so that a key which a later version brings makes no cluster another one.
    """
    fixed = spec.model_dump(mode="json", exclude={"ready", "ttl", "groups"}, exclude_defaults=True)
    fixed["kind"], fixed["name"] = spec.cloud.kind, spec.name
    fixed["groups"] = {
        name: group.model_dump(mode="json", exclude={"nodes"}, exclude_defaults=True)
        for name, group in spec.groups.items()
    }
    counts = {name: group.nodes for name, group in spec.groups.items()}
    return {"spec": fingerprint(fixed), "plan": fingerprint([fixed, counts])}


def place(spec: Spec) -> tuple[str, ...]:
    """Where the spec's cluster is: two of one name in one place are the same one."""
    return tuple(str(getattr(spec.cloud, key)) for key in ("kind", *spec.cloud.traits.place))


def differences(was: Spec, now: Spec) -> list[SpecDifference]:
    """Every key in which a cluster of ``now`` would be another than that of ``was``."""
    before, after = _flat(was.model_dump(mode="json")), _flat(now.model_dump(mode="json"))
    found = [
        SpecDifference(path, _words(before.get(path, "")), _words(after.get(path, "")))
        for path in sorted({*before, *after})
        if before.get(path, "") != after.get(path, "")
    ]
    groups = {f"groups.{name}": "none" for name in {*was.groups} ^ {*now.groups}}
    whole = [
        SpecDifference(path, "none", "a group")
        if path.removeprefix("groups.") in now.groups
        else SpecDifference(path, "a group", "none")
        for path in sorted(groups)
    ]
    inside = tuple(f"{path}." for path in groups)
    return [*(one for one in found if not one.path.startswith(inside)), *whole]


def _flat(value: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Every leaf by its dotted path, but for what is free."""
    leaves: dict[str, Any] = {}
    for key, inner in value.items():
        path = f"{above}{key}"
        free = "groups.*." + key if above.startswith("groups.") else path
        if free in FREE:
            continue
        if isinstance(inner, dict) and path != "cloud.labels":
            leaves |= _flat(inner, f"{path}.")
        else:
            leaves[path] = inner
    return leaves


def _words(value: object) -> str:
    if value in (None, "", [], {}):
        return "none"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= SHOWN and text.isprintable() else "another text"
