"""What simple kinds share: put a charged document there by an operation, and take it away."""

from collections.abc import Mapping
from typing import Any

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.start import start
from provision.emulator.quota import Exceeded

Charges = Mapping[tuple[str, str], float]


def charge(call: Call, charges: Charges) -> None:
    """Count it, or refuse the request. Raises ApiError 403 ``quotaExceeded``."""
    try:
        call.cloud.quota.charge(call.project, charges)
    except Exceeded as short:
        raise errors.quota_exceeded(short) from short


def inserted(call: Call, name: str, ident: str, charges: Charges) -> Operation:
    """The operation of an insert whose resource stands in its table already."""
    table, scope = call.table(), call.scope

    def undo() -> None:
        if table.pop(scope, name) is not None:
            call.cloud.quota.release(call.project, charges)

    return start(call, "insert", name, ident, undo=undo)


def deleted(call: Call, resource: Any, ident: str, charges: Charges) -> Operation:
    """The operation that removes a resource from its table when its time has come."""
    table, scope = call.table(), call.scope

    def apply() -> None:
        if table.get(scope, resource.name) is resource:
            table.pop(scope, resource.name)
            call.cloud.quota.release(call.project, charges)

    return start(call, "delete", resource.name, ident, apply)


def changed(call: Call, resource: Any, verb: str, change: Mapping[str, Any]) -> Operation:
    """The operation that puts fields into a document; None removes one."""

    def apply() -> None:
        for key, value in change.items():
            if value is None:
                resource.data.pop(key, None)
            else:
                resource.data[key] = value

    return start(call, verb, resource.name, resource.data["id"], apply)
