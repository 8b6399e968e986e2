"""One VM: what it shows, and how it comes, runs, stops and goes.

    PROVISIONING -> STAGING -> RUNNING -> STOPPING -> TERMINATED -> PROVISIONING ...
                                              \\-> gone

https://cloud.google.com/compute/docs/instances/instance-lifecycle
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from provision.emulator.agenda import Entry
from provision.emulator.gce import errors
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.models import metadata, shapes
from provision.emulator.gce.models.blueprints import Blueprint
from provision.emulator.gce.models.placing import Place, release
from provision.emulator.gce.operations import Work
from provision.emulator.gce.world import Json, Project
from provision.emulator.machines import Order

PROVISIONING, STAGING, RUNNING = "PROVISIONING", "STAGING", "RUNNING"
STOPPING, TERMINATED, GONE = "STOPPING", "TERMINATED", "GONE"
UP = (PROVISIONING, STAGING, RUNNING)


@dataclass(slots=True, eq=False)
class Instance:
    """A VM. ``life`` counts its starts; what was scheduled for an earlier life does not concern it."""

    cloud: Cloud = field(repr=False)
    project: Project = field(repr=False)
    name: str
    zone: str
    ident: str
    blueprint: Blueprint = field(repr=False)
    place: Place = field(repr=False)
    created: float
    status: str = PROVISIONING
    status_message: str = ""
    life: int = 0
    executes: bool = False
    """Whether the machine behind it is executing."""
    started: float = 0.0
    stopped: float = 0.0
    manager: str = ""
    """Link (without host) of the group that made it, '' for none."""
    template: str = ""
    """Link (without host) of the template that the group made it from."""
    labels: dict[str, str] | None = None
    items: dict[str, str] | None = None
    tags: list[str] | None = None
    protected: bool = False
    hostname: str = ""
    guest: dict[str, dict[str, str]] | None = None
    """Guest attributes by namespace and key."""
    due: Entry | None = field(default=None, repr=False)
    """When its life is to end (``maxRunDuration``)."""
    watcher: Callable[["Instance"], None] | None = field(default=None, repr=False)
    """Told of each change of status: the group's eye on its VM."""

    @property
    def scope(self) -> str:
        """``zones/Z``."""
        return f"zones/{self.zone}"

    @property
    def region(self) -> str:
        """Its zone's region."""
        return self.cloud.catalogue.zones[self.zone]

    @property
    def path(self) -> str:
        """``projects/P/zones/Z/instances/N``."""
        return f"projects/{self.project.name}/{self.scope}/instances/{self.name}"

    @property
    def link(self) -> str:
        """Its URL."""
        return self.cloud.world.link(self.project.name, self.scope, "instances", self.name)

    @property
    def key(self) -> str:
        """Name of the machine behind it in this life."""
        return f"{self.ident}.{self.life}"

    def own_labels(self) -> dict[str, str]:
        """Labels as they are now."""
        return self.labels if self.labels is not None else self.blueprint.source.get("labels") or {}

    def own_items(self) -> dict[str, str]:
        """Metadata as it is now; a group's VM carries who created it, and from what."""
        if self.items is not None:
            return self.items
        items = dict(self.blueprint.items)
        if self.manager:
            items["instance-template"] = self.template
            items["created-by"] = self.manager
        return items

    def own_tags(self) -> list[str]:
        """Network tags as they are now."""
        given = self.blueprint.source.get("tags") or {}
        return self.tags if self.tags is not None else given.get("items") or []

    def json(self) -> Json:
        """As ``get`` answers it; see ``shapes.py``."""
        return shapes.instance(self)

    def set(self, status: str, message: str = "") -> None:
        """Change the status and tell who watches."""
        self.status, self.status_message = status, message
        if self.watcher:
            self.watcher(self)


def come(instance: Instance) -> float:
    """Begin a life: PROVISIONING now, RUNNING after the dialled time; answers those seconds."""
    cloud = instance.cloud
    instance.life = life = cloud.next_life(instance.path)
    seconds = cloud.seconds("provisioning", instance.name, life)
    instance.set(PROVISIONING)

    def staged() -> None:
        if instance.life == life and instance.status == PROVISIONING:
            instance.set(STAGING)

    def running() -> None:
        if instance.life == life and instance.status in (PROVISIONING, STAGING):
            _run(instance)

    if seconds > 0:
        cloud.world.agenda.after(seconds / 2, staged)
    cloud.world.agenda.after(seconds, running)
    return seconds


