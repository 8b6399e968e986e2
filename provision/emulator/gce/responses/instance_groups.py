"""``compute.instanceGroups.*``: the plain group behind each managed one."""

from provision.emulator import lives
from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, Scopes
from provision.emulator.gce.models import group_shapes
from provision.emulator.gce.models.groups import Group
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.start import start
from provision.emulator.gce.world import Json

MANAGERS = "instanceGroupManagers"


def _rows(call: Call, scope: str, kind: str) -> Rows:
    table = call.table(MANAGERS)
    return Rows(
        kind=kind,
        keys=table.names(scope),
        render=lambda name: group_shapes.instance_group(table.rows(scope)[name]),
        path=f"projects/{call.path['project']}/{scope}/instanceGroups",
    )


def list_(call: Call) -> Rows:
    """Groups of a zone or region."""
    region = "region" in call.path
    kind = "regionInstanceGroupList" if region else "instanceGroupList"
    return _rows(call, call.scope, f"compute#{kind}")


def aggregated_list(call: Call) -> Scopes:
    """Groups of all zones and regions."""
    places = [f"zones/{zone}" for zone in call.cloud.catalogue.zones]
    places += [f"regions/{region}" for region in call.cloud.catalogue.regions]
    path = f"projects/{call.path['project']}/aggregated/instanceGroups"
    groups = {place: _rows(call, place, "") for place in places}
    return Scopes("compute#instanceGroupAggregatedList", "instanceGroups", groups, path)


def _group(call: Call) -> Group:
    name = call.path["instanceGroup"]
    found: Group | None = call.table(MANAGERS).get(call.scope, name)
    if found is None:
        raise errors.not_found(call.own_path(name, "instanceGroups"))
    return found


def get(call: Call) -> Json:
    """One group."""
    return group_shapes.instance_group(_group(call))


def list_instances(call: Call) -> Rows:
    """VMs of a group; with ``instanceState`` RUNNING only those."""
    group = _group(call)
    running = call.body.get("instanceState", "ALL") == "RUNNING"
    vms = {member.name: member.vm for member in group.members.values() if member.vm}
    keys = sorted(name for name, vm in vms.items() if not running or vm.status == lives.RUNNING)

    def render(name: str) -> Json:
        vm = vms[name]
        shown: Json = {"instance": vm.link, "status": vm.status}
        if group.config.get("namedPorts"):
            shown["namedPorts"] = group.config["namedPorts"]
        return shown

    region = "region" if group.regional else ""
    kind = f"compute#{region}{'I' if region else 'i'}nstanceGroupsListInstances"
    return Rows(kind, keys, render, f"{group.path}/instances")


def set_named_ports(call: Call) -> Operation:
    """Names for ports, shown with the group."""
    group = _group(call)
    current = group_shapes.instance_group(group)["fingerprint"]
    if call.body.get("fingerprint") not in (None, current):
        raise errors.fingerprint_mismatch()
    ports = list(call.body.get("namedPorts") or [])

    def apply() -> None:
        group.config["namedPorts"] = ports

    return start(call, "setNamedPorts", group.name, group.ident, apply, kind="instanceGroups")
