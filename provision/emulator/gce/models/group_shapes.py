"""How a group's members look in Google's JSON, and the group as the other kind that it is, too."""

from provision.emulator import lives
from provision.emulator.gce.models.groups import Group, Managed
from provision.emulator.gce.world import Json, fingerprint


def managed(group: Group, member: Managed) -> Json:
    """One element of ``listManagedInstances``."""
    world, vm = group.cloud.world, member.vm
    zone = member.zone or group.zones[0]
    shown: Json = {
        "name": member.name,
        "instance": world.link(group.project.name, f"zones/{zone}", "instances", member.name),
        "currentAction": member.action,
        "version": member.version.json(),
    }
    if vm is not None and vm.status != lives.GONE:
        shown |= {"id": vm.ident, "instanceStatus": vm.status}
        if vm.due:
            shown["scheduling"] = {"terminationTimestamp": world.stamp(vm.due.due)}
    if member.errors:
        shown["lastAttempt"] = {"errors": {"errors": member.errors}}
    return shown


def instance_group(group: Group) -> Json:
    """The group as a ``compute#instanceGroup``."""
    world = group.cloud.world
    kind, _, place = group.scope.partition("/")
    shown: Json = {
        "kind": "compute#instanceGroup",
        "id": group.ident,
        "creationTimestamp": world.stamp(group.created),
        "name": group.name,
        "description": f"This instance group is controlled by Instance Group Manager '{group.name}'.",
        kind.removesuffix("s"): world.link(group.project.name, kind, place),
        "fingerprint": fingerprint(group.ident, group.config.get("namedPorts")),
        "size": sum(1 for member in group.members.values() if member.vm),
        "selfLink": world.link(group.project.name, group.scope, "instanceGroups", group.name),
    }
    if group.config.get("namedPorts"):
        shown["namedPorts"] = group.config["namedPorts"]
    for member in group.members.values():
        if member.vm:
            nic = member.vm.place.nics[0]
            shown["network"] = nic.subnetwork.network
            shown["subnetwork"] = world.base + nic.subnetwork.path
            break
    return shown
