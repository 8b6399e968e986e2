"""Wait until the scheduler says that the nodes are there.

One scheduler call per poll for any number of nodes. Every node has a clock; one that has not joined
in its own time (:mod:`provision.recipes.lateness`) is replaced once, while the others wait for nobody.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.cloud import GroupState, Machine, Phase
from provision.errors import CloudFailure, SchedulerDown, SchedulerFailure, UnreachableError
from provision.events import Emit, MachineFailed, MachineReplaced, Progress, Warned
from provision.names import short_name
from provision.plan import Plan
from provision.recipes.lateness import Node, Reach, Roster, controller_late, hopeless, late
from provision.remote.failures import SshError
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


class JoinWait:
    """The state of one wait: who has joined, who is late, who was given up.

    ``members`` asks the scheduler (raising ``UnreachableError`` or ``SchedulerFailure`` while the
    controller is not up), ``machines`` lists the cloud's machines, ``replace`` requests some anew
    and answers the refused ones, ``console`` reads one machine's console, ``groups`` counts the
    cloud's instance groups. Where listing is dear, machines are listed only once nothing has moved
    for ``quiet`` seconds. A ``new`` controller, one that has never been up, is replaced once too where
    nobody reaches it; one that was up holds the cluster's jobs and is left to its user.
    """

    def __init__(
        self,
        plan: Plan,
        emit: Emit,
        members: Callable[[], Sequence[Member]],
        machines: Callable[[], Sequence[Machine]],
        replace: Callable[[Sequence[str]], Mapping[str, str]],
        console: Callable[[str], str],
        groups: Callable[[], Sequence[GroupState]] = tuple,
        quiet: float = 0.0,
        new: bool = False,
    ) -> None:
        self.plan = plan
        self.roster = Roster(plan)
        self._emit = emit
        self._members, self._machines = members, machines
        self._replace, self._console = replace, console
        self._reach, self._down_since = Reach(), 0.0
        self._controller_said = "the controller has not been reached yet"
        self._groups, self._quiet, self._lost = groups, quiet, new
        self._alive = False
        self._states: Sequence[GroupState] = ()
        self._said: set[str] = set()
        self._count, self._moved = (0, 0), time.monotonic()
        self._last_list = self._last_groups = 0.0
        self._consoles = 0

    @property
    def nodes(self) -> Mapping[str, Node]:
        """What is known of every wanted node, by name."""
        return self.roster.nodes

    @property
    def controller(self) -> Node:
        """What is known of the controller."""
        return self.roster.controller

    @property
    def joined(self) -> list[Node]:
        """Nodes that the scheduler has, in order of name."""
        return self.roster.joined

    @property
    def missing(self) -> list[Node]:
        """Nodes that it does not have."""
        return self.roster.missing

    def note(self, machines: Sequence[Machine]) -> None:
        """Take over what the cloud knows of the machines."""
        self.roster.note(machines)

    @property
    def quorate(self) -> bool:
        """Whether as many have joined as the plan needs."""
        return len(self.joined) >= self.plan.needed

    @property
    def controller_said(self) -> str:
        """Why the scheduler could not be asked at the last look; '' where it could."""
        return self._controller_said

    def wait(self, refused: Callable[[], Mapping[str, str]]) -> None:
        """Look until all have joined, all that miss (or the controller) were given up, or the deadline.

        ``refused`` answers which machines the cloud has refused to start so far, with its reason.
        """
        tries = Retrying(
            stop=stop_after_delay(self.plan.deadline),
            wait=wait_fixed(POLL),
            retry=retry_if_result(lambda settled: not settled),
            retry_error_callback=lambda state: None,
        )
        tries(self._look, refused)
        for node in self.missing:
            if not node.given_up:
                self._keep_console(node)

    def _look(self, refused: Callable[[], Mapping[str, str]]) -> bool:
        self._ask_scheduler()
        if self.missing:
            self._ask_cloud()
        self._mind_controller()
        self._replace_late(refused())
        self._give_up_hopeless()
        self._report()
        return self.controller.given_up or all(node.given_up for node in self.missing)

    def _ask_scheduler(self) -> None:
        try:
            members = self._members()
        except (UnreachableError, SchedulerFailure) as error:
            self._controller_said = error.problem
            self._reach.missed(time.time())
            self._lost = self._lost and isinstance(error, UnreachableError)
            self._alive = isinstance(error, SshError) and error.cause.alive
            down = isinstance(error, SchedulerDown)
            self._down_since = (self._down_since or time.monotonic()) if down else 0.0
            return
        now = time.time()
        self._controller_said, self._lost, self._down_since = "", False, 0.0
        self._reach.heard(now)
        self.roster.hear(members, now)

    def _ask_cloud(self) -> None:
        """Count its groups; list its machines where that is due. What it refuses is only said."""
        now = time.monotonic()
        try:
            if now - self._last_groups > GROUPS_POLL:
                self._last_groups = now
                self._states = self._groups()
            count = (len(self.joined), sum(state.created for state in self._states))
            if count != self._count:
                self._count, self._moved = count, now
            if now - self._moved >= self._quiet and now - self._last_list > max(
                MACHINES_POLL, self._quiet
            ):
                self._last_list = now
                self.note(self._machines())
        except CloudFailure as failure:
            self._say(f"the cloud could not be asked ({failure.problem})")
        for state in self._states:
            if state.trouble:
                self._say(f"{state.name}: {state.trouble}")

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._emit(Warned(text=text))

    def _give_up_hopeless(self) -> None:
        """Wait no longer for machines that the cloud cannot make, once nothing moves any more."""
        if time.monotonic() - self._moved >= STALL:
            for name, why in hopeless(self.missing, self._states).items():
                self.nodes[name].given_up, self.nodes[name].reason = True, why

    def _mind_controller(self) -> None:
        node = self.controller
        if self._down_since and time.monotonic() - self._down_since > self.plan.replace_after:
            # It runs and answers: its user's to mend, and no worker's fault.
            node.given_up, node.reason = True, self._controller_said
        # One that speaks SSH boots, however long a busy host or cloud lets it wait for that.
        boots = self._alive and node.phase != Phase.STOPPED
        overdue = controller_late(node, self.plan.replace_after, time.time())
        if self._lost and overdue and not boots:
            node.reason = self._controller_said
            self._keep_console(node)
            node.given_up = node.replaced
            self._again([] if node.given_up else [node])

    def _replace_late(self, refused: Mapping[str, str]) -> None:
        overdue = [node for node in self.missing if not node.given_up and self._late(node, refused)]
        again = [node for node in overdue if not node.replaced]
        for node in overdue:
            self._keep_console(node)
            if node.replaced:
                node.given_up = True
        self._again(again)

    def _again(self, nodes: Sequence[Node]) -> None:
        if not nodes:
            return
        for node in nodes:
            why = node.reason or f"it had not joined after {self.plan.replace_after} s"
            self._emit(MachineReplaced(machine=node.name, reason=why))
            node.anew(time.time())
        answers = self._replace([node.name for node in nodes])
        for node in nodes:
            if node.name in answers:
                node.reason, node.given_up = answers[node.name], True
        self._last_list = 0.0

    def _late(self, node: Node, refused: Mapping[str, str]) -> bool:
        if not node.replaced and node.name in refused:
            node.reason = refused[node.name]
            return True
        now, allowed = time.time(), self.plan.replace_after
        return late(node, self._reach.open(now), allowed, now, self.roster.latest)

    def _keep_console(self, node: Node) -> None:
        if self._consoles < MOST_CONSOLES:
            self._consoles += 1
            with contextlib.suppress(CloudFailure):
                lines = self._console(node.name).splitlines()
                node.console_tail = "\n".join(lines[-TAIL_LINES:])
        why = node.reason or "it never joined"
        self._emit(
            MachineFailed(
                machine=node.name, phase=node.phase, reason=why, console_tail=node.console_tail
            )
        )

    def _report(self) -> None:
        words = ("booting" if node.phase == Phase.STARTED else node.phase for node in self.missing)
        counts = dict(Counter(words))
        if self._states and self.missing:
            # Counted by the cloud: its machines are not listed while all goes well.
            made = sum(state.created for state in self._states)
            counts = dict(sum((Counter(state.counts) for state in self._states), Counter[str]()))
            counts["booting"] = max(0, made - len(self.joined))
        again = [node for node in self.missing if node.replaced]
        self._emit(
            Progress(
                step="join",
                done=len(self.joined),
                total=len(self.nodes),
                counts=counts,
                late=tuple(short_name(self.plan.name, node.name) for node in again),
                text=self._controller_said,
            )
        )
