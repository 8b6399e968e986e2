"""What is known of the nodes that a plan wants: who of them is late, who is given up, and why. Pure.

:mod:`provision.recipes.join` fills it with what the scheduler and the cloud say, and acts on its answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from provision.cloud import GroupState, Machine, Phase
from provision.errors import ProvisionError, SchedulerDown, UnreachableError
from provision.labels import WORKER
from provision.names import part_of
from provision.plan import Plan
from provision.recipes.timings import Clock
from provision.remote.failures import SshError
from provision.scheduler import Member, MemberState


@dataclass(slots=True)
class JoiningNode:
    """What is known of one wanted node."""

    name: str
    group: str = ""
    ident: str = ""
    """The cloud's own identifier of its machine; after a replacement, of the one that is to go."""
    clock: Clock = field(default_factory=Clock)
    phase: str = "requested"
    reason: str = ""
    replaced: bool = False
    given_up: bool = False
    console_tail: str = ""

    def anew(self, now: float) -> None:
        """It was requested once more: what was known of its machine is of the old one."""
        self.replaced, self.reason, self.phase = True, "", "requested"
        self.clock = Clock(requested=now, generation=self.clock.generation + 1)


class Roster:
    """All nodes that a plan wants, by name, and its controller."""

    def __init__(self, plan: Plan) -> None:
        self.nodes = {m.name: JoiningNode(m.name, m.group) for m in plan.workers}
        self.controller = JoiningNode(plan.controller.name)
        self.latest = 0.0
        """When one joined last; 0 where none has."""

    @property
    def joined(self) -> list[JoiningNode]:
        """Nodes that the scheduler has, in order of name."""
        return [node for node in self.nodes.values() if node.clock.joined]

    @property
    def missing(self) -> list[JoiningNode]:
        """Nodes that it does not have."""
        return [node for node in self.nodes.values() if not node.clock.joined]

    def hear(self, members: Sequence[Member], now: float) -> None:
        """Take over what the scheduler says; one that has joined stays joined."""
        for member in members:
            node = self.nodes.get(member.name)
            if node is None or node.clock.joined:
                continue
            if member.state is MemberState.DOWN:
                node.phase = "registered"
                node.reason = f"{member.detail} {member.reason}".strip()
            else:
                node.phase, node.reason, node.clock.joined = "joined", "", now
                self.latest = now

    def note(self, machines: Sequence[Machine]) -> None:
        """Take over what the cloud knows of the machines."""
        self._adopt(machines)
        known = {**self.nodes, self.controller.name: self.controller}
        for machine in machines:
            node = known.get(machine.name)
            if node is None or (node.replaced and machine.ident and machine.ident == node.ident):
                continue
            clock = node.clock
            if not node.replaced:
                node.ident = machine.ident
            clock.requested, clock.generation = machine.requested, machine.generation
            clock.started = machine.started
            if not clock.joined and node.phase != "registered":
                node.phase = str(machine.phase)
                node.reason = machine.error

    def _adopt(self, machines: Sequence[Machine]) -> None:
        """Take machines that a group has named otherwise than planned for those it has not made."""
        known = {machine.name for machine in machines}
        for machine in machines:
            if machine.name in self.nodes or machine.role != WORKER:
                continue
            free = (
                node
                for node in self.nodes.values()
                if node.group == machine.group and node.name not in known and not node.clock.joined
            )
            if node := next(free, None):
                del self.nodes[node.name]
                self.nodes[machine.name] = JoiningNode(machine.name, machine.group)


ARRIVING = 15.0
"""Seconds after the latest join in which others may be expected still."""


class Reach:
    """Since when the controller's scheduler has answered, but for moments."""

    MOMENT = 5.0
    """Seconds of silence after which nobody can have joined meanwhile."""

    def __init__(self) -> None:
        self.since: float | None = None
        self._silent: float | None = None

    def heard(self, now: float) -> None:
        """It answered."""
        if self.since is None or not self._within(now):
            self.since = now
        self._silent = None

    def missed(self, now: float) -> None:
        """It did not."""
        self._silent = now if self._silent is None else self._silent

    def open(self, now: float) -> float | None:
        """Since when machines can join; None where they cannot now."""
        return self.since if self._within(now) else None

    def _within(self, now: float) -> bool:
        return self._silent is None or now - self._silent <= self.MOMENT


class Contact:
    """What the looks at the scheduler say of its controller; ``new`` says that it has never been up.

    ``now`` is seconds since the epoch, ``tick`` a clock's that nobody sets.
    """

    def __init__(self, *, new: bool) -> None:
        self.silence = "the controller has not been reached yet"
        """Why the scheduler could not be asked at the last look, '' where it could."""
        self.reach = Reach()
        self._unseen, self._boots = new, False
        self._down_since: float | None = None

    def heard(self, now: float) -> None:
        """The scheduler answered."""
        self.silence, self._unseen, self._down_since = "", False, None
        self.reach.heard(now)

    def missed(self, error: ProvisionError, now: float, tick: float) -> None:
        """It did not, for this reason."""
        self.silence = error.problem
        self.reach.missed(now)
        self._unseen = self._unseen and isinstance(error, UnreachableError)
        self._boots = isinstance(error, SshError) and error.cause.alive
        if not isinstance(error, SchedulerDown):
            self._down_since = None
        elif self._down_since is None:
            self._down_since = tick

    def dead(self, allowed: float, tick: float) -> bool:
        """Whether the machine answers and its scheduler has not run for too long."""
        return self._down_since is not None and tick - self._down_since > allowed

    def lost(self, node: JoiningNode, allowed: float, now: float) -> bool:
        """Whether it never was up, and nobody has reached it in the time that a machine has.

        One that speaks SSH boots, however long a busy host or cloud lets it wait for that.
        """
        boots = self._boots and node.phase != Phase.STOPPED
        return self._unseen and controller_late(node, allowed, now) and not boots


def late(
    node: JoiningNode, reached: float | None, allowed: float, now: float, latest: float = 0.0
) -> bool:
    """Whether a node should have joined by now.

    ``reached`` is since when the controller's scheduler answers (None: it does not), ``allowed`` the
    seconds that a machine has, ``latest`` when one joined last. A machine can join once it has booted
    and the scheduler answers. When it booted nobody says; but where many boot one after the other, on a
    busy host or cloud, others join as long as that goes on, and it has as long again.
    """
    if node.phase == Phase.STOPPED:
        return True
    if not node.clock.started or not reached:
        return False
    allowed *= 2 if now - latest < ARRIVING else 1
    return now - max(node.clock.started, reached) > allowed


def controller_late(node: JoiningNode, allowed: float, now: float) -> bool:
    """Whether a controller that nobody has reached should have been by now."""
    started = node.clock.started
    return node.phase == Phase.STOPPED or bool(started and now - started > allowed)


def hopeless(missing: Sequence[JoiningNode], states: Sequence[GroupState]) -> Mapping[str, str]:
    """Nodes whose machines their cloud cannot make, with its reason; none while any group may go on."""
    behind = {state.name: state for state in states if state.created < state.target}
    if not all(state.hopeless for state in behind.values()):
        return {}
    return {
        node.name: behind[made_by].words
        for node in missing
        if (made_by := part_of(node.name)) in behind
        and not node.given_up
        and not node.clock.started
    }
