"""A controller that is lost is replaced by facts, and the workers become members of the new one."""

import dataclasses
from collections.abc import Generator, Mapping
from typing import Any

import pytest

from provision.cli import views
from provision.cloud import Phase
from provision.cluster import session
from provision.errors import ProvisionError, SchedulerFailure, UnreachableError
from provision.events import Warned
from provision.recipes import controller
from provision.recipes.outcome import Outcome
from provision.recipes.repair import repair
from provision.recipes.scale import scale
from provision.remote import fanout
from provision.remote.fanout import HostResult
from provision.remote.ssh import Login
from provision.scheduler import Member, MemberState
from provision.workspace import Workspace
from tests.memory import NoShell
from tests.world import World

NAME = "demo-controller"


@pytest.fixture(autouse=True)
def quick(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a worker that never becomes a member waited for by anybody for ten minutes."""
    up = world.up

    def soon(nodes: int = 8, **changes: Any) -> Outcome:
        return up(nodes, **{"ready": {"deadline": 30}, **changes})

    monkeypatch.setattr(world, "up", soon)
    monkeypatch.setattr(controller, "ANSWER", 0.0)
    monkeypatch.setattr(controller, "LOOK", 0.0)


class Agents:
    """The workers' agents, which register when they are started again."""

    def __init__(self, world: World) -> None:
        self.world, self.told, self.fails = world, list[list[str]](), False

    def each(
        self, shell: object, hosts: Mapping[str, Login], work: object, timeout: float
    ) -> Generator[HostResult]:
        self.told.append(sorted(hosts))
        keys = Workspace("demo").keys()
        for name, login in hosts.items():
            assert keys and login.host_public == keys.worker_host.public
            assert login.endpoint.address == self.world.cloud.there[name].address
            if not self.fails:
                self.world.scheduler.unknown.discard(name)
            code, why = (255, "no route") if self.fails else (0, "")
            yield HostResult(name, code, error=why)


@pytest.fixture(autouse=True)
def agents(world: World, monkeypatch: pytest.MonkeyPatch) -> Agents:
    made = Agents(world)
    monkeypatch.setattr(fanout, "each", made.each)
    return made


def lose(world: World, how: str) -> None:
    """Its machine goes, and no worker is known to the one that comes."""
    there = world.cloud.there
    if how == "gone":
        del there[NAME]
    else:
        there[NAME] = dataclasses.replace(there[NAME], phase=Phase.STOPPED)
    world.scheduler.unknown = set(world.workers)


def warnings(world: World) -> list[str]:
    return [event.text for event in world.events if isinstance(event, Warned)]


def unreachable(self: object, plan: object) -> NoShell:
    raise UnreachableError("demo-controller does not answer on SSH yet", "wait")


@pytest.fixture
def stopped_starts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As this host's runtimes do it: what has stopped is removed and booted anew."""
    apply = world.cloud.apply

    def booting(launch: Any, emit: Any) -> Any:
        for name, machine in list(world.cloud.there.items()):
            if machine.phase is Phase.STOPPED:
                del world.cloud.there[name]
        return apply(launch, emit)

    monkeypatch.setattr(world.cloud, "apply", booting)


@pytest.mark.usefixtures("stopped_starts")
@pytest.mark.parametrize("how", ["gone", "stopped"])
@pytest.mark.parametrize("recipe", ["repair", "up"])
def test_a_lost_controller_is_made_anew_and_its_workers_register(
    world: World, agents: Agents, how: str, recipe: str
) -> None:
    world.up(nodes=3)
    lose(world, how)
    again = repair("demo", world.events.append) if recipe == "repair" else world.up(nodes=3)
    assert (again.created, again.joined, again.exit_code) == (1, 3, 0)
    assert world.cloud.there[NAME].phase is Phase.STARTED
    assert agents.told == [world.workers], "all of them, once"
    assert again.proved, "what the old one proved says nothing of the new one"
    lost = "is gone" if how == "gone" else "has stopped"
    assert warnings(world) == [f"{NAME} {lost} and is made anew: {controller.LOSS}"]


def test_one_that_kept_its_disk_is_started_again_and_loses_nothing(world: World) -> None:
    world.cloud.keeps_disks = True
    world.up(nodes=2)
    lose(world, "stopped")
    outcome = repair("demo", world.events.append)
    assert f"revive {NAME}" in world.cloud.calls and not warnings(world)
    assert (outcome.created, outcome.joined, outcome.exit_code) == (0, 2, 0)
    assert outcome.proved, "that it ran before says nothing of now"
    assert views.repair_lines(outcome)[0] == "demo: the controller was started again"


def test_one_that_kept_its_disk_is_replaced_where_its_user_says_so(world: World) -> None:
    world.cloud.declarative = world.cloud.keeps_disks = True
    world.up(nodes=2)
    lose(world, "stopped")
    repair("demo", world.events.append, renew=True)
    assert f"replace {NAME}" in world.cloud.calls and f"revive {NAME}" not in world.cloud.calls


def test_where_stopped_machines_stay_declared_the_old_one_is_replaced(world: World) -> None:
    world.cloud.declarative = True
    world.up(nodes=2)
    lose(world, "stopped")
    repair("demo", world.events.append)
    assert f"replace {NAME}" in world.cloud.calls


def test_a_killed_run_after_the_new_controller_came_is_gone_on_with(
    world: World, agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lacking any more, and yet nobody knows the workers."""
    monkeypatch.setattr(controller, "AGAIN", 0.0)
    world.up(nodes=2)
    world.scheduler.unknown = set(world.workers)
    again = world.up(nodes=2)
    assert (again.created, again.joined, again.exit_code) == (0, 2, 0)
    assert agents.told == [world.workers] and not warnings(world)


def test_workers_that_may_still_be_booting_have_time_to_register_by_themselves(
    world: World, agents: Agents
) -> None:
    world.up(nodes=2)
    world.scheduler.unknown = set(world.workers)
    with pytest.raises(ProvisionError, match="0 of 2 nodes joined"):
        world.up(nodes=2, ready={"deadline": 2, "replace_after": 60})
    assert not agents.told


def test_a_controller_that_is_made_anew_in_the_wait_gets_its_workers_too(
    world: World, agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had taken them in, and nobody could log in to it."""

    def shell(self: session.Session, plan: Any) -> Any:
        return NoShell() if world.cloud.there[NAME].generation else unreachable(self, plan)

    monkeypatch.setattr(controller, "AGAIN", 0.0)
    monkeypatch.setattr(session.Session, "try_shell", shell)
    workers = ["demo-worker-0001", "demo-worker-0002"]
    world.scheduler.unknown = set(workers)
    assert world.up(nodes=2, ready={"deadline": 20, "replace_after": 1}).exit_code == 0
    assert agents.told == [workers]
    assert [call for call in world.cloud.calls if call.startswith("replace")] == [f"replace {NAME}"]


def test_members_are_left_alone(world: World, agents: Agents) -> None:
    world.up(nodes=2)
    lose(world, "gone")
    world.scheduler.unknown = {"demo-worker-0002"}
    world.up(nodes=2)
    assert agents.told == [["demo-worker-0002"]]


def test_machines_that_do_not_run_are_not_logged_in_to(world: World, agents: Agents) -> None:
    world.up(nodes=2)
    stopped = world.cloud.there["demo-worker-0002"]
    world.cloud.there[stopped.name] = dataclasses.replace(stopped, phase=Phase.STOPPED)
    world.scheduler.unknown = set(world.workers)
    with session.found("demo", world.events.append) as cluster:
        controller.Rejoin(cluster, cluster.plan(), cluster.machines(), anew=True).members()
    assert agents.told == [["demo-worker-0001"]]


def test_agents_that_cannot_be_started_again_are_told_and_tried_twice(
    world: World, agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.up(nodes=2)
    lose(world, "gone")
    agents.fails = True
    monkeypatch.setattr(controller, "AGAIN", 0.0)
    with pytest.raises(ProvisionError, match="0 of 2 nodes joined"):
        world.up(nodes=2, ready={"deadline": 3, "replace_after": 60})
    assert agents.told == [world.workers] * controller.ROUNDS
    said = "the agents of 2 of them could not be started again (no route)"
    assert warnings(world).count(said) == controller.ROUNDS


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (UnreachableError("no answer on SSH", "wait"), "nothing on it answers"),
        (SchedulerFailure("sinfo failed", "look"), "its scheduler does not answer"),
    ],
)
@pytest.mark.parametrize("recipe", ["repair", "scale"])
def test_a_controller_that_runs_and_does_not_answer_is_told_and_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, failure: Exception, words: str, recipe: str
) -> None:
    world.up(nodes=3)
    before = (dict(world.cloud.there), list(world.cloud.calls))

    def silent(shell: object) -> list[Member]:
        raise failure

    monkeypatch.setattr(world.scheduler, "members", silent)
    with pytest.raises(ProvisionError, match=f"{words} .*nothing was changed") as caught:
        if recipe == "repair":
            repair("demo", world.events.append)
        else:
            scale("demo", 2, "", world.events.append, force=True)
    assert "provision repair demo --controller" in caught.value.next_step
    assert (world.cloud.there, world.cloud.calls[: len(before[1])]) == before
    assert not [c for c in world.cloud.calls[len(before[1]) :] if c != "close"]


