"""What the console says was measured in this run; an older fact carries its age."""

import dataclasses
import time

import pytest

from provision.cli import views
from provision.cli.words import Mark, mark, sentence
from provision.cloud import Phase
from provision.cluster import session, status
from provision.errors import InterruptedRun, ProvisionError
from provision.events import StepEnded
from provision.recipes import release
from provision.recipes.scale import scale
from provision.recipes.standing import proof_of
from provision.scheduler import Member, MemberState, Shell
from provision.workspace import Workspace
from tests.world import World

REAL_SHELL = session.Session.shell


def ended(world: World, step: str) -> StepEnded:
    """The last end of the step that was told."""
    return [e for e in world.events if isinstance(e, StepEnded) and e.step == step][-1]


def stop(world: World, name: str) -> None:
    there = world.cloud.there
    there[name] = dataclasses.replace(there[name], phase=Phase.STOPPED)


def test_an_old_proof_carries_its_age_and_is_in_the_past(world: World) -> None:
    first = world.up(nodes=10)
    assert "proof: hostname answered from 10 distinct nodes" in views.outcome_lines(first)
    outputs = Workspace("demo").load("outputs")
    outputs["proof"]["at"] -= 7200
    Workspace("demo").save("outputs", outputs)
    shrunk = scale("demo", 9, "", world.events.append, force=False)
    said = "\n".join(views.outcome_lines(shrunk))
    assert "last proof: 2h ago hostname answered from 10 distinct nodes; it was not run" in said
    assert "\nproof:" not in said
    proof = views.outcome_data(shrunk)["proof"]
    assert (proof["nodes"], proof["now"]) == (10, False) and proof["at"] < time.time() - 7000


def test_a_proof_whose_time_was_not_kept_is_of_an_earlier_run(world: World) -> None:
    world.up()
    outputs = Workspace("demo").load("outputs")
    del outputs["proof"]["at"]
    Workspace("demo").save("outputs", outputs)
    assert any("in an earlier run hostname" in line for line in views.outcome_lines(world.up()))


@pytest.mark.parametrize(
    "junk", [None, 7, "x", [], {}, {"nodes": "x"}, {"nodes": 1, "seconds": []}]
)
def test_a_proof_that_cannot_be_read_back_is_none(junk: object) -> None:
    assert proof_of(junk) is None


def test_joined_says_who_is_drained_or_down_again(world: World) -> None:
    world.up(nodes=9)
    status.drain("demo", ["worker-0003"], "disk", world.events.append)
    outcome = world.up(nodes=9)
    assert "9 of 9 nodes joined, 1 of them drained (worker-0003)" in views.outcome_lines(outcome)[0]
    assert views.outcome_data(outcome)["drained"] == ["demo-worker-0003"]
    assert outcome.exit_code == 0 and ended(world, "join").complete, "it is out on purpose"


def test_a_node_that_went_down_after_it_joined_is_not_counted_as_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.up(nodes=3)
    looks = []
    members = world.scheduler.members

    def later(shell: Shell) -> list[Member]:
        looks.append(shell)
        if len(looks) > 1:
            down = Member("demo-worker-0002", MemberState.DOWN, "down*", reason="gone")
            world.scheduler.states[down.name] = down
        return members(shell)

    monkeypatch.setattr(world.scheduler, "members", later)
    outcome = world.up(nodes=3)
    assert "1 of them down again (worker-0002)" in views.outcome_lines(outcome)[0]
    assert outcome.exit_code == 3 and not ended(world, "join").complete


