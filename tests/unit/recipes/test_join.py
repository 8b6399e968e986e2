"""Waiting: one scheduler call per poll, late nodes replaced once, quorum and deadline kept."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from provision import failures
from provision.cloud import GroupState, Machine, Phase
from provision.errors import SchedulerDown, SchedulerFailure, UnreachableError
from provision.events import Event, MachineFailed, MachineReplaced, Progress, Warned
from provision.plan import Plan, plan_of
from provision.recipes import join
from provision.recipes.join import JoinWait
from provision.recipes.lateness import JoiningNode, Reach, Roster, late
from provision.recipes.timings import Clock, percentiles, timings
from provision.remote.failures import Cause, SshError
from provision.scheduler import Member, MemberState
from provision.spec.models import Spec


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "POLL", 0.005)
    monkeypatch.setattr(join, "MACHINES_POLL", 0.0)


class World:
    """A cloud and a scheduler in memory: nodes in ``broken`` join only after ``cured_by`` replacements."""

    def __init__(
        self, nodes: int, broken: Mapping[str, int] | None = None, quiet: float = 0.0,
        states: Sequence[GroupState] = (), new: bool = False, **changes: float,
    ) -> None:  # fmt: skip
        spec = Spec.model_validate({"name": "t", "groups": {"w": {"nodes": nodes}}})
        settings: dict[str, Any] = {"deadline": 5, "replace_after": 0.03, **changes}
        self.plan: Plan = dataclasses.replace(plan_of(spec), **settings)
        self.broken = dict(broken or {})
        self.generation = {machine.name: 0 for machine in self.plan.workers}
        self.events: list[Event] = []
        self.calls = {"members": 0, "machines": 0, "groups": 0}
        self.states = states
        self.refusals: Mapping[str, str] = {}
        self.silent_polls = 0
        self.waiting = JoinWait(
            self.plan,
            self.events.append,
            self,
            quiet=quiet,
            new=new,
        )

    def members(self) -> Sequence[Member]:
        self.calls["members"] += 1
        if self.calls["members"] <= self.silent_polls:
            raise SchedulerFailure("slurmctld is not up", "wait")
        return [
            Member(name, MemberState.READY, "idle")
            for name, generation in self.generation.items()
            if generation >= self.broken.get(name, 0)
        ]

    def machines(self) -> Sequence[Machine]:
        self.calls["machines"] += 1
        return [
            Machine(n, "t", "worker", "w", "", Phase.STARTED, g, time.time(), time.time() - 1, {})
            for n, g in self.generation.items()
        ]

    def groups(self) -> Sequence[GroupState]:
        self.calls["groups"] += 1
        return self.states

    def replace(self, names: Sequence[str]) -> Mapping[str, str]:
        for name in names:
            self.generation[name] += 1
        return {}

    def refused(self) -> Mapping[str, str]:
        return self.refusals

    def console(self, machine: str) -> str:
        return f"console of {machine}"

    def wait(self, refused: Mapping[str, str] | None = None) -> Roster:
        self.refusals = refused or {}
        self.waiting.watch()
        return self.waiting.roster

    def seen(self, kind: type[Event]) -> list[str]:
        return [getattr(event, "machine", "") for event in self.events if isinstance(event, kind)]


def test_all_join_at_the_first_look_with_one_call() -> None:
    world = World(1000)
    roster = world.wait()
    assert not roster.missing
    assert world.calls["members"] == 1
    assert isinstance(world.events[-1], Progress) and world.events[-1].done == 1000


def test_calls_do_not_grow_with_the_number_of_nodes() -> None:
    counts = []
    for nodes in (3, 300):
        world = World(nodes)
        world.silent_polls = 4
        world.wait()
        counts.append(world.calls["members"])
    assert counts == [5, 5]


def test_one_that_is_late_is_replaced_once_and_joins() -> None:
    world = World(8, {"t-w-0003": 1})
    roster = world.wait()
    assert not roster.missing
    assert world.seen(MachineReplaced) == ["t-w-0003"]
    assert world.generation["t-w-0003"] == 1


def test_one_whose_replacement_fails_too_is_given_up_and_named_with_its_console() -> None:
    world = World(8, {"t-w-0003": 99}, needed=7)
    roster = world.wait()
    assert len(roster.joined) == world.plan.needed
    (node,) = roster.missing
    assert node.name == "t-w-0003" and node.console_tail == "console of t-w-0003"
    assert world.seen(MachineReplaced) == ["t-w-0003"], "once, not again and again"
    assert world.seen(MachineFailed)[-1] == "t-w-0003"
    assert world.generation["t-w-0003"] == 1


def test_the_wait_ends_at_the_deadline_and_says_what_the_controller_said() -> None:
    world = World(2, deadline=0.05)
    world.silent_polls = 10**9
    began = time.monotonic()
    roster = world.wait()
    assert time.monotonic() - began < 30
    assert len(roster.missing) == 2 and world.waiting.silence == "slurmctld is not up"
    assert not world.seen(MachineReplaced), "nobody can join a controller that is not there"


def test_nobody_is_replaced_while_a_scheduler_that_answered_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silenced(World):
        def members(self) -> Sequence[Member]:
            if self.calls["members"]:
                raise UnreachableError("t-controller does not answer", "wait")
            return super().members()

    monkeypatch.setattr(Reach, "MOMENT", 0.0)
    world = Silenced(2, {"t-w-0002": 1}, deadline=0.3)
    assert [node.name for node in world.wait().missing] == ["t-w-0002"]
    assert not world.seen(MachineReplaced)


def test_few_consoles_are_read_however_many_never_join() -> None:
    world = World(300, {f"t-w-{n:04d}": 99 for n in range(1, 301)}, deadline=0.5)
    world.wait()
    failed = [event for event in world.events if isinstance(event, MachineFailed)]
    assert len({event.machine for event in failed}) == 300
    assert len({event.machine for event in failed if event.console_tail}) == join.MOST_CONSOLES


def test_a_machine_the_cloud_refused_is_requested_again_once() -> None:
    world = World(3, {"t-w-0002": 1})
    roster = world.wait({"t-w-0002": "no address left"})
    assert not roster.missing and world.generation["t-w-0002"] == 1
    replaced = [event for event in world.events if isinstance(event, MachineReplaced)]
    assert [event.reason for event in replaced] == ["no address left"]


def test_a_node_that_registered_and_is_down_has_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(2, deadline=0.05, replace_after=60)
    down = Member("t-w-0001", MemberState.DOWN, "inval", reason="Low RealMemory")
    monkeypatch.setattr(
        world, "members", lambda: [down, Member("t-w-0002", MemberState.READY, "idle")]
    )
    (node,) = world.wait().missing
    assert (node.phase, node.reason) == ("registered", "inval Low RealMemory")


def test_machines_are_not_listed_while_all_goes_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "GROUPS_POLL", 0.0)
    world = World(3, quiet=10.0, states=[GroupState("t-w", "w", 3, 3)])
    world.silent_polls = 4
    assert not world.wait().missing
    assert world.calls["machines"] == 0 and world.calls["groups"] == 4
    counts = [event.counts for event in world.events if isinstance(event, Progress)]
    assert counts[0] == {"booting": 3}, "counted by the cloud"


def test_machines_are_listed_once_nothing_has_moved() -> None:
    world = World(3, {"t-w-0002": 1}, quiet=0.1, states=[GroupState("t-w", "w", 3, 3)])
    assert not world.wait().missing, "the late one was found, and replaced"
    assert 1 <= world.calls["machines"] <= 5
    assert world.seen(MachineReplaced) == ["t-w-0002"]


STOCK = GroupState(
    "t-w", "w", 4, 2, {"creating": 2}, {failures.Cause.STOCK_OUT: 2}, "STOCKOUT: no room"
)


class Short(World):
    """The cloud has made only the first two of four, which have joined."""

    def members(self) -> Sequence[Member]:
        return [member for member in super().members() if member.name < "t-w-0003"]

    def machines(self) -> Sequence[Machine]:
        return [machine for machine in super().machines() if machine.name < "t-w-0003"]


def test_what_a_group_cannot_make_is_told_once_and_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(join, "GROUPS_POLL", 0.0)
    monkeypatch.setattr(join, "STALL", 0.05)
    world = Short(4, states=[STOCK])
    roster = world.wait()
    assert [node.reason for node in roster.missing] == [STOCK.words] * 2
    told = [event.text for event in world.events if isinstance(event, Warned)]
    assert told == ["t-w: STOCKOUT: no room"]
    assert world.seen(MachineFailed) == [] and not world.seen(MachineReplaced)


@pytest.mark.parametrize(
    ("change", "stall"),
    [({"failures": {failures.Cause.OTHER: 2}}, 0.0), ({"created": 4}, 0.0), ({}, 60.0)],
    ids=["it may mend by itself", "all were made", "something moved a moment ago"],
)
def test_hope_lasts_until_the_deadline(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], stall: float
) -> None:
    monkeypatch.setattr(join, "STALL", stall)
    world = Short(4, states=[dataclasses.replace(STOCK, **change)], deadline=0.15)
    assert [node.given_up for node in world.wait().missing] == [False, False]


def test_a_machine_that_a_group_named_otherwise_is_adopted() -> None:
    class Renamed(World):
        def machines(self) -> Sequence[Machine]:
            now = time.time()
            names = ["t-w-0001", "t-w-0002", "t-w-0009"]
            return [
                Machine(n, "t", "worker", "w", "", Phase.STARTED, 0, now, now, {}) for n in names
            ]

        def members(self) -> Sequence[Member]:
            self.calls["members"] += 1
            return [Member(m.name, MemberState.READY, "idle") for m in self.machines()]

    roster = Renamed(3, replace_after=9.0).wait()
    assert [node.name for node in roster.joined] == ["t-w-0001", "t-w-0002", "t-w-0009"]


def booting(problem: str, step: str) -> SshError:
    """It speaks SSH, and lets nobody in yet."""
    return SshError(Cause.BOOTING, "t-controller", problem, step)


def accepting(problem: str, step: str) -> SshError:
    """Something takes connections at its address, and says nothing."""
    return SshError(Cause.GREETING, "t-controller", problem, step)


class Headless(World):
    """The controller runs and is reached only after ``cured_by`` replacements."""

    def __init__(
        self, cured_by: int, error: Callable[..., Exception] = UnreachableError, **changes: Any
    ) -> None:
        super().__init__(2, replace_after=0.05, **changes)
        self.cured_by, self.error, self.lives = cured_by, error, 0
        self.begun = time.time()

    def members(self) -> Sequence[Member]:
        if self.lives < self.cured_by:
            raise self.error("t-controller does not answer", "wait")
        return super().members()

    def machines(self) -> Sequence[Machine]:
        head = Machine(
            self.plan.controller.name, "t", "controller", "controller", "", Phase.STARTED, self.lives,
            self.begun, self.begun, {}, ident=str(self.lives),
        )  # fmt: skip
        return [head, *super().machines()]

    def replace(self, names: Sequence[str]) -> Mapping[str, str]:
        if names == [self.plan.controller.name]:
            self.lives, self.begun = self.lives + 1, time.time()
            return {}
        return super().replace(names)


@pytest.mark.parametrize("error", [UnreachableError, accepting])
def test_a_new_controller_that_nobody_reaches_is_replaced_once(
    error: Callable[..., Exception],
) -> None:
    world = Headless(1, error, new=True)
    assert not world.wait().missing and world.lives == 1
    assert world.seen(MachineReplaced) == [world.plan.controller.name]


def test_with_its_replacement_lost_too_the_wait_ends() -> None:
    world = Headless(9, new=True, deadline=60)
    began = time.monotonic()
    roster = world.wait()
    assert time.monotonic() - began < 30 and len(roster.missing) == 2 and world.lives == 1
    assert roster.controller.given_up and world.waiting.silence == "t-controller does not answer"
    assert world.plan.controller.name in world.seen(MachineFailed)


@pytest.mark.parametrize(
    ("new", "error"), [(False, UnreachableError), (True, SchedulerFailure), (True, booting)],
    ids=["it was up before", "it answers, and its scheduler does not yet", "it boots still"],
)  # fmt: skip
def test_other_controllers_are_left_alone(new: bool, error: Callable[..., Exception]) -> None:
    world = Headless(9, error, new=new, deadline=0.3)
    assert world.wait().missing and world.lives == 0


def test_a_dead_scheduler_ends_the_wait_and_costs_no_machine_its_place() -> None:
    class Dead(World):
        def members(self) -> Sequence[Member]:
            raise SchedulerDown("slurmctld on the controller is not running (masked)", "start it")

    world = Dead(3, replace_after=0.1, deadline=60)
    began = time.monotonic()
    wait = world.wait()
    assert time.monotonic() - began < 30, "not at the deadline"
    assert wait.controller.given_up and world.waiting.silence.endswith("is not running (masked)")
    assert world.seen(MachineReplaced) == []


def node(started: float, phase: str = Phase.STARTED) -> JoiningNode:
    return JoiningNode("n", clock=Clock(started=started), phase=phase)


@pytest.mark.parametrize(
    ("started", "reached", "latest", "expected"),
    [
        (100, 100, 0, True), (450, 100, 0, False), (100, 450, 0, False), (100, None, 0, False),
        (250, 100, 495, False), (100, 100, 495, True), (250, 100, 480, True),
    ],
    ids=[
        "both long ago", "it started a moment ago", "the controller answers only since a moment",
        "the controller does not answer", "others arrive still", "it had as long again",
        "nobody has arrived for a while",
    ],
)  # fmt: skip
def test_lateness_counts_from_when_a_machine_could_have_joined(
    started: float, reached: float | None, latest: float, expected: bool
) -> None:
    assert late(node(started), reached, 180, 500, latest) is expected


def test_a_machine_that_stopped_is_late_at_once() -> None:
    assert late(node(499, Phase.STOPPED), None, 180, 500)


def test_while_the_scheduler_is_silent_nobody_can_join() -> None:
    reach = Reach()
    assert reach.open(100) is None
    reach.heard(100)
    reach.missed(101)
    assert reach.open(104) == 100, "but for a moment"
    reach.heard(105)
    assert reach.open(500) == 100, "however long a look takes"
    reach.missed(501)
    reach.missed(600)
    assert reach.open(600) is None
    reach.heard(601)
    assert reach.open(602) == 601, "all have their time anew"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], {}),
        ([3.0], {"p50": 3.0, "p95": 3.0, "p100": 3.0}),
        (list(range(1, 101)), {"p50": 50, "p95": 95, "p100": 100}),
    ],
)
def test_percentiles_are_nearest_rank(values: list[float], expected: dict[str, float]) -> None:
    assert percentiles(values) == expected


def test_timings_count_from_the_request_and_never_below_zero() -> None:
    found = timings({"b": Clock(10.0, 11.5, 11.0, 14.0), "a": Clock(10.0, 9.9, None, None, 1)})
    assert found["seconds_since_requested"] == {
        "started": {"p50": 0.0, "p95": 1.5, "p100": 1.5},
        "booted": {"p50": 1.0, "p95": 1.0, "p100": 1.0},
        "joined": {"p50": 4.0, "p95": 4.0, "p100": 4.0},
    }