def _run(instance: Instance) -> None:
    cloud, life, name = instance.cloud, instance.life, instance.name
    agenda, dials = cloud.world.agenda, cloud.dials
    instance.started = agenda.now()
    instance.set(RUNNING)
    if not cloud.hits("never_boot", dials.never_boot, name, life):
        agenda.after(cloud.seconds("boot", name, life), lambda: _execute(instance, life))
    lifetime = instance.blueprint.lifetime
    if lifetime is not None:
        instance.due = agenda.after(lifetime, lambda: _expire(instance, life))
    for dial, what in (("die", dials.die), ("preempt", dials.preempt)):
        if dial == "preempt" and not instance.blueprint.spot:
            continue
        if cloud.hits(dial, what.share, name, life):
            seconds = cloud.seconds_of(what.after, dial, name, life)
            happen = {"die": crash, "preempt": preempt}[dial]
            agenda.after(seconds, partial(happen, instance, life))


def _execute(instance: Instance, life: int) -> None:
    """The machine behind it begins to execute its user-data."""
    if instance.life != life or instance.status != RUNNING:
        return
    cloud = instance.cloud
    items = metadata_of(instance)
    order = Order(
        key=instance.key,
        hostname=instance.name,
        instance_id=instance.ident,
        user_data=metadata.user_data(items),
        address=instance.place.address,
        external=instance.place.external,
        network=instance.place.network,
        subnet=instance.place.subnet,
        connected=not cloud.hits("never_join", cloud.dials.never_join, instance.name, life),
    )
    instance.executes = True

    def booted(failure: str) -> None:
        if failure and instance.life == life:
            instance.executes = False
            instance.status_message = failure

    cloud.machines.boot(order, booted)


def metadata_of(instance: Instance) -> dict[str, str]:
    """What the guest sees: the project's common items under its own."""
    common = {item["key"]: item.get("value", "") for item in instance.project.metadata}
    return common | instance.own_items()


def halt(instance: Instance, then: Callable[[], None], message: str = "") -> None:
    """STOPPING now; after the dialled time its machine is killed, and ``then`` runs."""
    instance.set(STOPPING, message)
    seconds = instance.cloud.seconds("stopping", instance.name, instance.life)
    instance.cloud.world.agenda.after(seconds, lambda: _kill(instance, then))


def _kill(instance: Instance, then: Callable[[], None]) -> None:
    key, was = instance.key, instance.executes
    instance.life = instance.cloud.next_life(instance.path)
    instance.executes = False
    if instance.due:
        instance.due.cancel()
        instance.due = None
    if was:
        instance.cloud.machines.kill(key, then)
    else:
        then()


def stop(instance: Instance, then: Callable[[], None] | None = None, message: str = "") -> None:
    """Stop it and keep it."""

    def stopped() -> None:
        instance.stopped = instance.cloud.world.agenda.now()
        instance.set(TERMINATED, message)
        if then:
            then()

    halt(instance, stopped, message)


def remove(instance: Instance, then: Callable[[], None] | None = None) -> None:
    """Delete it with the disks that go with it."""

    def gone() -> None:
        if instance.project.table("instances").get(instance.scope, instance.name) is instance:
            instance.project.table("instances").pop(instance.scope, instance.name)
            release(instance.cloud, instance.project, instance.place)
        instance.set(GONE)
        if then:
            then()

    if instance.status == GONE:
        if then:
            then()
        return
    halt(instance, gone)


def discard(instance: Instance) -> None:
    """Take back one that was made and has not come yet."""
    instance.project.table("instances").pop(instance.scope, instance.name)
    release(instance.cloud, instance.project, instance.place)
    instance.status = GONE


def reset(instance: Instance) -> None:
    """Power-cycle: the machine starts anew, the status stays RUNNING."""

    def again() -> None:
        if instance.status == RUNNING:
            _execute(instance, instance.life)

    _kill(instance, again)


def crash(instance: Instance, life: int) -> None:
    """The VM ends by itself; Compute shows TERMINATED."""
    if instance.life == life and instance.status == RUNNING:
        stop(instance, message="Instance terminated by a host error.")
        _log(instance, "compute.instances.hostError")


def preempt(instance: Instance, life: int) -> None:
    """Spot: stopped, or deleted where its termination action says so."""
    if instance.life == life and instance.status == RUNNING:
        _terminate(instance, "Instance was preempted.")
        _log(instance, "compute.instances.preempted")


def _expire(instance: Instance, life: int) -> None:
    if instance.life == life and instance.status in UP:
        _terminate(instance, "Instance reached its maximum run duration.")
        _log(instance, "compute.instances.instanceManagerHaltForRestart")


def _terminate(instance: Instance, message: str) -> None:
    if instance.blueprint.scheduling.get("instanceTerminationAction") == "DELETE":
        remove(instance)
    else:
        stop(instance, message=message)


def _log(instance: Instance, verb: str) -> None:
    """What Google does by itself stands among the operations, too."""
    work = Work(verb, instance.link, instance.ident, seconds=0)
    instance.cloud.operations.begin(instance.project, instance.scope, work, user="system")


def busy_check(instance: Instance) -> None:
    """Refuse a change while the VM is on its way out."""
    if instance.status in (STOPPING, GONE):
        raise errors.not_ready(instance.path)
