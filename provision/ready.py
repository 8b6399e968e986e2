"""Wait until the scheduler says that the nodes are there.

One scheduler call per poll for any number of nodes. Every node has a clock; one that has not joined
in its own time is replaced once, while the others wait for nobody.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.cloud import Machine, Phase
from provision.errors import SchedulerFailure, UnreachableError
from provision.events import Emit, MachineFailed, MachineReplaced, Progress
from provision.plan import Plan, short_name
from provision.scheduler import Member, MemberState

POLL = 0.4
"""Seconds between two looks at the scheduler; a look costs the controller about 20 ms of CPU."""
MACHINES_POLL = 5.0
"""Seconds between two lists of the cloud's machines, and only while a node is missing."""
MOST_CONSOLES = 20
"""Consoles read in one wait: one call each, and the first few of many tell the same story."""
TAIL_LINES = 25
"""Lines of a console worth keeping in an event."""


@dataclass(slots=True)
class Clock:
    """When a node passed each phase, in seconds since the epoch; None where it has not."""

    requested: float | None = None
    started: float | None = None
    booted: float | None = None
    joined: float | None = None
    generation: int = 0


@dataclass(slots=True)
class Node:
    """What is known of one wanted node."""

    name: str
    clock: Clock = field(default_factory=Clock)
    phase: str = "requested"
    reason: str = ""
    replaced: bool = False
    given_up: bool = False
    console_tail: str = ""


