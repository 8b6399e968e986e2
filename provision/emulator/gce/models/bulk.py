"""``bulkInsert``, zonal and regional: many VMs by one request (clouds.md 1.3).

Accepted with HTTP 200; what fails later stands in the operation, in its metadata by zone, and in one
``insert`` operation per VM that shares its ``operationGroupId``.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat

from provision.emulator import lives
from provision.emulator.gce import errors
from provision.emulator.gce.call import Call
from provision.emulator.gce.errors import OperationError
from provision.emulator.gce.models import bulk_request as asked
from provision.emulator.gce.models import creating, placing
from provision.emulator.gce.models.blueprints import Blueprint
from provision.emulator.gce.models.instances import Instance
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.start import start as begin
from provision.emulator.gce.world import Json
from provision.emulator.operations import Work, finish

MOST = 5000
"""VMs of one request."""


@dataclass(slots=True)
class Batch:
    """One request under way. Counters are by zone."""

    call: Call
    group: str
    target: Counter[str] = field(default_factory=Counter)
    created: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    deleted: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    rolling_back: bool = False
    causes: list[Json] = field(default_factory=list)
    """Why there was no room for more of them."""
    tried: str = ""
    """The zone in which those were tried first."""
    taken: list[Json] = field(default_factory=list)
    """Why those could not be made whose names are taken."""

    def metadata(self) -> Json:
        """``instancesBulkInsertOperationMetadata``."""
        return {
            "perLocationStatus": {
                f"zones/{zone}": {
                    "status": self._status(zone),
                    "targetVmCount": count,
                    "createdVmCount": self.created[zone],
                    "failedToCreateVmCount": self.failed[zone],
                    "deletedVmCount": self.deleted[zone],
                }
                for zone, count in sorted(self.target.items())
            }
        }

    def _status(self, zone: str) -> str:
        if self.rolling_back:
            return "DONE" if self.deleted[zone] >= self.created[zone] else "ROLLING_BACK"
        ended = self.created[zone] + self.failed[zone] >= self.target[zone]
        return "DONE" if ended else "CREATING"


def start(call: Call, zones: Sequence[str]) -> Operation:
    """Check everything, accept, and begin. ``zones`` are those of the request's scope."""
    body = call.body
    count = int(body.get("count") or len(body.get("perInstanceProperties") or {}))
    least = int(body.get("minCount") or count)
    if not 1 <= count <= MOST:
        raise errors.invalid("count", count, f"Must be between 1 and {MOST}.")
    if not 1 <= least <= count:
        raise errors.invalid("minCount", least, "Must be between 1 and count.")
    plans = asked.plans(call)
    zones = asked.allowed(call, zones)
    names = asked.names(call, count, zones)
    draw = call.cloud.world.chance("group", call.cloud.world.fresh_number())
    batch = Batch(call, str(uuid.UUID(int=draw.getrandbits(128))))
    taken = asked.taken(call, names, zones)
    vms = _place(
        batch, [name for name in names if name not in taken], plans, zones, asked.shape(call)
    )
    operation = begin(call, "bulkInsert", "", group=batch.group, held=True, kind="instances")
    operation.bulk = batch.metadata
    for name, zone in taken.items():
        _exists(batch, name, zone)
    if operation.doomed or len(vms) < least:
        _roll_back(batch, operation, vms, least)
    else:
        _come(batch, operation, vms)
    return operation


def _exists(batch: Batch, name: str, zone: str) -> None:
    """One failed ``insert`` for a VM whose name is taken."""
    path = f"projects/{batch.call.path['project']}/zones/{zone}/instances/{name}"
    refusal = placing.refused(errors.already_exists(path))
    batch.target[zone] += 1
    batch.failed[zone] += 1
    batch.taken += refusal.errors
    _failed(batch, zone, name, refusal)


