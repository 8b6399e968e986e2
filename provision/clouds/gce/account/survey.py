"""What an account has and offers for a plan: a fixed number of calls for any number of nodes.

Nothing is judged here. What cannot be read is kept as the failure it met, so that all of it can be told.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from provision.clouds.common.offers import Offered
from provision.clouds.gce.account.needs import GLOBAL, Owned, network_names
from provision.clouds.gce.client import Gce
from provision.clouds.gce.place import Place
from provision.clouds.gce.resources import RANKS, Controller, GceKind, Group
from provision.clouds.gce.resources.kind import last
from provision.failures import NotFound, ServiceFailure
from provision.labels import CLUSTER
from provision.names import parts
from provision.plan import Plan
from provision.quota import Amount, Key

TOGETHER = 8
"""Calls at a time."""
Task = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A resource with a name that the plan wants; ``cluster`` is whose it is by its labels, or ''."""

    kind: type[GceKind]
    name: str
    cluster: str
    details: Any

    @property
    def owned(self) -> Owned:
        """Collection and name."""
        return self.kind.collection, self.name


@dataclass(frozen=True, slots=True)
class Survey:
    """The answers. ``image`` is None where there is no such image."""

    quotas: Mapping[Key, Amount]
    machine_types: Offered
    disk_types: Offered
    image: Any | None
    resources: tuple[Seen, ...]
    failures: tuple[ServiceFailure, ...]


def survey(gce: Gce, place: Place, plan: Plan) -> Survey:
    """Ask for everything at once."""
    tasks: dict[Task, Callable[[], Any]] = {
        **_quota_tasks(gce, place),
        **_offer_tasks(gce, place, plan),
        **_name_tasks(gce, place, plan),
        ("image",): partial(image_of, gce, place),
    }
    answers = together(tasks)
    failures = tuple(answer for answer in answers.values() if isinstance(answer, ServiceFailure))
    good = {key: a for key, a in answers.items() if not isinstance(a, ServiceFailure)}

    def of(what: str) -> dict[tuple[str, str], Any]:
        return {(key[1], key[2]): answer for key, answer in good.items() if key[0] == what}

    return Survey(
        quotas={
            (key[1], each.metric): Amount(each.limit, each.usage)
            for key, answer in good.items()
            if key[0] == "quotas" and answer
            for each in answer.quotas
        },
        machine_types=of("machine type"),
        disk_types=of("disk type"),
        image=good.get(("image",)),
        resources=tuple(seen for key, a in good.items() if key[0] == "name" and a for seen in a),
        failures=failures,
    )


def together(tasks: Mapping[Task, Callable[[], Any]]) -> dict[Task, Any]:
    """The answer of each, None for what is not there, and the failure where one was met."""

    def answer(task: Callable[[], Any]) -> Any:
        try:
            return task()
        except NotFound:
            return None
        except ServiceFailure as failure:
            return failure

    with ThreadPoolExecutor(TOGETHER, thread_name_prefix="check") as pool:
        return dict(zip(tasks, pool.map(answer, tasks.values()), strict=True))


def image_of(gce: Gce, place: Place) -> Any:
    """The image the plan boots, or the newest of its family. Raises ServiceFailure."""
    from provision.clouds.gce.api.compute import compute_v1

    project, _, name = place.image.removeprefix("projects/").partition("/global/images/")
    client = gce.client(compute_v1.ImagesClient)
    doing = f"read the image {name} of {project}"
    if name.startswith("family/"):
        family = name.removeprefix("family/")
        return gce.call(doing, client.get_from_family, project=project, family=family)
    return gce.call(doing, client.get, project=project, image=name)


def machine_types(plan: Plan, place: Place) -> dict[str, str]:
    """Each machine type of the plan, and where the spec asks for it."""
    cloud = place.cloud
    found = {cloud.controller_type: "cloud.controller_type"}
    for group in plan.groups:
        for kind in group.machine_types:
            key = (
                "cloud.machines" if kind == cloud.machines else f"groups.{group.name}.machine_types"
            )
            found.setdefault(kind, key)
    return found


