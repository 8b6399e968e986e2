"""``compute.instanceGroupManagers.*``; the regional kind has the same methods.

https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroupManagers
An operation here is DONE when the change is scheduled, not when VMs have come or gone.
"""

from collections.abc import Callable, Sequence

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, Rows, Scopes, check_name, every_scope, rows
from provision.emulator.gce.models import group_config, group_shapes, reconcile
from provision.emulator.gce.models.groups import CREATING_ONCE, Group, Managed
from provision.emulator.gce.operations import Operation
from provision.emulator.gce.responses import documents
from provision.emulator.gce.start import start
from provision.emulator.gce.world import Json
from provision.emulator.operations import finish

KIND = "instanceGroupManagers"
PER_REQUEST = 1000
"""VMs one request may name."""


def list_(call: Call) -> Rows:
    """Groups of a zone or region."""
    region = "region" in call.path
    kind = "regionInstanceGroupManagerList" if region else "instanceGroupManagerList"
    return rows(call, KIND, f"compute#{kind}")


def aggregated_list(call: Call) -> Scopes:
    """Groups of all zones and regions."""
    places = [f"zones/{zone}" for zone in call.cloud.catalogue.zones]
    places += [f"regions/{region}" for region in call.cloud.catalogue.regions]
    return every_scope(call, KIND, "compute#instanceGroupManagerAggregatedList", places)


def get(call: Call) -> Json:
    """One group."""
    return _group(call).json()


def _group(call: Call) -> Group:
    found: Group = call.found("instanceGroupManager", KIND)
    return found


def _begin(
    call: Call, verb: str, group: Group, apply: Callable[[], None], *, held: bool = False
) -> Operation:
    if group.deleting and verb != "delete":
        raise errors.not_ready(group.path)
    return start(call, verb, group.name, group.ident, apply, kind=KIND, held=held)


def insert(call: Call) -> Operation:
    """Create a group; its VMs come by themselves."""
    name = call.new_name(KIND)
    body, cloud = call.body, call.cloud
    group_config.unemulated(body)
    zones = group_config.zones_of(call, body)
    versions = group_config.versions_of(call, body)
    config = group_config.config(call, body, zones, {})
    config["baseInstanceName"] = group_config.base_name(call, body, name)
    paginated = config["listManagedInstancesResults"] == "PAGINATED"
    if body.get("targetSize") is None:
        raise errors.required("resource.targetSize")
    target = group_config.size(call, body["targetSize"], paginated, "resource.targetSize")
    group = Group(
        cloud=cloud, project=call.project, name=name, scope=call.scope, zones=zones,
        ident=cloud.world.fresh_id(), created=cloud.world.agenda.now(), config=config,
        versions=versions, target=target,
    )  # fmt: skip
    for version in versions:
        reconcile.plans_of(group, version.template)
    charges = _charges(group)
    documents.charge(call, charges)
    table = call.table(KIND)
    table.put(group.scope, group)

    def undo() -> None:
        group.deleting = True
        table.pop(group.scope, group.name)
        cloud.quota.release(call.project, charges)

    return start(
        call, "insert", name, group.ident, lambda: reconcile.reconcile(group), undo, kind=KIND
    )


def _charges(group: Group) -> dict[tuple[str, str], float]:
    metric = "REGIONAL_INSTANCE_GROUP_MANAGERS" if group.regional else "INSTANCE_GROUP_MANAGERS"
    return {(group.region, metric): 1.0, (group.region, "INSTANCE_GROUPS"): 1.0}


def delete(call: Call) -> Operation:
    """Remove the group with all its VMs; done when they are gone."""
    group = _group(call)
    table = call.table(KIND)

    def gone() -> None:
        if table.get(group.scope, group.name) is group:
            table.pop(group.scope, group.name)
            call.cloud.quota.release(call.project, _charges(group))
        finish(operation)

    operation = _begin(call, "delete", group, lambda: None, held=True)
    if not operation.doomed:
        group.deleting = True
        group.target = 0
        seconds = call.cloud.latency(call.method.id, group.name)
        call.cloud.world.agenda.after(
            seconds, lambda: reconcile.delete(group, list(group.members.values()), gone)
        )
    return operation


def patch(call: Call) -> Operation:
    """Change what the body names and leave the rest."""
    group, body = _group(call), call.body
    group_config.unemulated(body)
    if "fingerprint" in body and body["fingerprint"] != group.fingerprint():
        raise errors.fingerprint_mismatch()
    config = group_config.config(call, body, group.zones, group.config)
    if body.get("baseInstanceName"):
        config["baseInstanceName"] = group_config.base_name(call, body, group.name)
    versions = group.versions
    if body.get("instanceTemplate") or body.get("versions"):
        versions = group_config.versions_of(call, body)
    target = group.target
    if body.get("targetSize") is not None:
        target = group_config.size(call, body["targetSize"], group.paginated, "resource.targetSize")

    def apply() -> None:
        if config.get("instanceFlexibilityPolicy") != group.config.get("instanceFlexibilityPolicy"):
            group.plans.clear()
        group.config, group.versions, group.target = config, versions, target
        group.changes += 1
        reconcile.reconcile(group)

    return _begin(call, "patch", group, apply)


