"""Long-running operations: accepted at once, done later, found by name in their scope.

https://cloud.google.com/compute/docs/api/how-tos/api-requests-responses
An operation that fails keeps HTTP 200: its errors stand in ``error.errors``, with
``httpErrorStatusCode`` and ``httpErrorMessage`` unless it is of the silent kind (clouds.md 1.4, 3.1).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from provision.emulator.gce.errors import OperationError
from provision.emulator.gce.world import GLOBAL, Json, Project, World, last

KEPT = 20_000
"""Operations of one project that are remembered; Google keeps them for 14 days."""

PENDING, RUNNING, DONE = "PENDING", "RUNNING", "DONE"


def _nothing() -> None:
    """No work, no undoing."""


@dataclass(slots=True)
class Operation:
    """One operation. Times are seconds since the epoch; ``due`` is when it will be done."""

    world: World = field(repr=False)
    name: str
    ident: str
    project: str
    scope: str
    verb: str
    target: str
    target_id: str
    user: str
    client_id: str
    inserted: float
    due: float
    started: float = 0.0
    ended: float = 0.0
    group: str = ""
    errors: list[Json] = field(default_factory=list)
    http_status: int = 0
    http_title: str = ""
    bulk: Callable[[], Json] | None = None
    """Gives ``instancesBulkInsertOperationMetadata`` as it stands."""
    doomed: bool = False
    """Whether a dial has decided that it fails."""
    waiters: list[asyncio.Event] = field(default_factory=list)

    @property
    def status(self) -> str:
        """PENDING, RUNNING or DONE."""
        if self.ended:
            return DONE
        return RUNNING if self.started else PENDING

    def progress(self) -> int:
        """Percent: by time until it is done."""
        if self.ended:
            return 100
        span = self.due - self.inserted
        share = (self.world.agenda.now() - self.inserted) / span if span > 0 else 0
        return min(99, int(100 * share))

    def json(self) -> Json:
        """As ``get`` answers it."""
        world = self.world
        shown: Json = {
            "kind": "compute#operation",
            "id": self.ident,
            "name": self.name,
            "operationType": self.verb,
            "targetLink": self.target,
            "status": self.status,
            "user": self.user,
            "progress": self.progress(),
            "insertTime": world.stamp(self.inserted),
            "selfLink": world.link(self.project, self.scope, "operations", self.name),
        }
        if self.target_id:
            shown["targetId"] = self.target_id
        if self.started:
            shown["startTime"] = world.stamp(self.started)
        if self.ended:
            shown["endTime"] = world.stamp(self.ended)
        if self.client_id:
            shown["clientOperationId"] = self.client_id
        if self.group:
            shown["operationGroupId"] = self.group
        if self.scope != GLOBAL:
            kind = self.scope.partition("/")[0].removesuffix("s")
            shown[kind] = world.link(self.project, self.scope)
        if self.errors:
            shown["error"] = {"errors": self.errors}
            if self.http_status:
                shown["httpErrorStatusCode"] = self.http_status
                shown["httpErrorMessage"] = self.http_title
        if self.bulk:
            shown["instancesBulkInsertOperationMetadata"] = self.bulk()
        return shown


@dataclass(frozen=True, slots=True)
class Work:
    """What an operation does. ``apply`` when its time has come; ``undo`` where it fails instead.

    ``apply`` may raise :class:`~provision.emulator.gce.errors.OperationError`. ``seconds`` is None for
    the dialled latency. With ``held`` it does not end by time: whoever holds it calls ``finish``.
    """

    verb: str
    target: str
    target_id: str = ""
    apply: Callable[[], None] = _nothing
    undo: Callable[[], None] = _nothing
    seconds: float | None = None
    held: bool = False


class Operations:
    """Starts, ends and remembers operations of all projects.

    ``latency`` gives seconds for a method and the name it is about; ``fate`` may give the error a dial
    wants it to end with.
    """

    def __init__(
        self,
        world: World,
        latency: Callable[[str, str], float],
        fate: Callable[[str], OperationError | None],
    ) -> None:
        self._world, self._latency, self._fate = world, latency, fate

    def begin(
        self, project: Project, scope: str, work: Work, *, method: str = "",
        user: str = "", client_id: str = "", group: str = "",
    ) -> Operation:  # fmt: skip
        """Accept the work and answer its operation. ``method`` is the id the dials go by."""
        world = self._world
        number = world.fresh_number()
        name = f"operation-{int(world.agenda.now() * 1000)}-{number:012x}-{number * 2654435761 % 2**32:08x}"
        seconds = work.seconds
        if seconds is None:
            seconds = self._latency(method, last(work.target))
        now = world.agenda.now()
        operation = Operation(
            world=world, name=name, ident=world.fresh_id(), project=project.name, scope=scope,
            verb=work.verb, target=work.target, target_id=work.target_id, user=user,
            client_id=client_id, inserted=now, due=now + seconds / world.agenda.speed, group=group,
        )  # fmt: skip
        self._remember(project, operation)
        world.agenda.after(min(seconds / 10, 0.1), lambda: _start(operation))
        fate = self._fate(method)
        operation.doomed = fate is not None
        if not work.held or fate:
            world.agenda.after(seconds, lambda: self._end(operation, work, fate))
        return operation

    def _remember(self, project: Project, operation: Operation) -> None:
        table = project.table("operations")
        table.put(operation.scope, operation)
        rows = table.rows(operation.scope)
        if len(rows) > KEPT:
            oldest = next(iter(rows))
            if rows[oldest].ended:
                table.pop(operation.scope, oldest)

    def _end(self, operation: Operation, work: Work, fate: OperationError | None) -> None:
        if operation.ended:
            return
        failure = fate
        if fate:
            work.undo()
        else:
            try:
                work.apply()
            except OperationError as error:
                failure = error
        finish(operation, failure)


def _start(operation: Operation) -> None:
    if not operation.started:
        operation.started = operation.world.agenda.now()


def finish(operation: Operation, failure: OperationError | None = None) -> None:
    """The operation is done; ``failure`` says why it did not do what was asked."""
    if operation.ended:
        return
    _start(operation)
    operation.ended = operation.world.agenda.now()
    if failure:
        operation.errors = failure.errors
        operation.http_status, operation.http_title = failure.status, failure.title
    for waiter in operation.waiters:
        waiter.set()
    operation.waiters.clear()


async def wait(operation: Operation, seconds: float) -> None:
    """Come back when the operation is done, or after so many seconds of this machine's clock."""
    if operation.ended:
        return
    event = asyncio.Event()
    operation.waiters.append(event)
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
    finally:
        if event in operation.waiters:
            operation.waiters.remove(event)