def disk_types(plan: Plan, place: Place) -> dict[tuple[str, int], str]:
    """Each kind and size (GiB) of disk of the plan, and where the spec asks for it."""
    cloud = place.cloud
    found = {(cloud.disk_type, cloud.disk_gb): "cloud.disk"}
    for group in plan.groups:
        found.setdefault((group.disk_type, group.disk_gb), f"groups.{group.name}.disk")
    return found


def _quota_tasks(gce: Gce, place: Place) -> dict[Task, Callable[[], Any]]:
    from provision.clouds.gce.api.compute import compute_v1

    def of_region() -> Any:
        client = gce.client(compute_v1.RegionsClient)
        return gce.call(f"read the quotas of {place.region}", client.get, region=place.region)

    def of_project() -> Any:
        client = gce.client(compute_v1.ProjectsClient)
        return gce.call(f"read the quotas of {place.project}", client.get)

    return {("quotas", place.region): of_region, ("quotas", GLOBAL): of_project}


def _offer_tasks(gce: Gce, place: Place, plan: Plan) -> dict[Task, Callable[[], Any]]:
    from provision.clouds.gce.api.compute import compute_v1

    def machine_type(name: str, zone: str) -> Any:
        client = gce.client(compute_v1.MachineTypesClient)
        doing = f"read the machine type {name} in {zone}"
        return gce.call(doing, client.get, zone=zone, machine_type=name)

    def disk_type(name: str, zone: str) -> Any:
        client = gce.client(compute_v1.DiskTypesClient)
        doing = f"read the disk type {name} in {zone}"
        return gce.call(doing, client.get, zone=zone, disk_type=name)

    tasks: dict[Task, Callable[[], Any]] = {}
    for zone in place.zones:
        for name in machine_types(plan, place):
            tasks["machine type", name, zone] = partial(machine_type, name, zone)
        for name in {kind for kind, _ in disk_types(plan, place)}:
            tasks["disk type", name, zone] = partial(disk_type, name, zone)
    return tasks


def _name_tasks(gce: Gce, place: Place, plan: Plan) -> dict[Task, Callable[[], Any]]:
    kinds = {kind.collection: kind for rank in RANKS for kind in rank}
    tasks: dict[Task, Callable[[], Any]] = {
        ("name", collection, name): partial(_named, kinds[collection](gce), place, name)
        for collection, name in network_names(plan, place)
    }
    tasks["name", "controller"] = partial(_controllers, Controller(gce), place, plan)
    tasks["name", "groups"] = partial(_groups, Group(gce), place, plan)
    return tasks


def _named(kind: GceKind, place: Place, name: str) -> list[Seen]:
    where = {"project": place.project, "region": place.region, "name": name}
    found = kind.get(kind.ident(where))
    return [] if found is None else [_seen(kind, found)]


def _controllers(kind: Controller, place: Place, plan: Plan) -> list[Seen]:
    """A VM of that name in another zone is in nobody's way."""
    rows = kind.gce.rows(
        f"look for the VM {plan.controller.name}", kind.method("aggregated_list"),
        project=place.project, filter=f'name="{plan.controller.name}"',
    )  # fmt: skip
    found = [vm for _, scope in rows for vm in scope.instances if last(vm.zone) in place.zones]
    return [_seen(kind, vm) for vm in found]


def _groups(kind: Group, place: Place, plan: Plan) -> list[Seen]:
    """By one list, as the parts of a group grow with its nodes; others may share its beginning."""
    wanted = {
        part
        for group in plan.groups
        for part in parts(plan.name, group.name, len(group.machines), plan.cloud.traits.per_group)
    }
    rows = kind.gce.rows(
        f"look for instance groups of {plan.name}", kind.method("list"), project=place.project,
        region=place.region, filter=f'name eq "{plan.name}-.*"',
    )  # fmt: skip
    every = [_seen(kind, found) for found in rows]
    return [each for each in every if each.name in wanted or each.cluster == plan.name]


def _seen(kind: GceKind, found: Any) -> Seen:
    return Seen(type(kind), found.name, kind.marks(found).get(CLUSTER, ""), found)