def test_a_moments_silence_is_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.up(nodes=2)
    looks: list[int] = []

    def shell(self: object, plan: object) -> NoShell:
        looks.append(1)
        if len(looks) < 3:
            raise UnreachableError("busy", "wait")
        return NoShell()

    monkeypatch.setattr(controller, "ANSWER", 5.0)
    monkeypatch.setattr(session.Session, "try_shell", shell)
    assert repair("demo", world.events.append).created == 0


def test_one_that_answers_nothing_is_replaced_where_its_user_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.up(nodes=2)
    old = world.cloud.there[NAME]

    def shell(self: session.Session, plan: object) -> NoShell:
        if world.cloud.there[NAME].generation == old.generation:
            unreachable(self, plan)
        return NoShell()

    monkeypatch.setattr(session.Session, "try_shell", shell)
    again = repair("demo", world.events.append, renew=True)
    assert world.cloud.there[NAME].generation == 1 and (again.created, again.exit_code) == (1, 0)
    assert warnings(world) == [f"{NAME} does not answer and is made anew: {controller.LOSS}"]


def test_one_that_answers_is_never_replaced(world: World) -> None:
    world.up(nodes=2)
    busy = Member("demo-worker-0001", MemberState.READY, "mixed", busy=True)
    world.scheduler.states[busy.name] = busy
    before = dict(world.cloud.there)
    with pytest.raises(ProvisionError, match=r"2 nodes, 1 of them run jobs\); nothing was changed"):
        repair("demo", world.events.append, renew=True)
    assert world.cloud.there == before


