"""What a state remembers of operations that a run was killed in.

Pulumi notes each operation before it begins it. All but creates mend themselves; a create may have
made something that the state does not know, and stays noted until somebody says what became of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.engine.changes import is_secret


@dataclass(frozen=True, slots=True)
class Begun:
    """A resource that a killed run had begun to create. Its secret inputs are left out.

    ``adopted`` says that the state has one of that URN nevertheless: a later run made it its own.
    """

    urn: str
    type: str
    inputs: Mapping[str, Any]
    adopted: bool = False


def pending_creates(exported: str) -> list[Begun]:
    """Those in an exported state."""
    deployment = json.loads(exported).get("deployment") or {}
    there = {resource["urn"] for resource in deployment.get("resources") or ()}
    resources = [
        operation["resource"]
        for operation in deployment.get("pending_operations") or ()
        if operation.get("type") == "creating"
        and not operation["resource"]["type"].startswith("pulumi:")  # is nothing in any cloud
    ]
    return [
        Begun(
            resource["urn"],
            resource["type"],
            {k: v for k, v in (resource.get("inputs") or {}).items() if not is_secret(v)},
            resource["urn"] in there,
        )
        for resource in resources
    ]


def root(exported: str) -> str:
    """URN of the stack itself among its resources, '' in a state that has none."""
    resources = (json.loads(exported).get("deployment") or {}).get("resources") or ()
    stacks = (one["urn"] for one in resources if one["type"] == "pulumi:pulumi:Stack")
    return str(next(stacks, ""))


def without_pending(exported: str) -> str:
    """The same state without what it remembers of killed runs."""
    state = json.loads(exported)
    state["deployment"].pop("pending_operations", None)
    return json.dumps(state)
