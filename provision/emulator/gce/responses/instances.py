"""``compute.instances.*``: https://cloud.google.com/compute/docs/reference/rest/v1/instances."""

from collections.abc import Callable

from provision.emulator import lives
from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, Scopes, every_scope, rows
from provision.emulator.gce.models import bulk, creating, instances, metadata, shapes
from provision.emulator.gce.models.blueprints import check_labels, for_vms
from provision.emulator.gce.models.instances import Instance
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.start import start
from provision.emulator.gce.world import Json
from provision.emulator.operations import finish

CONSOLE_LIMIT = 2**20
"""Bytes of one answer with serial output; Google keeps the last MiB."""


def list_(call: Call) -> Rows:
    """VMs of a zone."""
    return rows(call, "instances", "compute#instanceList")


def aggregated_list(call: Call) -> Scopes:
    """VMs of all zones."""
    zones = [f"zones/{zone}" for zone in call.cloud.catalogue.zones]
    return every_scope(call, "instances", "compute#instanceAggregatedList", zones)


def get(call: Call) -> Json:
    """One VM."""
    return _vm(call).json()


def _vm(call: Call) -> Instance:
    found: Instance = call.found("instance", "instances")
    return found


def insert(call: Call) -> Operation:
    """Create one, from its body, from a template, or from both (the body wins, field by field)."""
    name = call.new_name("instances")
    source = call.query.get("sourceInstanceTemplate", "")
    given = {key: value for key, value in call.body.items() if key != "name"}
    if source:
        given = creating.template_properties(call.cloud, call.project, source) | given
    plan = for_vms(call.cloud, call.project, given)
    return creating.insert(call, name, plan)


def bulk_insert(call: Call) -> Operation:
    """Create many in one zone."""
    return bulk.start(call, [call.path["zone"]])


def delete(call: Call) -> Operation:
    """Remove it and the disks that go with it."""
    vm = _vm(call)
    if vm.protected:
        message = "Resource cannot be deleted if it's protected against deletion."
        raise errors.ApiError(400, "invalidUsage", f"Invalid resource usage: '{message}'.")
    return _held(call, "delete", vm, lambda then: lives.remove(vm, then))


def stop(call: Call) -> Operation:
    """Stop and keep it."""
    vm = _vm(call)
    if vm.status == lives.TERMINATED:
        return _change(call, "stop", vm)
    instances.busy_check(vm)
    return _held(call, "stop", vm, lambda then: lives.stop(vm, then))


def start_(call: Call) -> Operation:
    """Start a stopped one."""
    vm = _vm(call)
    if vm.status in lives.UP:
        return _change(call, "start", vm)
    instances.busy_check(vm)
    seconds = call.cloud.latency(call.method.id, vm.name) + lives.come(vm)
    return _change(call, "start", vm, seconds=seconds)


def reset(call: Call) -> Operation:
    """Power-cycle it."""
    vm = _vm(call)
    if vm.status != lives.RUNNING:
        raise errors.not_ready(vm.path)
    return _change(call, "reset", vm, lambda: lives.reset(vm))


def _change(
    call: Call, verb: str, vm: Instance, apply: Callable[[], None] = lambda: None,
    seconds: float | None = None,
) -> Operation:  # fmt: skip
    return start(call, verb, vm.name, vm.ident, apply, kind="instances", seconds=seconds)


def _held(
    call: Call, verb: str, vm: Instance, act: Callable[[Callable[[], None]], None]
) -> Operation:
    """An operation that is done when its latency has passed and the machine is gone."""
    waiting = {"latency", "machine"}
    operation: Operation

    def passed(what: str) -> None:
        waiting.discard(what)
        if not waiting:
            finish(operation)

    def latency() -> None:
        act(lambda: passed("machine"))
        passed("latency")

    operation = start(call, verb, vm.name, vm.ident, kind="instances", held=True)
    if not operation.doomed:
        if verb == "delete" and vm.status in (*lives.UP, lives.TERMINATED):
            vm.set(lives.STOPPING)
        call.cloud.world.agenda.after(call.cloud.latency(call.method.id, vm.name), latency)
    return operation


