"""GCE's long-running operations: found by name in their scope, and how they look.

https://cloud.google.com/compute/docs/api/how-tos/api-requests-responses
An operation that fails keeps HTTP 200: its errors stand in ``error.errors``, with
``httpErrorStatusCode`` and ``httpErrorMessage`` unless it is of the silent kind (clouds.md 1.4, 3.1).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from provision.emulator import operations
from provision.emulator.gce.errors import OperationError
from provision.emulator.gce.world import GLOBAL, Json, Project, World, last
from provision.emulator.operations import Work

PENDING, RUNNING, DONE = "PENDING", "RUNNING", "DONE"


@dataclass(slots=True, kw_only=True)
class Operation(operations.Operation):
    """One operation in its scope."""

    world: World = field(repr=False)
    ident: str
    project: str
    scope: str
    work: Work = field(repr=False)
    user: str
    client_id: str
    group: str
    bulk: Callable[[], Json] | None = None
    """Gives ``instancesBulkInsertOperationMetadata`` as it stands."""

    @property
    def status(self) -> str:
        """PENDING, RUNNING or DONE."""
        if self.ended:
            return DONE
        return RUNNING if self.started else PENDING

    def json(self) -> Json:
        """As ``get`` answers it."""
        world = self.world
        shown: Json = {
            "kind": "compute#operation",
            "id": self.ident,
            "name": self.name,
            "operationType": self.work.verb,
            "targetLink": self.work.target,
            "status": self.status,
            "user": self.user,
            "progress": self.progress(),
            "insertTime": world.stamp(self.inserted),
            "selfLink": world.link(self.project, self.scope, "operations", self.name),
        }
        if self.work.target_id:
            shown["targetId"] = self.work.target_id
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
        if isinstance(self.failure, OperationError):
            shown |= self.failure.json()
        if self.bulk:
            shown["instancesBulkInsertOperationMetadata"] = self.bulk()
        return shown


class Operations(operations.Operations):
    """Starts, ends and remembers operations of all projects."""

    def __init__(
        self,
        world: World,
        latency: Callable[[str, str], float],
        fate: Callable[[str], OperationError | None],
    ) -> None:
        super().__init__(world.agenda, lambda method, target: latency(method, last(target)), fate)
        self._world = world

    def begin(
        self, project: Project, scope: str, work: Work, *, method: str = "",
        user: str = "", client_id: str = "", group: str = "",
    ) -> Operation:  # fmt: skip
        """Accept the work and answer its operation. ``method`` is the id the dials go by."""
        world = self._world
        number = world.fresh_number()
        name = f"operation-{int(world.agenda.now() * 1000)}-{number:012x}-{number * 2654435761 % 2**32:08x}"

        def made(inserted: float, due: float) -> Operation:
            return Operation(
                name=name, agenda=world.agenda, inserted=inserted, due=due, world=world,
                ident=world.fresh_id(), project=project.name, scope=scope, work=work, user=user,
                client_id=client_id, group=group,
            )  # fmt: skip

        return self.accept(project.table("operations"), scope, work, method, made)
