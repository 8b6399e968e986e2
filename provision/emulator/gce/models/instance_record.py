"""What one VM of GCE is at present: what it was made from, what it occupies, what was changed since."""

from dataclasses import dataclass, field

from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.models.blueprints import Blueprint
from provision.emulator.gce.models.placing import Place
from provision.emulator.gce.world import Project
from provision.emulator.lives import Vm


@dataclass(slots=True, eq=False, kw_only=True)
class InstanceRecord(Vm):
    """A VM without what it does."""

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