def test_a_tick_stands_only_before_what_is_complete(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.scheduler.never = {"demo-worker-0001"}
    with pytest.raises(ProvisionError, match="0 of 1 nodes joined"):
        world.up(nodes=1, ready={"deadline": 1})
    event = ended(world, "join")
    assert "0 of 1 nodes joined" in sentence(event) and mark(event) is Mark.CARE
    world.scheduler.never = set()
    world.up(nodes=1, ready={"deadline": 1})
    assert mark(ended(world, "join")) is Mark.DONE


def test_no_proof_is_claimed_where_no_node_is_free(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.up(nodes=2)
    monkeypatch.setattr(world.scheduler, "forget", lambda *words: None)
    for name in world.workers:
        world.scheduler.states[name] = Member(name, MemberState.READY, "allocated", busy=True)
    world.scheduler.states["demo-worker-0003"] = Member(
        "demo-worker-0003", MemberState.DRAINED, "drained"
    )
    outcome = world.up(nodes=3)
    said = ended(world, "prove")
    assert "no proof job ran: no node was free; left out: 2 busy, 1 not in service" in said.text
    assert mark(said) is Mark.CARE
    assert any(line.startswith("last proof:") for line in views.outcome_lines(outcome))


def test_a_stopped_machine_is_not_ready_whatever_the_scheduler_still_says(world: World) -> None:
    world.up(nodes=3)
    stop(world, "demo-worker-0002")
    still = Member("demo-worker-0002", MemberState.READY, "idle")
    world.scheduler.states["demo-worker-0002"] = still
    found = status.status("demo", world.events.append)
    row = {node.name: node for node in found.nodes}["demo-worker-0002"]
    assert (row.phase, row.state, row.detail) == ("stopped", "down", "idle")
    assert row.reason == "its machine has stopped"
    assert views.status_line(found) == "demo: 2 of 3 nodes ready"


@pytest.mark.parametrize("how", ["stopped", "gone"])
def test_status_says_that_the_controller_is_lost_without_trying_to_reach_it(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def never(*words: object) -> None:
        raise AssertionError("there is nothing to reach")

    world.up(nodes=1)
    monkeypatch.setattr(session.Session, "shell", REAL_SHELL)
    monkeypatch.setattr(session, "controller_shell", never)
    if how == "gone":
        del world.cloud.there["demo-controller"]
    else:
        stop(world, "demo-controller")
    said = views.status_line(status.status("demo", world.events.append))
    words = {"gone": "has no controller: its machine is gone", "stopped": "controller has stopped"}
    assert words[how] in said and "run 'provision repair demo'" in said


def test_a_record_of_an_earlier_machine_makes_none_ready(world: World) -> None:
    world.up(nodes=1)
    (name,) = world.workers
    world.cloud.there[name] = dataclasses.replace(world.cloud.there[name], phase=Phase.REQUESTED)
    assert status.status("demo", world.events.append).nodes[0].state == "not joined"


def test_a_node_without_a_machine_is_listed_and_not_ready(world: World) -> None:
    world.up(nodes=3)
    del world.cloud.there["demo-worker-0003"]
    found = status.status("demo", world.events.append)
    assert (found.ready, found.asked) == (2, 3)
    assert views.node_rows(found)[-1] == (
        "worker-0003",
        "worker",
        "",
        "none",
        "down",
        "it has no machine",
    )


def test_a_machine_named_otherwise_than_planned_stands_for_one(world: World) -> None:
    world.up(nodes=2)
    made = world.cloud.there.pop("demo-worker-0002")
    world.cloud.there["demo-worker-x7"] = dataclasses.replace(made, name="demo-worker-x7")
    found = status.status("demo", world.events.append)
    assert [node.name for node in found.nodes] == ["demo-worker-0001", "demo-worker-x7"]


def test_drain_and_resume_say_what_the_scheduler_says_afterwards(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "SETTLE", 0.0)
    world.up(nodes=2)
    busy = Member("demo-worker-0002", MemberState.READY, "mixed", busy=True)
    world.scheduler.states[busy.name] = busy
    both = ["worker-0001", "worker-0002"]
    assert views.member_lines(status.drain("demo", both, "disk", world.events.append)) == [
        "demo-worker-0001: drained (disk)",
        "demo-worker-0002: draining (disk)",
    ]
    down = Member("demo-worker-0002", MemberState.DOWN, "down*", reason="not responding")
    world.scheduler.states[down.name] = down
    assert views.member_lines(status.resume("demo", both, world.events.append)) == [
        "demo-worker-0001: idle",
        "demo-worker-0002: down* (not responding)",
    ]


def test_scale_says_how_many_it_drained_and_waits_until_no_removed_machine_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "LOOK", 0.0)
    world.up(nodes=4)
    down = Member("demo-worker-0004", MemberState.DOWN, "down*")
    world.scheduler.states[down.name] = down
    looks: list[int] = []
    listed = world.cloud.machines

    def slow(cluster: str = "") -> list[object]:
        """A cloud whose removal takes three looks, the last as one that is on its way out."""
        looks.append(1)
        going = [
            dataclasses.replace(m, phase=Phase.STOPPED if len(looks) > 3 else m.phase)
            for m in leaving
        ]
        return [*listed(cluster), *going]

    leaving = [m for m in world.cloud.there.values() if m.name[-1] in "34"]

    def remove(cluster: str, names: list[str], emit: object) -> None:
        for name in names:
            del world.cloud.there[name]
        monkeypatch.setattr(world.cloud, "machines", slow)

    monkeypatch.setattr(world.cloud, "remove", remove)
    outcome = scale("demo", 2, "", world.events.append, force=False)
    text = "took 2 nodes out, 1 of them by draining; 2 machines are still on their way out"
    assert ended(world, "drain").text == text
    assert outcome.joined == 2 and len(looks) > 3


def test_a_removal_that_does_not_happen_is_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "REMOVAL", 0.0)
    monkeypatch.setattr(world.cloud, "remove", lambda *words: None)
    world.up(nodes=2)
    with pytest.raises(ProvisionError, match=r"1 machines still run .*worker-0002"):
        scale("demo", 1, "", world.events.append, force=False)


def test_an_interrupt_during_the_checks_keeps_the_keys_of_a_cluster_that_is_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.up(nodes=2)

    def interrupted(*words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("provision.recipes.preflight.missing", interrupted)
    with pytest.raises(InterruptedRun, match="3 resources of demo exist"):
        world.up(nodes=2)
    assert Workspace("demo").keys()
