"""What the caller may not do, because a dial says so. Nothing else is known of permissions here.

The sentence was recorded in hashicorp/terraform-provider-google#8262; which permission a method needs
stands on its reference page (cloud.google.com/compute/docs/reference/rest/v1).
"""

from collections.abc import Iterable

from provision.emulator.dials import concerns
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.urls import Method
from provision.emulator.gce.world import Json

VERBS = {
    "insert": "create", "bulkInsert": "create", "aggregatedList": "list", "patch": "update",
    "resize": "update", "setInstanceTemplate": "update", "createInstances": "update",
    "deleteInstances": "update", "recreateInstances": "update", "abandonInstances": "update",
    "applyUpdatesToInstances": "update", "listManagedInstances": "get", "listErrors": "get",
}  # fmt: skip
"""Methods whose permission has another verb."""


def permission(method: Method) -> str:
    """``compute.instanceGroupManagers.create`` for ``compute.regionInstanceGroupManagers.insert``."""
    kind = method.resource
    if kind.startswith("region") and kind not in ("regions", "regionOperations"):
        kind = kind[len("region")].lower() + kind[len("region") + 1 :]
    return f"compute.{kind}.{VERBS.get(method.name, method.name)}"


def check(denied: Iterable[str], method: Method, path: str, body: Json) -> None:
    """Raise ApiError 403 where one of the patterns is about the method."""
    if any(concerns(pattern, method.id) for pattern in denied):
        target = _target(method, path, body)
        raise ApiError(
            403, "forbidden", f"Required '{permission(method)}' permission for '{target}'"
        )


def _target(method: Method, path: str, body: Json) -> str:
    """The resource, with the name that an insert gives it; of a list, the project."""
    _, _, target = path.partition("/projects/")
    if permission(method).endswith(".list"):
        return f"projects/{target.partition('/')[0]}"
    name = body.get("name", "")
    return f"projects/{target}" + (f"/{name}" if name and not target.endswith(f"/{name}") else "")
