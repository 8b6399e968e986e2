"""One VM of GCE: what it shows, what it occupies and what Google says of its life (``emulator/lives.py``).

https://cloud.google.com/compute/docs/instances/instance-lifecycle
"""

from dataclasses import dataclass, field

from provision.emulator import lives
from provision.emulator.gce import errors
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.models import metadata, shapes
from provision.emulator.gce.models.blueprints import Blueprint
from provision.emulator.gce.models.placing import Place, release
from provision.emulator.gce.world import Json, Project
from provision.emulator.lives import End
from provision.emulator.machines import Order
from provision.emulator.operations import Work

ENDS = {
    End.CRASH: ("Instance terminated by a host error.", "compute.instances.hostError"),
    End.PREEMPTION: ("Instance was preempted.", "compute.instances.preempted"),
    End.EXPIRY: (
        "Instance reached its maximum run duration.",
        "compute.instances.instanceManagerHaltForRestart",
    ),
}
"""``statusMessage`` and the system's operation where a VM ends that nobody ended."""


@dataclass(slots=True, eq=False, kw_only=True)
class Instance(lives.Vm):
    """A VM."""

    cloud: Cloud = field(repr=False)
    project: Project = field(repr=False)
    zone: str
    blueprint: Blueprint = field(repr=False)
    place: Place = field(repr=False)
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
    def address(self) -> str:
        """Address of the first interface."""
        return self.place.address

    @property
    def external(self) -> str:
        """External address of the first interface, or ''."""
        return self.place.external

    @property
    def spot(self) -> bool:
        """Whether it may be preempted."""
        return self.blueprint.spot

    @property
    def lifetime(self) -> float | None:
        """``maxRunDuration``."""
        return self.blueprint.lifetime

    @property
    def goes(self) -> bool:
        """By its ``instanceTerminationAction``."""
        return self.blueprint.scheduling.get("instanceTerminationAction") == "DELETE"

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

    def order(self, connected: bool) -> Order:
        """Its user-data, on its first interface."""
        return Order(
            key=self.key,
            hostname=self.name,
            instance_id=self.ident,
            user_data=metadata.user_data(metadata_of(self)),
            address=self.place.address,
            external=self.place.external,
            network=self.place.network,
            subnet=self.place.subnet,
            connected=connected,
        )

    def let_go(self) -> None:
        """With the disks that go with it."""
        table = self.project.table("instances")
        if table.get(self.scope, self.name) is self:
            table.pop(self.scope, self.name)
            release(self.cloud, self.project, self.place)

    def words(self, end: End) -> str:
        """``statusMessage``."""
        return ENDS[end][0]

    def ended(self, end: End) -> None:
        """What Google does by itself stands among the operations, too."""
        work = Work(ENDS[end][1], self.link, self.ident, seconds=0)
        self.cloud.operations.begin(self.project, self.scope, work, user="system")


def metadata_of(instance: Instance) -> dict[str, str]:
    """What the guest sees: the project's common items under its own."""
    common = {item["key"]: item.get("value", "") for item in instance.project.metadata}
    return common | instance.own_items()


def busy_check(instance: Instance) -> None:
    """Refuse a change while the VM is on its way out."""
    if instance.status in (lives.STOPPING, lives.GONE):
        raise errors.not_ready(instance.path)
