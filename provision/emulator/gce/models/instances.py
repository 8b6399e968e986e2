"""One VM of GCE: what it shows, what it occupies and what Google says of its life (``emulator/lives.py``).

https://cloud.google.com/compute/docs/instances/instance-lifecycle
"""

from provision.emulator import lives
from provision.emulator.gce import errors
from provision.emulator.gce.models import metadata, shapes
from provision.emulator.gce.models.instance_record import InstanceRecord
from provision.emulator.gce.models.placing import release
from provision.emulator.gce.world import Json
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


class Instance(InstanceRecord):
    """A VM."""

    __slots__ = ()

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