def resize(call: Call) -> Operation:
    """Another target size."""
    group = _group(call)
    target = group_config.size(call, call.query["size"], group.paginated, "size")

    def apply() -> None:
        group.target = target
        reconcile.reconcile(group)

    return _begin(call, "resize", group, apply)


def set_instance_template(call: Call) -> Operation:
    """What VMs are made from after this; those there stay until they are updated."""
    group = _group(call)
    versions = group_config.versions_of(
        call, {"instanceTemplate": call.body.get("instanceTemplate")}
    )

    def apply() -> None:
        group.versions = versions
        group.changes += 1
        reconcile.roll(group)

    return _begin(call, "setInstanceTemplate", group, apply)


def list_managed_instances(call: Call) -> Rows:
    """VMs as the group sees them; all at once unless the group is paginated."""
    group = _group(call)
    return Rows(
        kind="",
        keys=sorted(group.members),
        render=lambda name: group_shapes.managed(group, group.members[name]),
        path=f"{group.path}/managedInstances",
        holds="managedInstances",
        paged=group.paginated,
    )


def list_errors(call: Call) -> Rows:
    """What went wrong lately, newest first."""
    group = _group(call)
    entries = {f"{index:06d}": entry for index, entry in enumerate(reversed(group.log))}
    return Rows("", sorted(entries), entries.__getitem__, f"{group.path}/errors")


def _named(call: Call, group: Group, links: Sequence[str]) -> list[Managed]:
    """Members that a request names. Raises ApiError where one is none of this group's."""
    if not links:
        raise errors.required("instances")
    if len(links) > PER_REQUEST:
        message = (
            f"Value for field 'instances' is too large: maximum size {PER_REQUEST} element(s);"
            f" actual size {len(links)}."
        )
        raise errors.ApiError(400, "invalid", message)
    skip = bool(call.body.get("skipInstancesOnValidationError"))
    found = []
    for link in links:
        member = group.member(link)
        if member is None and not skip:
            raise errors.invalid(
                "instances", link, f"Instance is not managed by the group {group.path}."
            )
        if member is not None:
            found.append(member)
    return list({member.name: member for member in found}.values())


def create_instances(call: Call) -> Operation:
    """VMs of given names, made once and not retried."""
    group = _group(call)
    policy = group.config["updatePolicy"]
    if policy["type"] == "PROACTIVE" and policy["replacementMethod"] == "SUBSTITUTE":
        raise errors.precondition(
            "CONDITION_NOT_MET: createInstances needs an update policy that is not PROACTIVE with"
            " SUBSTITUTE."
        )
    wanted = [str(each.get("name", "")) for each in call.body.get("instances") or []]
    if not wanted:
        raise errors.required("instances")
    for name in wanted:
        check_name(name, "instances.name")
        if name in group.members:
            raise errors.already_exists(f"{group.path}/instances/{name}")
    group_config.size(call, group.target + len(wanted), group.paginated, "instances")

    def apply() -> None:
        group.target += len(wanted)
        reconcile.add(group, wanted, CREATING_ONCE)

    return _begin(call, "createInstances", group, apply)


def delete_instances(call: Call) -> Operation:
    """Delete the named VMs and ask for that many fewer."""
    group = _group(call)
    members = _named(call, group, call.body.get("instances") or [])

    def apply() -> None:
        still = [m for m in members if m in list(group.staying())]
        group.target = max(0, group.target - len(still))
        reconcile.delete(group, still)

    return _begin(call, "deleteInstances", group, apply)


def recreate_instances(call: Call) -> Operation:
    """Delete the named VMs and make them anew by the same names."""
    group = _group(call)
    members = _named(call, group, call.body.get("instances") or [])

    def apply() -> None:
        for member in members:
            reconcile.recreate(group, member)

    return _begin(call, "recreateInstances", group, apply)


def abandon_instances(call: Call) -> Operation:
    """Let the named VMs go, alive, and ask for that many fewer."""
    group = _group(call)
    members = _named(call, group, call.body.get("instances") or [])

    def apply() -> None:
        reconcile.abandon(group, [m for m in members if group.members.get(m.name) is m])

    return _begin(call, "abandonInstances", group, apply)


def apply_updates_to_instances(call: Call) -> Operation:
    """Bring the named VMs (or all) to the group's template."""
    group, body = _group(call), call.body
    everyone = bool(body.get("allInstances"))
    members = (
        list(group.members.values())
        if everyone
        else _named(call, group, body.get("instances") or [])
    )
    least = body.get("minimalAction", "NONE")

    def apply() -> None:
        outdated = {member.name for member in group.outdated()} if everyone else set()
        for member in members:
            stale = member.name in outdated if everyone else group.surplus(member)
            if stale or least == "REPLACE":
                reconcile.update(group, member)
            elif least == "RESTART":
                reconcile.restart(group, member)

    return _begin(call, "applyUpdatesToInstances", group, apply)
