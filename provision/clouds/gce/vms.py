"""The VMs of clusters that stand: listed by labels, and changed one by one.

A group's VM is changed through its group, which alone may make and remove it.
"""

import threading
import time
from collections.abc import Callable, Sequence

from provision.cloud import Endpoint, Machine
from provision.clouds.gce import states
from provision.clouds.gce.client import Gce
from provision.clouds.gce.resources import Controller, Group
from provision.clouds.gce.resources.instances import instances
from provision.clouds.gce.resources.kind import short
from provision.errors import UnreachableError
from provision.failures import NotFound
from provision.names import part_of
from provision.provider.resource import Work

SECONDS = 300.0
"""Seconds that a change may take to be accepted."""
LOOK = 1.0
"""Seconds between two looks for the controller's address at least."""


class Vms:
    """What is listed tells each one's link, which is remembered: names do not say the zone."""

    def __init__(self, gce: Gce, stop: threading.Event) -> None:
        self._gce, self._stop = gce, stop
        self._links: dict[str, str] = {}
        self._controller: tuple[str, Endpoint] | None = None
        self._looked = 0.0

    def endpoint(self, cluster: str, controller: str) -> Endpoint:
        """The public address of the controller, asked for once a second until it has one.

        Raises:
            UnreachableError: it has none yet.
        """
        if self._controller and self._controller[0] == cluster:
            return self._controller[1]
        if time.monotonic() - self._looked > LOOK:
            self._looked = time.monotonic()
            for machine in self.listed(cluster, controller):
                if machine.external:
                    self._controller = (cluster, Endpoint(machine.external))
                    return self._controller[1]
        raise UnreachableError(
            f"{controller} has no public address yet", "wait for it to be created"
        )

    def listed(self, cluster: str, name: str = "") -> list[Machine]:
        """One list by page; of all our clusters, of one, or one VM alone."""
        made = []
        for instance in instances(self._gce, cluster, name):
            self._links[instance["name"]] = short(instance.get("selfLink", ""))
            made.append(states.machine(instance))
        return sorted(made, key=lambda machine: machine.name)

    def recreate(self, names: Sequence[str]) -> None:
        """The groups make them anew under the same names."""
        kind = Group(self._gce)
        self._in_groups(names, kind, kind.recreate)

    def shrink(self, names: Sequence[str]) -> None:
        """The groups are smaller by them."""
        kind = Group(self._gce)
        self._in_groups(names, kind, kind.shrink)

    def _in_groups(
        self, names: Sequence[str], kind: Group, change: Callable[[str, list[str], Work], None]
    ) -> None:
        if not all(name in self._links for name in names):
            self.listed("")
        for part in sorted(set(map(part_of, names))):
            mine = (name for name in names if part_of(name) == part)
            links = [self._links[name] for name in mine if name in self._links]
            work = Work.within(SECONDS, threading.Event())
            change(kind.named(part), links, work)

    def delete(self, cluster: str, name: str) -> None:
        """One that is of no group; one that is gone already is no error."""
        self._controller = None
        if link := self._looked_up(cluster, name):
            Controller(self._gce).delete(link, {}, Work.within(SECONDS, self._stop))

    def start(self, cluster: str, name: str) -> bool:
        """Start one that is of no group; whether it is there.

        Google refuses one that still shuts down; the client tries again, as with all that is not ready.
        Its public address may be another one then.
        """
        self._controller = None
        if link := self._looked_up(cluster, name):
            Controller(self._gce).start(link, Work.within(SECONDS, self._stop))
        return bool(link)

    def console(self, name: str) -> str:
        """Serial port 1."""
        link = self._links.get(name) or self._looked_up("", name)
        try:
            return Controller(self._gce).console(link) if link else ""
        except NotFound:
            return ""

    def _looked_up(self, cluster: str, name: str) -> str:
        """Its link as it is now: one that was made anew may stand in another zone."""
        self._links.pop(name, None)
        self.listed(cluster, name)
        return self._links.get(name, "")
