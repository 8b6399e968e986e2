"""Wait until the scheduler says that the nodes are there.

One scheduler call per poll for any number of nodes. Every node has a clock; one that has not joined
in its own time (:mod:`provision.recipes.lateness`) is replaced once, while the others wait for nobody.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.cloud import GroupState, Machine, Phase
from provision.errors import CloudFailure, SchedulerFailure, UnreachableError
from provision.events import Emit, MachineFailed, MachineReplaced, Progress, Warned
from provision.names import short_name
from provision.plan import Plan
from provision.recipes.lateness import Contact, JoiningNode, Roster, hopeless, late
from provision.scheduler import Member

POLL = 0.4
"""Seconds between two looks at the scheduler; a look costs the controller about 20 ms of CPU."""
MACHINES_POLL = 5.0
"""Seconds between two lists of the cloud's machines, and only while a node is missing."""
GROUPS_POLL = 2.0
"""Seconds between two looks at the cloud's instance groups, one small answer each."""
STALL = 30.0
"""Seconds without a new machine or node after which a group that cannot grow is given up."""
MOST_CONSOLES = 20
"""Consoles read in one wait: one call each, and the first few of many tell the same story."""
TAIL_LINES = 25
"""Lines of a console worth keeping in an event."""


class JoiningCluster(Protocol):
    """What a wait looks at and acts on."""

    def members(self) -> Sequence[Member]:
        """The scheduler's nodes; ``UnreachableError`` or ``SchedulerFailure`` while it is not up."""

    def machines(self) -> Sequence[Machine]:
        """The cloud's machines."""

    def groups(self) -> Sequence[GroupState]:
        """The cloud's instance groups."""

    def refused(self) -> Mapping[str, str]:
        """Which machines the cloud has refused to start so far, with its reason."""

    def replace(self, names: Sequence[str]) -> Mapping[str, str]:
        """Request these machines anew; answers the refused ones."""

    def console(self, machine: str) -> str:
        """What one machine wrote on its console."""


class CloudLooks:
    """What the cloud says while nodes are missing. What it refuses is only told.

    Groups are counted now and then; where listing is dear, machines are listed only once nothing has
    moved for ``quiet`` seconds.
    """

    def __init__(self, cluster: JoiningCluster, emit: Emit, quiet: float) -> None:
        self._cluster, self._emit, self._quiet = cluster, emit, quiet
        self.states: Sequence[GroupState] = ()
        self._count, self._moved = (0, 0), time.monotonic()
        self._listed = self._counted = 0.0
        self._told: set[str] = set()

    def look(self, roster: Roster) -> None:
        """Count its groups; list its machines where that is due."""
        now = time.monotonic()
        try:
            if now - self._counted > GROUPS_POLL:
                self._counted = now
                self.states = self._cluster.groups()
            count = (len(roster.joined), sum(state.created for state in self.states))
            if count != self._count:
                self._count, self._moved = count, now
            pause = max(MACHINES_POLL, self._quiet)
            if now - self._moved >= self._quiet and now - self._listed > pause:
                self._listed = now
                roster.note(self._cluster.machines())
        except CloudFailure as failure:
            self._tell(f"the cloud could not be asked ({failure.problem})")
        for state in self.states:
            if state.words:
                self._tell(f"{state.name}: {state.words}")

    @property
    def stalled(self) -> bool:
        """Whether no machine and no node has come for :data:`STALL` seconds."""
        return time.monotonic() - self._moved >= STALL

    def list_next(self) -> None:
        """Let machines be listed at the next look: some were requested anew."""
        self._listed = 0.0

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._emit(Warned(text=text))


