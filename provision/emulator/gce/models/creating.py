"""Creating VMs: one that a request asks for, and one a group or a bulk request makes."""

from provision.emulator import lives
from provision.emulator.gce import errors
from provision.emulator.gce.call import Call
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.errors import ApiError, OperationError
from provision.emulator.gce.models import placing
from provision.emulator.gce.models.blueprints import Blueprint
from provision.emulator.gce.models.instances import Instance
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.start import start
from provision.emulator.gce.world import Json, Project, last, relative
from provision.emulator.quota import Exceeded


def template(cloud: Cloud, project: Project, reference: str, field: str) -> Json:
    """The instance template that any form of its link names. Raises ApiError."""
    path = relative(reference)
    scope = "global"
    if "/regions/" in f"/{path}":
        scope = f"regions/{f'/{path}'.partition('/regions/')[2].partition('/')[0]}"
    owner = path.split("/")[1] if path.startswith("projects/") else project.name
    found = cloud.world.project(owner).table("instanceTemplates").get(scope, last(path))
    if found is None:
        raise errors.invalid(field, reference, "The referenced instance template cannot be found.")
    result: Json = found.data
    return result


def template_properties(cloud: Cloud, project: Project, reference: str) -> Json:
    """Properties of a template, as an instance's body has them."""
    properties: Json = template(cloud, project, reference, "sourceInstanceTemplate")["properties"]
    return properties


def make(
    cloud: Cloud, project: Project, zone: str, name: str, plan: Blueprint, manager: str = "",
    template: str = "",
) -> Instance:  # fmt: skip
    """Put a new VM there, still in no life. Raises OperationError with nothing made.

    ``manager`` and ``template`` are links without host, with the project's number, of a group's VM.

    The caller lets it come with :func:`provision.emulator.gce.models.lives.come`.
    """
    table = project.table("instances")
    scope = f"zones/{zone}"
    if table.get(scope, name) is not None:
        path = f"projects/{project.name}/{scope}/instances/{name}"
        raise placing.refused(errors.already_exists(path))
    try:
        place = placing.take(cloud, project, zone, name, plan, cloud.catalogue.zones[zone])
    except ApiError as error:
        raise placing.refused(error) from error
    vm = Instance(
        cloud=cloud, project=project, name=name, zone=zone, ident=cloud.world.fresh_id(),
        blueprint=plan, place=place, created=cloud.world.agenda.now(), manager=manager,
        template=template,
    )  # fmt: skip
    table.put(scope, vm)
    return vm


def insert(call: Call, name: str, plan: Blueprint) -> Operation:
    """The operation of ``instances.insert``: what lacks quota or room fails in it, not before."""
    try:
        vm = make(call.cloud, call.project, call.path["zone"], name, plan)
    except OperationError as refusal:
        failure = refusal

        def fail() -> None:
            raise failure

        if isinstance(refusal.__cause__, ApiError):
            raise refusal.__cause__ from refusal
        return start(call, "insert", name, call.cloud.world.fresh_id(), fail)
    vm.hostname = call.body.get("hostname", "")
    vm.protected = bool(call.body.get("deletionProtection", False))
    seconds = call.cloud.latency(call.method.id, name) + lives.come(vm)
    return start(call, "insert", name, vm.ident, undo=lambda: lives.remove(vm), seconds=seconds)


def exchange(vm: Instance, plan: Blueprint) -> None:
    """A stopped VM with another machine type. Raises OperationError with nothing changed."""
    cloud, old = vm.cloud, vm.place
    charges = plan.charges(vm.region, cloud, vm.project)
    freed = vm.blueprint.charges(vm.region, cloud, vm.project)
    cloud.quota.release(vm.project, freed)
    try:
        cloud.quota.charge(vm.project, charges)
    except Exceeded as short:
        cloud.quota.charge(vm.project, freed)
        raise placing.quota_error(cloud, short) from short
    for key, amount in freed.items():
        old.charges[key] = old.charges.get(key, 0) - amount
    for key, amount in charges.items():
        old.charges[key] = old.charges.get(key, 0) + amount
    cloud.capacity.give(vm.zone, old.machine_type)
    old.machine_type = plan.kind.name
    cloud.capacity.take(vm.zone, old.machine_type)
    vm.blueprint = plan