@pytest.mark.parametrize("nodes", [1, 5])
@pytest.mark.parametrize("how", ["gone", "stopped"])
def test_scale_without_a_controller_is_refused_and_takes_nothing(
    world: World, nodes: int, how: str
) -> None:
    world.up(nodes=3)
    lose(world, how)
    before = dict(world.cloud.there)
    with pytest.raises(ProvisionError, match="nothing was changed") as caught:
        scale("demo", nodes, "", world.events.append, force=True)
    assert caught.value.next_step == "run 'provision repair demo' first"
    assert world.cloud.there == before


@pytest.mark.usefixtures("stopped_starts")
def test_worker_stopped_worker_drained_and_controller_stopped_at_once(world: World) -> None:
    world.up(nodes=4)
    lose(world, "stopped")
    stopped = "demo-worker-0002"
    world.cloud.there[stopped] = dataclasses.replace(
        world.cloud.there[stopped], phase=Phase.STOPPED
    )
    del world.cloud.there["demo-worker-0003"]
    world.scheduler.unknown = {"demo-worker-0001", "demo-worker-0004"}
    outcome = repair("demo", world.events.append)
    assert (outcome.created, outcome.joined, outcome.exit_code) == (3, 4, 0)
    lines = views.repair_lines(outcome)
    assert lines[0] == "demo: 3 machines were made anew (controller, worker-0002, worker-0003)"
    assert "4 of 4 nodes joined" in lines[1]


def test_repair_with_nothing_to_do_says_so(world: World) -> None:
    world.up(nodes=2)
    lines = views.repair_lines(repair("demo", world.events.append))
    assert lines[0] == "demo: no machine had to be made anew"


def test_a_node_that_is_down_is_counted_among_those_made_anew(world: World) -> None:
    world.up(nodes=2)
    world.scheduler.states["demo-worker-0002"] = Member(
        "demo-worker-0002", MemberState.DOWN, "down*"
    )
    lines = views.repair_lines(repair("demo", world.events.append))
    assert lines[0] == "demo: 1 machine was made anew (worker-0002)"


def test_repair_goes_on_with_an_up_that_never_finished(
    world: World, agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its controller still boots: nothing is down, and nothing is asked of it that it cannot answer."""

    def stop(self: object, plan: object) -> NoShell:
        raise KeyboardInterrupt

    kept = session.Session.try_shell
    with monkeypatch.context() as patch:
        patch.setattr(session.Session, "try_shell", stop)
        with pytest.raises(ProvisionError):
            world.up(nodes=2)
    assert not Workspace("demo").load("outputs")
    looks: list[int] = []

    def later(self: session.Session, plan: Any) -> Any:
        looks.append(1)
        return unreachable(self, plan) if len(looks) < 3 else kept(self, plan)

    monkeypatch.setattr(session.Session, "try_shell", later)
    assert repair("demo", world.events.append).exit_code == 0
    assert not agents.told