class Patience:
    """The state of one wait: who has joined, who is late, who was given up.

    ``members`` asks the scheduler (raising ``UnreachableError`` or ``SchedulerFailure`` while the
    controller is not up), ``machines`` lists the cloud's machines, ``replace`` requests some anew
    and answers the refused ones, ``console`` reads one machine's console.
    """

    def __init__(
        self,
        plan: Plan,
        emit: Emit,
        members: Callable[[], Sequence[Member]],
        machines: Callable[[], Sequence[Machine]],
        replace: Callable[[Sequence[str]], Mapping[str, str]],
        console: Callable[[str], str],
    ) -> None:
        self.plan = plan
        self.nodes = {machine.name: Node(machine.name) for machine in plan.workers}
        self._emit = emit
        self._members, self._machines = members, machines
        self._replace, self._console = replace, console
        self._controller_up: float | None = None
        self._controller_said = "the controller has not been reached yet"
        self._last_list = 0.0
        self._consoles = 0

    @property
    def joined(self) -> list[Node]:
        """Nodes that the scheduler has, in order of name."""
        return [node for node in self.nodes.values() if node.clock.joined]

    @property
    def missing(self) -> list[Node]:
        """Nodes that it does not have."""
        return [node for node in self.nodes.values() if not node.clock.joined]

    @property
    def quorate(self) -> bool:
        """Whether as many have joined as the plan needs."""
        return len(self.joined) >= self.plan.needed

    @property
    def controller_said(self) -> str:
        """Why the scheduler could not be asked at the last look; '' where it could."""
        return self._controller_said

    def wait(self, refused: Callable[[], Mapping[str, str]]) -> None:
        """Look until all have joined, all that miss were given up, or the deadline has passed.

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
        if self.missing and time.monotonic() - self._last_list > MACHINES_POLL:
            self._last_list = time.monotonic()
            self.note(self._machines())
        self._replace_late(refused())
        self._report()
        return all(node.given_up for node in self.missing)

    def _ask_scheduler(self) -> None:
        try:
            members = self._members()
        except (UnreachableError, SchedulerFailure) as error:
            self._controller_said = error.problem
            return
        now = time.time()
        self._controller_said = ""
        self._controller_up = self._controller_up or now
        for member in members:
            node = self.nodes.get(member.name)
            if node is None or node.clock.joined:
                continue
            if member.state is MemberState.DOWN:
                node.phase = "registered"
                node.reason = f"{member.detail} {member.reason}".strip()
            else:
                node.phase, node.reason, node.clock.joined = "joined", "", now

    def note(self, machines: Sequence[Machine]) -> None:
        """Take over what the cloud knows of the machines."""
        for machine in machines:
            node = self.nodes.get(machine.name)
            if node is None:
                continue
            clock = node.clock
            clock.requested, clock.generation = machine.requested, machine.generation
            clock.started = machine.started
            if not clock.joined and node.phase != "registered":
                node.phase = str(machine.phase)
                node.reason = machine.error

    def _replace_late(self, refused: Mapping[str, str]) -> None:
        late = [node for node in self.missing if not node.given_up and self._late(node, refused)]
        again = [node for node in late if not node.replaced]
        for node in late:
            self._keep_console(node)
            if node.replaced:
                node.given_up = True
        if again:
            for node in again:
                why = node.reason or f"it had not joined after {self.plan.replace_after} s"
                self._emit(MachineReplaced(machine=node.name, reason=why))
                node.replaced, node.reason, node.phase = True, "", "requested"
                node.clock = Clock(requested=time.time(), generation=node.clock.generation + 1)
            answers = self._replace([node.name for node in again])
            for name, why in answers.items():
                self.nodes[name].reason, self.nodes[name].given_up = why, True
            self._last_list = 0.0

    def _late(self, node: Node, refused: Mapping[str, str]) -> bool:
        if not node.replaced and node.name in refused:
            node.reason = refused[node.name]
            return True
        if node.phase == Phase.STOPPED:
            return True
        if not node.clock.started or not self._controller_up:
            return False  # a machine cannot join a controller that is not there
        since = max(node.clock.started, self._controller_up)
        return time.time() - since > self.plan.replace_after

    def _keep_console(self, node: Node) -> None:
        if self._consoles < MOST_CONSOLES:
            self._consoles += 1
            lines = self._console(node.name).splitlines()
            node.console_tail = "\n".join(lines[-TAIL_LINES:])
        why = node.reason or "it never joined"
        self._emit(
            MachineFailed(
                machine=node.name, phase=node.phase, reason=why, console_tail=node.console_tail
            )
        )

    def _report(self) -> None:
        counts: dict[str, int] = {}
        for node in self.missing:
            word = "booting" if node.phase == Phase.STARTED else node.phase
            counts[word] = counts.get(word, 0) + 1
        late = [node for node in self.missing if node.replaced]
        self._emit(
            Progress(
                step="join",
                done=len(self.joined),
                total=len(self.nodes),
                counts=counts,
                late=tuple(short_name(self.plan.name, node.name) for node in late),
                text="" if self._controller_up else self._controller_said,
            )
        )


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """``p50``, ``p95`` and ``p100`` of some seconds, nearest rank; empty where there are none."""
    ranked = sorted(values)
    if not ranked:
        return {}
    ranks = {"p50": 0.50, "p95": 0.95, "p100": 1.0}
    return {
        name: round(ranked[max(0, -(-len(ranked) * int(share * 100) // 100) - 1)], 3)
        for name, share in ranks.items()
    }


def timings(clocks: Mapping[str, Clock]) -> dict[str, object]:
    """Every node's clock, and percentiles of each phase in seconds since the node was requested."""
    nodes = [{"name": name, **dataclasses.asdict(clock)} for name, clock in sorted(clocks.items())]
    phases = {}
    for phase in ("started", "booted", "joined"):
        spans = [
            max(0.0, getattr(clock, phase) - clock.requested)
            for clock in clocks.values()
            if clock.requested and getattr(clock, phase)
        ]
        phases[phase] = percentiles(spans)
    return {"nodes": nodes, "seconds_since_requested": phases}


def clocks(saved: Mapping[str, Any]) -> dict[str, Clock]:
    """The clocks that :func:`timings` wrote, by node; empty where there are none."""
    names = [item.name for item in dataclasses.fields(Clock)]
    return {
        str(node["name"]): Clock(**{name: node.get(name) for name in names})
        for node in saved.get("nodes", [])
    }
