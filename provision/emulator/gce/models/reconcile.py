"""What a group does by itself: make what is missing, remove what is too much, mend what breaks."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from provision.emulator import lives
from provision.emulator.gce.errors import ApiError, OperationError
from provision.emulator.gce.models import creating, naming, versions
from provision.emulator.gce.models.blueprints import Blueprint, for_vms
from provision.emulator.gce.models.bulk_request import flexible
from provision.emulator.gce.models.groups import (
    CREATING,
    CREATING_ONCE,
    DELETING,
    LEAVING,
    NONE,
    RECREATING,
    RESTARTING,
    Group,
    Managed,
)
from provision.emulator.gce.models.instances import Instance
from provision.emulator.gce.models.placing import refused
from provision.emulator.gce.world import relative


def reconcile(group: Group) -> None:
    """Begin whatever brings the group to its target size."""
    missing = group.target - sum(1 for _ in group.staying())
    if missing > 0 and not group.deleting:
        add(group, _names(group, missing), CREATING)
    elif missing < 0:
        delete(group, _surplus(group, -missing))
    roll(group)


def _names(group: Group, count: int) -> list[str]:
    base = group.config["baseInstanceName"]
    taken = set(group.members)
    source: Iterator[str]
    if naming.HASHES.search(base):
        source = naming.lowest_free(base, taken)
    else:
        source = naming.random_names(
            base, taken, lambda draw: group.cloud.world.chance(group.name, group.draws, draw)
        )
        group.draws += 1
    names: list[str] = []
    while len(names) < count:
        name = next(source)
        taken.add(name)
        names.append(name)
    return names


def _surplus(group: Group, count: int) -> list[Managed]:
    """Those that go first: not made yet, then the last by name."""
    staying = sorted(group.staying(), key=lambda member: (member.vm is None, member.name))
    return staying[-count:]


def add(group: Group, names: Sequence[str], action: str) -> None:
    """New members with these names."""
    crowd = Counter(member.zone for member in group.staying())
    there = Counter(member.version for member in group.staying())
    wanted = versions.sizes(group.versions, group.target)
    for name in names:
        version = versions.missing(wanted, there, group.versions)
        there[version] += 1
        member = Managed(name, version, action)
        group.members[name] = member
        _attempt(group, member, crowd)


def _attempt(group: Group, member: Managed, crowd: Counter[str] | None = None) -> None:
    """Try to make it now; where that fails, again later (or never, without retries)."""
    member.retry = None
    if group.members.get(member.name) is not member or member.action in LEAVING:
        return
    even = group.shape == "EVEN"  # what waits for a zone counts there, too
    if crowd is None:
        others = (other for other in group.staying() if other is not member)
        crowd = Counter(other.zone for other in others if other.vm or even)
    causes, zone = _make(group, member, crowd)
    if member.vm is not None:
        crowd[member.zone] += 1
        member.errors = []
        member.vm.watcher = partial(_watch, group, member)
        lives.come(member.vm)
        return
    crowd[zone] += even
    member.zone = zone
    member.errors = causes
    for cause in causes:
        group.note(member, cause)
    if member.action == CREATING_ONCE:
        group.target -= 1
        del group.members[member.name]
        return
    seconds = group.cloud.seconds("group_retry", member.name)
    member.retry = group.cloud.world.agenda.after(seconds, lambda: _attempt(group, member))


def _make(
    group: Group, member: Managed, crowd: Counter[str]
) -> tuple[list[dict[str, object]], str]:
    """Try zones and machine types in order; answers the first zone's errors, and that zone."""
    first: list[dict[str, object]] = []
    zones = _zones(group, member, crowd)
    manager, template = _numbered(group, group.path), _numbered(group, member.version.template)
    try:
        plans = plans_of(group, member.version.template)
    except ApiError as error:
        return refused(error).errors, zones[0]
    for zone in zones:
        for plan in plans:
            try:
                member.vm = creating.make(
                    group.cloud, group.project, zone, member.name, plan, manager, template
                )
            except OperationError as refusal:
                first = first or refusal.errors
                continue
            member.zone = zone
            return [], zone
    return first, zones[0]


def _numbered(group: Group, link: str) -> str:
    """A link as a VM's metadata has it: from the project's number on."""
    return f"projects/{group.project.number}/{relative(link).split('/', 2)[2]}"


