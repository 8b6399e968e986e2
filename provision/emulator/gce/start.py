"""Beginning an operation for a call: one line in each method that changes something."""

from collections.abc import Callable

from provision.emulator.gce.call import Call, collection
from provision.emulator.gce.operations import Operation
from provision.emulator.operations import Work


def _nothing() -> None:
    """No work, no undoing."""


def start(
    call: Call,
    verb: str,
    name: str,
    ident: str = "",
    apply: Callable[[], None] = _nothing,
    undo: Callable[[], None] = _nothing,
    *,
    kind: str = "",
    seconds: float | None = None,
    held: bool = False,
    group: str = "",
) -> Operation:
    """Accept the call's change to the resource ``name`` of the call's scope.

    ``verb`` is the ``operationType`` (``insert``, ``setLabels``); the rest as in
    :class:`~provision.emulator.gce.operations.Work`. An empty ``name`` targets the scope itself.
    """
    place = [kind or collection(call.method.resource), name] if name else []
    target = call.cloud.world.link(call.path["project"], call.scope, *place)
    work = Work(verb, target, ident, apply, undo, seconds, held)
    return call.cloud.operations.begin(
        call.project,
        call.scope,
        work,
        method=call.method.id,
        user=call.user,
        client_id=call.query.get("requestId", ""),
        group=group,
    )
