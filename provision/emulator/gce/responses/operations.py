"""Operations in all three scopes: the modules named after Google's resources take these."""

from provision.emulator import operations
from provision.emulator.gce.call import Call, Rows, Scopes, every_scope, rows
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.world import GLOBAL, Json

LONGEST = 120.0
"""Seconds that ``wait`` holds a request at most (discovery: two minutes)."""


def _operation(call: Call) -> Operation:
    found: Operation = call.found("operation", "operations")
    return found


def get(call: Call) -> Json:
    """One operation as it stands."""
    return _operation(call).json()


async def wait(call: Call) -> Json:
    """The operation when it is done, or as it stands after two minutes."""
    operation = _operation(call)
    await operations.wait(operation, LONGEST)
    return operation.json()


def list_(call: Call) -> Rows:
    """Operations of a scope."""
    return rows(call, "operations", "compute#operationList")


def aggregated_list(call: Call) -> Scopes:
    """Operations of all scopes."""
    places = [GLOBAL]
    places += [f"regions/{region}" for region in call.cloud.catalogue.regions]
    places += [f"zones/{zone}" for zone in call.cloud.catalogue.zones]
    return every_scope(call, "operations", "compute#operationAggregatedList", places)


def delete(call: Call) -> None:
    """Forget one; what it does goes on."""
    operation = _operation(call)
    call.table("operations").pop(call.scope, operation.name)