def _zones(group: Group, member: Managed, crowd: Counter[str]) -> list[str]:
    """Zones in the order in which they are tried, by the group's shape."""
    zones = list(group.zones)
    if member.action == RECREATING and member.zone:
        return (
            [member.zone]
            if group.shape == "EVEN"
            else [member.zone, *(z for z in zones if z != member.zone)]
        )
    if group.shape == "ANY":
        return zones
    if group.shape == "ANY_SINGLE_ZONE":
        used = [zone for zone in zones if crowd[zone]]
        return used[:1] or zones
    balanced = sorted(zones, key=lambda zone: crowd[zone])
    return balanced if group.shape == "BALANCED" else balanced[:1]


def plans_of(group: Group, template: str) -> list[Blueprint]:
    """Blueprints of a template, one for each machine type the group is content with."""
    if template not in group.plans:
        given = creating.template_properties(group.cloud, group.project, template)
        policy = group.config.get("instanceFlexibilityPolicy") or {}
        kinds = flexible(policy.get("instanceSelections") or {}) or [given["machineType"]]
        group.plans[template] = [
            for_vms(group.cloud, group.project, given | {"machineType": kind}) for kind in kinds
        ]
    return group.plans[template]


def _watch(group: Group, member: Managed, vm: Instance) -> None:
    """A VM of the group has changed its status."""
    if member.vm is not vm or group.members.get(member.name) is not member:
        return
    if vm.status == lives.RUNNING:
        if member.action not in LEAVING:
            member.action = NONE
            roll(group)
    elif member.action == NONE and vm.status in (lives.TERMINATED, lives.GONE):
        policy = group.config.get("instanceLifecyclePolicy") or {}
        if policy.get("defaultActionOnFailure") != "DO_NOTHING":
            recreate(group, member)


def recreate(group: Group, member: Managed) -> None:
    """Delete its VM and make it anew, by the name it has."""
    if member.action in LEAVING or group.deleting:
        return
    member.version = group.version_for(member)
    member.action = RECREATING if member.vm else CREATING
    vm = member.vm

    def again() -> None:
        if member.vm is vm:
            member.vm = None
            _attempt(group, member)

    if vm is None:
        if member.retry:
            member.retry.cancel()
        _attempt(group, member)
    else:
        lives.remove(vm, again)


def restart(group: Group, member: Managed) -> None:
    """Power-cycle its VM."""
    if member.vm and member.action == NONE:
        vm = member.vm
        member.action = RESTARTING
        lives.reset(vm)
        group.cloud.world.agenda.after(0, lambda: _watch(group, member, vm))


def delete(
    group: Group, members: Sequence[Managed], then: Callable[[], None] | None = None
) -> None:
    """Remove members with their VMs; ``then`` runs when the last one is gone."""
    waiting = {member.name for member in members}

    def gone(member: Managed) -> None:
        if group.members.get(member.name) is member:
            del group.members[member.name]
        waiting.discard(member.name)
        if not waiting and then:
            then()

    if not members and then:
        then()
    for member in members:
        member.action = DELETING
        if member.retry:
            member.retry.cancel()
        if member.vm is None:
            gone(member)
        else:
            lives.remove(member.vm, partial(gone, member))


def abandon(group: Group, members: Sequence[Managed]) -> None:
    """Let VMs go without deleting them; the group asks for that many fewer."""
    for member in members:
        if member.retry:
            member.retry.cancel()
        if member.vm:
            member.vm.watcher = None
            member.vm.manager = ""
        del group.members[member.name]
    group.target -= len(members)


def roll(group: Group) -> None:
    """A proactive update: replace members that are outdated, as many at a time as it may."""
    policy = group.config["updatePolicy"]
    if policy.get("type") != "PROACTIVE" or group.deleting:
        return
    outdated = group.outdated()
    if not outdated:
        return
    busy = sum(1 for member in group.members.values() if member.action != NONE)
    allowed = max(1, _number(policy.get("maxUnavailable"), group.target)) - busy
    for member in outdated[: max(0, allowed)]:
        update(group, member)


def update(group: Group, member: Managed) -> None:
    """Replace one member by one of a version that lacks VMs: under its name, or under a new one."""
    if group.config["updatePolicy"].get("replacementMethod") == "RECREATE":
        recreate(group, member)
        return
    delete(group, [member])
    add(group, _names(group, 1), CREATING)


def _number(value: object, of: int) -> int:
    """A ``FixedOrPercent`` as a number."""
    if not isinstance(value, dict):
        return 1
    if "percent" in value:
        return of * int(value["percent"]) // 100
    return int(value.get("fixed", 1))