def set_labels(call: Call) -> Operation:
    """Replace all labels; needs the current fingerprint."""
    vm = _vm(call)
    labels = call.body.get("labels") or {}
    check_labels(labels, "labels")
    if call.body.get("labelFingerprint") != shapes.label_print(vm):
        raise errors.fingerprint_mismatch("Labels")

    def apply() -> None:
        vm.labels = dict(labels)

    return _change(call, "setLabels", vm, apply)


def set_metadata(call: Call) -> Operation:
    """Replace all metadata; needs the current fingerprint."""
    vm = _vm(call)
    metadata.check(call.body, "resource")
    current = shapes.metadata_of(vm)["fingerprint"]
    if call.body.get("fingerprint") != current:
        raise errors.fingerprint_mismatch("metadata")
    items = metadata.pairs(call.body)

    def apply() -> None:
        vm.items = items

    return _change(call, "setMetadata", vm, apply)


def set_tags(call: Call) -> Operation:
    """Replace all network tags; needs the current fingerprint."""
    vm = _vm(call)
    if call.body.get("fingerprint") != shapes.tag_print(vm):
        raise errors.fingerprint_mismatch("tags")
    tags = list(call.body.get("items") or [])

    def apply() -> None:
        vm.tags = tags

    return _change(call, "setTags", vm, apply)


def set_deletion_protection(call: Call) -> Operation:
    """Guard it against deletion, or no longer (the path's ``resource`` names the VM)."""
    vm: Instance = call.found("resource", "instances")
    protect = bool(call.query.get("deletionProtection", True))

    def apply() -> None:
        vm.protected = protect

    return _change(call, "setDeletionProtection", vm, apply)


def set_machine_type(call: Call) -> Operation:
    """Another machine type for a stopped VM."""
    vm = _vm(call)
    if vm.status != lives.TERMINATED:
        raise errors.ApiError(
            400, "resourceNotReady", "Instance is in a state that does not allow the change: it must"
            f" be stopped (it is {vm.status}).",
        )  # fmt: skip
    wanted = vm.blueprint.source | {"machineType": call.body.get("machineType", "")}
    plan = for_vms(call.cloud, call.project, wanted)

    return _change(call, "setMachineType", vm, lambda: creating.exchange(vm, plan))


async def get_serial_port_output(call: Call) -> Json:
    """The machine's console from byte ``start`` on."""
    vm = _vm(call)
    data = (await call.cloud.machines.console(vm.key)).encode()
    begin = max(0, int(call.query.get("start", 0)), len(data) - CONSOLE_LIMIT)
    return {
        "kind": "compute#serialPortOutput",
        "selfLink": f"{vm.link}/serialPort",
        "contents": data[begin:].decode(errors="replace"),
        "start": str(min(begin, len(data))),
        "next": str(len(data)),
    }


def get_guest_attributes(call: Call) -> Json:
    """What the guest has put there, by namespace (``queryPath=ns/``) or one key."""
    vm = _vm(call)
    if instances.metadata_of(vm).get("enable-guest-attributes", "").upper() != "TRUE":
        raise errors.ApiError(
            412, "conditionNotMet", "Guest attributes endpoint access is disabled."
        )
    attributes = vm.guest or {}
    query = call.query.get("queryPath") or ""
    space, _, key = (query or call.query.get("variableKey", "")).partition("/")
    values = [
        {"namespace": name, "key": each, "value": value}
        for name, pairs in sorted(attributes.items())
        for each, value in sorted(pairs.items())
        if space in ("", name) and key in ("", each)
    ]
    if not values:
        raise errors.not_found(f"{vm.path}/guestAttributes/{query}")
    shown: Json = {
        "kind": "compute#guestAttributes",
        "selfLink": f"{vm.link}/getGuestAttributes",
        "queryPath": query,
        "queryValue": {"items": values},
    }
    if query and key:
        shown["variableValue"] = values[0]["value"]
    return shown
