"""``compute.instanceTemplates.*`` and the regional kind: what VMs are made from, never changed."""

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, Scopes, every_scope, rows
from provision.emulator.gce.models import shapes
from provision.emulator.gce.models.blueprints import blueprint
from provision.emulator.gce.models.instances import Instance
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.responses import documents
from provision.emulator.gce.start import start
from provision.emulator.gce.world import GLOBAL, Document, Json, fingerprint, last, relative

KIND = "instanceTemplates"
CHARGE = {(GLOBAL, "INSTANCE_TEMPLATES"): 1.0}


def list_(call: Call) -> Rows:
    """Templates of the project or a region."""
    return rows(call, KIND, "compute#instanceTemplateList")


def aggregated_list(call: Call) -> Scopes:
    """Templates everywhere."""
    places = [GLOBAL, *(f"regions/{region}" for region in call.cloud.catalogue.regions)]
    return every_scope(call, KIND, "compute#instanceTemplateAggregatedList", places)


def get(call: Call) -> Json:
    """One template."""
    found: Document = call.found("instanceTemplate", KIND)
    return found.json()


def insert(call: Call) -> Operation:
    """Create one, from its properties or after a VM that is there."""
    name = call.new_name(KIND)
    body, world = call.body, call.cloud.world
    source = body.get("sourceInstance")
    properties = _of_instance(call, source) if source else dict(body.get("properties") or {})
    blueprint(call.cloud, call.project, properties, "resource.properties")
    documents.charge(call, CHARGE)
    data: Json = {
        "kind": "compute#instanceTemplate",
        "id": world.fresh_id(),
        "creationTimestamp": world.stamp(),
        "name": name,
        "description": body.get("description", ""),
        "properties": _completed(properties),
        "selfLink": world.link(call.path["project"], call.scope, KIND, name),
    }
    if "region" in call.path:
        data["region"] = world.link(call.path["project"], call.scope)
    if source:
        data["sourceInstance"] = source
    table, scope = call.table(KIND), call.scope
    table.put(scope, Document(name, data))

    def undo() -> None:
        table.pop(scope, name)
        call.cloud.quota.release(call.project, CHARGE)

    return start(call, "insert", name, data["id"], undo=undo, kind=KIND)


def _completed(properties: Json) -> Json:
    """Properties with what Google adds to them."""
    result = dict(properties)
    given = properties.get("metadata") or {}
    result["metadata"] = {
        "kind": "compute#metadata",
        "fingerprint": fingerprint(given.get("items")),
        **{key: value for key, value in given.items() if key == "items"},
    }
    result["machineType"] = last(properties["machineType"])
    result["disks"] = [
        {
            "kind": "compute#attachedDisk", "type": "PERSISTENT", "mode": "READ_WRITE",
            "index": index, **disk,
        }
        for index, disk in enumerate(properties.get("disks") or [])
    ]  # fmt: skip
    result["networkInterfaces"] = [
        {"kind": "compute#networkInterface", "name": f"nic{index}", **interface}
        for index, interface in enumerate(properties.get("networkInterfaces") or [])
    ]
    return result


def _of_instance(call: Call, link: str) -> Json:
    path = relative(link)
    zone = path.partition("zones/")[2].partition("/")[0]
    vm: Instance | None = call.table("instances").get(f"zones/{zone}", last(path))
    if vm is None:
        raise errors.invalid(
            "resource.sourceInstance", link, "The referenced instance cannot be found."
        )
    shown = shapes.instance(vm)
    source = dict(vm.blueprint.source)
    source["metadata"] = {"items": shown["metadata"].get("items", [])}
    source["labels"] = vm.own_labels()
    return source


def delete(call: Call) -> Operation:
    """Remove one that no group uses."""
    template: Document = call.found("instanceTemplate", KIND)
    table, scope, project = call.table(KIND), call.scope, call.project
    path = call.own_path(template.name, KIND)
    for group in project.table("instanceGroupManagers"):
        used = [*group.versions, *(member.version for member in group.members.values())]
        if any(relative(version.template) == path for version in used):
            raise errors.in_use("instance_template", path, group.path)

    def apply() -> None:
        if table.pop(scope, template.name) is not None:
            call.cloud.quota.release(project, CHARGE)

    return start(call, "delete", template.name, template.data["id"], apply, kind=KIND)