def _place(
    batch: Batch, names: list[str], plans: list[Blueprint], zones: Sequence[str], form: str
) -> list[Instance]:
    """Make as many as there is room for; what is missing is counted where it was tried first."""
    if not names:
        return []
    if form != "ANY_SINGLE_ZONE":
        vms = _try(batch, names, plans, _turns(list(zones), form))
        return _count(batch, vms, names, zones[0])
    most, chosen = 0, zones[0]
    for zone in zones:
        vms = _try(batch, names, plans, repeat([zone]))
        if len(vms) == len(names):
            return _count(batch, vms, names, zone)
        most, chosen = max((most, chosen), (len(vms), zone), key=lambda pair: pair[0])
        for vm in vms:
            lives.discard(vm)
    return _count(batch, _try(batch, names, plans, repeat([chosen])), names, chosen)


def _turns(zones: list[str], form: str) -> Iterator[list[str]]:
    """For each VM the zones in the order in which they are tried."""
    turn = 0
    while True:
        at = turn % len(zones) if form in ("BALANCED", "EVEN") else 0
        yield zones[at:] + zones[:at]
        turn += 1


def _try(
    batch: Batch, names: list[str], plans: list[Blueprint], turns: Iterator[list[str]]
) -> list[Instance]:
    call, made = batch.call, list[Instance]()
    for name, zones in zip(names, turns, strict=False):
        vm, cause = _one(call, name, zones, plans)
        if vm is None:
            batch.causes = cause
            break
        made.append(vm)
    return made


def _one(
    call: Call, name: str, zones: list[str], plans: list[Blueprint]
) -> tuple[Instance | None, list[Json]]:
    causes: list[Json] = []
    own = (call.body.get("perInstanceProperties") or {}).get(name) or {}
    for zone in zones:
        for plan in plans:
            try:
                vm = creating.make(call.cloud, call.project, zone, name, plan)
            except OperationError as refusal:
                causes = causes or refusal.errors
                continue
            vm.hostname = own.get("hostname", "")
            return vm, []
    return None, causes


def _count(batch: Batch, vms: list[Instance], names: list[str], first: str) -> list[Instance]:
    batch.tried = first
    batch.target.update(vm.zone for vm in vms)
    missing = len(names) - len(vms)
    if missing:
        batch.target[first] += missing
        batch.failed[first] += missing
    return vms


def _come(batch: Batch, operation: Operation, vms: list[Instance]) -> None:
    """Let them come; the operation ends when the last one runs."""
    call = batch.call
    agenda = call.cloud.world.agenda
    longest = call.cloud.latency(call.method.id, batch.group)
    for vm in vms:
        seconds = lives.come(vm)
        longest = max(longest, seconds)
        work = Work("insert", vm.link, vm.ident, seconds=seconds)
        call.cloud.operations.begin(call.project, vm.scope, work, user=call.user, group=batch.group)
        agenda.after(seconds, partial(batch.created.update, [vm.zone]))
    _refusals(batch)
    agenda.after(longest, lambda: finish(operation))


def _refusals(batch: Batch) -> None:
    """One failed ``insert`` for what could not be made, as Google lists the causes."""
    if batch.causes:
        _failed(batch, batch.tried, "", OperationError(batch.causes, 503, "SERVICE UNAVAILABLE"))


def _failed(batch: Batch, zone: str, name: str, failure: OperationError) -> None:
    """An ``insert`` of the batch that fails."""

    def fail() -> None:
        raise failure

    call, scope = batch.call, f"zones/{zone}"
    own = [name] if name else []
    work = Work(
        "insert", call.cloud.world.link(call.path["project"], scope, "instances", *own), apply=fail
    )
    call.cloud.operations.begin(call.project, scope, work, user=call.user, group=batch.group)


def _roll_back(batch: Batch, operation: Operation, vms: list[Instance], least: int) -> None:
    batch.rolling_back = True
    for vm in vms:
        batch.created[vm.zone] += 1
        lives.remove(vm, partial(batch.deleted.update, [vm.zone]))
    _refusals(batch)
    if operation.doomed:
        return
    summary = {
        "code": "VM_MIN_COUNT_NOT_REACHED",
        "message": f"Requested minimum count of {least} VMs could not be created.",
    }
    failure = OperationError([summary, *batch.taken, *batch.causes], 503, "SERVICE UNAVAILABLE")
    seconds = batch.call.cloud.latency(batch.call.method.id, batch.group)
    batch.call.cloud.world.agenda.after(seconds, lambda: finish(operation, failure))