class JoinWait:
    """One wait: who has joined, who is late, who was given up.

    A ``new`` controller, one that has never been up, is replaced once too where nobody reaches it; one
    that was up holds the cluster's jobs and is left to its user.
    """

    def __init__(
        self,
        plan: Plan,
        emit: Emit,
        cluster: JoiningCluster,
        *,
        quiet: float = 0.0,
        new: bool = False,
    ) -> None:
        self._plan, self._emit, self._cluster = plan, emit, cluster
        self.roster = Roster(plan)
        self._contact = Contact(new=new)
        self._cloud = CloudLooks(cluster, emit, quiet)
        self._consoles = 0

    @property
    def silence(self) -> str:
        """Why the scheduler could not be asked at the last look; '' where it could."""
        return self._contact.silence

    def watch(self) -> None:
        """Look until all have joined, all that miss (or the controller) were given up, or the deadline."""
        tries = Retrying(
            stop=stop_after_delay(self._plan.deadline),
            wait=wait_fixed(POLL),
            retry=retry_if_result(lambda over: not over),
            retry_error_callback=lambda _state: None,
        )
        tries(self._look)
        for node in self.roster.missing:
            if not node.given_up:
                self._fail(node)

    def _look(self) -> bool:
        """One look of each kind; whether there is nothing more to wait for."""
        self._ask_scheduler()
        if self.roster.missing:
            self._cloud.look(self.roster)
        self._mind_controller()
        self._replace_late()
        self._give_up_hopeless()
        self._emit(progress(self._plan.name, self.roster, self._cloud.states, self.silence))
        return self.roster.controller.given_up or all(n.given_up for n in self.roster.missing)

    def _ask_scheduler(self) -> None:
        try:
            members = self._cluster.members()
        except (UnreachableError, SchedulerFailure) as error:
            self._contact.missed(error, time.time(), time.monotonic())
            return
        now = time.time()
        self._contact.heard(now)
        self.roster.hear(members, now)

    def _mind_controller(self) -> None:
        node, allowed = self.roster.controller, self._plan.replace_after
        if self._contact.dead(allowed, time.monotonic()):
            # It runs and answers: its user's to mend, and no worker's fault.
            node.given_up, node.reason = True, self.silence
        if self._contact.lost(node, allowed, time.time()):
            node.reason = self.silence
            self._replace_once([node])

    def _replace_late(self) -> None:
        refused, now = self._cluster.refused(), time.time()
        reached, allowed = self._contact.reach.open(now), self._plan.replace_after
        overdue = []
        for node in self.roster.missing:
            if node.given_up:
                continue
            if not node.replaced and node.name in refused:
                node.reason = refused[node.name]
                overdue.append(node)
            elif late(node, reached, allowed, now, self.roster.latest):
                overdue.append(node)
        self._replace_once(overdue)

    def _replace_once(self, nodes: Sequence[JoiningNode]) -> None:
        """Request anew those that were not yet, and give up the others."""
        for node in nodes:
            self._fail(node)
            node.given_up = node.replaced
        again = [node for node in nodes if not node.replaced]
        if not again:
            return
        for node in again:
            why = node.reason or f"it had not joined after {self._plan.replace_after} s"
            self._emit(MachineReplaced(machine=node.name, reason=why))
            node.anew(time.time())
        answers = self._cluster.replace([node.name for node in again])
        for node in again:
            if node.name in answers:
                node.reason, node.given_up = answers[node.name], True
        self._cloud.list_next()

    def _give_up_hopeless(self) -> None:
        """Wait no longer for machines that the cloud cannot make, once nothing moves any more."""
        if self._cloud.stalled:
            for name, why in hopeless(self.roster.missing, self._cloud.states).items():
                node = self.roster.nodes[name]
                node.given_up, node.reason = True, why

    def _fail(self, node: JoiningNode) -> None:
        """Tell that it failed, with the tail of its console."""
        if self._consoles < MOST_CONSOLES:
            self._consoles += 1
            with contextlib.suppress(CloudFailure):
                lines = self._cluster.console(node.name).splitlines()
                node.console_tail = "\n".join(lines[-TAIL_LINES:])
        why, tail = node.reason or "it never joined", node.console_tail
        self._emit(
            MachineFailed(machine=node.name, phase=node.phase, reason=why, console_tail=tail)
        )


def progress(cluster: str, roster: Roster, states: Sequence[GroupState], silence: str) -> Progress:
    """How far a wait is, those under way by the cloud's own words."""
    joined, missing = roster.joined, roster.missing
    counts = dict(
        Counter("booting" if node.phase == Phase.STARTED else node.phase for node in missing)
    )
    if states and missing:
        # Counted by the cloud: its machines are not listed while all goes well.
        made = sum(state.created for state in states)
        counts = dict(sum((Counter(state.counts) for state in states), Counter[str]()))
        counts["booting"] = max(0, made - len(joined))
    again = tuple(short_name(cluster, node.name) for node in missing if node.replaced)
    return Progress(
        step="join",
        done=len(joined),
        total=len(roster.nodes),
        counts=counts,
        late=again,
        text=silence,
    )
