"""A managed instance group: what it is asked to be, the VMs it has, and how it shows both.

https://cloud.google.com/compute/docs/instance-groups and clouds.md 1.1-1.5. What brings the one to the
other is in ``reconcile.py``; what may be asked in ``group_config.py``.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from provision.emulator.agenda import Entry
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.models import versions
from provision.emulator.gce.models.blueprints import Blueprint
from provision.emulator.gce.models.instances import Instance
from provision.emulator.gce.models.versions import Version, Versions
from provision.emulator.gce.world import Json, Project, fingerprint, last

NONE, CREATING, CREATING_ONCE = "NONE", "CREATING", "CREATING_WITHOUT_RETRIES"
DELETING, RECREATING, ABANDONING = "DELETING", "RECREATING", "ABANDONING"
RESTARTING, VERIFYING = "RESTARTING", "VERIFYING"
LEAVING = (DELETING, ABANDONING)
ACTIONS = {
    "none": NONE, "creating": CREATING, "creatingWithoutRetries": CREATING_ONCE,
    "deleting": DELETING, "recreating": RECREATING, "restarting": RESTARTING,
    "refreshing": "REFRESHING", "abandoning": ABANDONING, "verifying": VERIFYING,
    "starting": "STARTING", "stopping": "STOPPING", "suspending": "SUSPENDING",
    "resuming": "RESUMING",
}  # fmt: skip
"""Fields of ``currentActions`` with the action that each counts."""
KEPT_ERRORS = 1000


@dataclass(slots=True, eq=False)
class Managed:
    """One VM of a group, made or still to be made. ``version`` is what it is to be made from."""

    name: str
    version: Version
    action: str = CREATING
    zone: str = ""
    vm: Instance | None = None
    errors: list[Json] = field(default_factory=list)
    """Of the last attempt to make it."""
    retry: Entry | None = None


@dataclass(slots=True, eq=False)
class Group:
    """One group. ``config`` holds what the body gave, completed with Google's defaults."""

    cloud: Cloud = field(repr=False)
    project: Project = field(repr=False)
    name: str
    scope: str
    zones: tuple[str, ...]
    ident: str
    created: float
    config: Json = field(repr=False)
    versions: Versions
    target: int
    members: dict[str, Managed] = field(default_factory=dict, repr=False)
    log: deque[Json] = field(default_factory=lambda: deque(maxlen=KEPT_ERRORS), repr=False)
    plans: dict[str, list[Blueprint]] = field(default_factory=dict, repr=False)
    """Blueprints by template, best machine type first."""
    deleting: bool = False
    changes: int = 0
    draws: int = 0

    @property
    def path(self) -> str:
        """``projects/P/SCOPE/instanceGroupManagers/N``."""
        return f"projects/{self.project.name}/{self.scope}/instanceGroupManagers/{self.name}"

    @property
    def regional(self) -> bool:
        """Whether it spans a region's zones."""
        return self.scope.startswith("regions/")

    @property
    def region(self) -> str:
        """Name of its region."""
        return self.cloud.catalogue.zones[self.zones[0]]

    @property
    def shape(self) -> str:
        """``targetShape`` of the distribution policy."""
        policy = self.config.get("distributionPolicy") or {}
        return str(policy.get("targetShape", "EVEN"))

    @property
    def template(self) -> str:
        """The template of all VMs that no other version claims."""
        return versions.rest(self.versions).template

    @property
    def paginated(self) -> bool:
        """Whether ``listManagedInstances`` goes by pages."""
        return self.config.get("listManagedInstancesResults") == "PAGINATED"

    def staying(self) -> Iterator[Managed]:
        """Members that count for the target size."""
        return (member for member in self.members.values() if member.action not in LEAVING)

    def outdated(self) -> list[Managed]:
        """Members of no version of the group's, or of one that has too many."""
        staying = list(self.staying())
        wanted = versions.sizes(self.versions, self.target)
        places = versions.outdated(wanted, (member.version for member in staying))
        return [staying[place] for place in places]

    def surplus(self, member: Managed) -> bool:
        """Whether there are more of the member's version than the group is to have."""
        there = sum(1 for other in self.staying() if other.version == member.version)
        return there > versions.sizes(self.versions, self.target).get(member.version, 0)

    def version_for(self, member: Managed) -> Version:
        """What a member is to be made from anew: its own version, unless there are too many of that."""
        if not self.surplus(member):
            return member.version
        there = Counter(other.version for other in self.staying() if other is not member)
        wanted = versions.sizes(self.versions, self.target)
        return versions.missing(wanted, there, self.versions)

    def actions(self) -> Counter[str]:
        """How many members are in each action."""
        return Counter(member.action for member in self.members.values())

    def stable(self) -> bool:
        """Nothing is being done and nothing is left to do."""
        return (
            not self.deleting
            and len(self.members) == self.target
            and all(member.action == NONE for member in self.members.values())
        )

    def fingerprint(self) -> str:
        """Changes with what the group is asked to be."""
        return fingerprint(self.ident, self.changes, self.versions, self.target)

    def json(self) -> Json:
        """As ``get`` answers it."""
        world, counted = self.cloud.world, self.actions()
        kind, _, place = self.scope.partition("/")
        return {
            **self.config,
            "kind": "compute#instanceGroupManager",
            "id": self.ident,
            "creationTimestamp": world.stamp(self.created),
            "name": self.name,
            kind.removesuffix("s"): world.link(self.project.name, kind, place),
            "instanceTemplate": self.template,
            "versions": versions.shown(self.versions, self.target),
            "instanceGroup": world.link(self.project.name, self.scope, "instanceGroups", self.name),
            "targetSize": self.target,
            "fingerprint": self.fingerprint(),
            "currentActions": {key: counted[action] for key, action in ACTIONS.items()},
            "status": {
                "isStable": self.stable(),
                "versionTarget": {"isReached": not self.outdated()},
                "stateful": {
                    "hasStatefulConfig": False,
                    "perInstanceConfigs": {"allEffective": True},
                },
                "allInstancesConfig": {"effective": True},
            },
            "selfLink": world.link(
                self.project.name, self.scope, "instanceGroupManagers", self.name
            ),
        }

    def note(self, member: Managed, error: Json) -> None:
        """Keep an error where ``listErrors`` shows it."""
        world = self.cloud.world
        zone = member.zone or self.zones[0]
        self.log.append(
            {
                "timestamp": world.stamp(),
                "error": {"code": error["code"], "message": error["message"]},
                "instanceActionDetails": {
                    "action": member.action,
                    "instance": world.link(
                        self.project.name, f"zones/{zone}", "instances", member.name
                    ),
                    "version": member.version.json(),
                },
            }
        )

    def member(self, link: str) -> Managed | None:
        """The member that any form of an instance's link, or its name, stands for."""
        return self.members.get(last(link))
