"""The recipes against a cloud and a scheduler in memory."""

import dataclasses
import json
import threading
from collections.abc import Mapping

import pytest

from provision.cloud import Launch, Machine, Phase
from provision.cluster import listing, session, status
from provision.errors import (
    BusyError,
    CloudFailure,
    Finding,
    InterruptedRun,
    NotReadyError,
    ProvisionError,
    RefusedError,
    RuntimeFailure,
    SchedulerDown,
    SpecError,
    UnaskedError,
    UnknownClusterError,
    UsageError,
)
from provision.events import Emit, MachineReplaced, StepEnded, ignore
from provision.labels import RUN
from provision.leftovers import Leftover
from provision.recipes import join
from provision.recipes.down import down
from provision.recipes.repair import repair
from provision.recipes.scale import scale
from provision.recipes.up import up
from provision.scheduler import Member, MemberState
from provision.spec.clouds import LocalCloud
from provision.spec.models import Spec
from provision.workspace import Workspace
from tests.memory import MemoryCloud
from tests.world import World


def test_up_brings_all_and_proves_all(world: World) -> None:
    outcome = world.up()
    assert (outcome.joined, outcome.created, outcome.exit_code) == (8, 9, 0)
    assert outcome.proof and outcome.proof.nodes == 8
    steps_seen = [event.step for event in world.events if isinstance(event, StepEnded)]
    assert steps_seen == ["check", "image", "join", "prove"]
    files = {path.name for path in Workspace("demo").folder.iterdir()}
    assert files == {
        "events.jsonl",
        "id_ed25519",
        "inventory.yml",
        "keys.json",
        "known_hosts",
        "marks.json",
        "outputs.json",
        "spec.json",
        "ssh_config",
        "timings.json",
    }
    assert len(json.loads(Workspace("demo").path("timings.json").read_text())["nodes"]) == 8


def test_nobody_waits_for_machines_that_cannot_boot(world: World) -> None:
    world.cloud.nothing_boots = "VMs of the emulator are state only"
    with pytest.raises(RefusedError) as caught:
        world.up()
    assert "state only, and none of them can join" in str(caught.value)
    assert caught.value.exit_code == 4 and "apply" not in world.cloud.calls
    assert not Workspace("demo").folder.exists()
    spec = Spec.model_validate({"name": "demo", "groups": {"worker": {"nodes": 2}}})
    assert up(spec, ignore, until="created").created == 3
    with pytest.raises(RefusedError):
        up(spec, ignore, until="joined")


def test_up_again_creates_and_proves_nothing(world: World) -> None:
    world.up()
    before = list(world.cloud.calls)
    outcome = world.up()
    assert (outcome.created, outcome.exit_code) == (0, 0)
    assert outcome.proof and outcome.proof.nodes == 8
    assert "apply" not in world.cloud.calls[len(before) :]
    assert world.scheduler.calls == ["prove 8"]


def test_a_second_run_declares_the_labels_of_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared: list[Mapping[str, str]] = []
    apply = world.cloud.apply

    def watched(launch: Launch, emit: Emit) -> Mapping[str, str]:
        declared.append(dict(launch.marks))
        return apply(launch, emit)

    monkeypatch.setattr(world.cloud, "apply", watched)
    world.cloud.declarative = True
    for _ in range(2):
        world.up(nodes=2)
    world.cloud.there.clear()
    world.up(nodes=2)
    assert RUN in declared[0] and declared == [declared[0]] * 3


def test_findings_refuse_before_anything_is_made(world: World) -> None:
    world.cloud.findings = [
        Finding("host: memory", "too little", "use fewer"),
        Finding("cloud.subnet", "taken", "set another"),
    ]
    with pytest.raises(RefusedError) as caught:
        world.up()
    assert len(caught.value.findings) == 2 and caught.value.exit_code == 4
    assert "apply" not in world.cloud.calls and not Workspace("demo").folder.exists()


def test_an_image_that_cannot_be_made_refuses_and_leaves_no_keys(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(plan: object, missing: object, emit: object) -> None:
        raise RuntimeFailure("the build failed", "free some disk")

    monkeypatch.setattr(world.cloud, "prepare", prepare)
    with pytest.raises(RefusedError, match="the build failed; free some disk"):
        world.up()
    assert not world.cloud.there and not Workspace("demo").folder.exists()


def test_broken_user_data_refuses_before_anything_is_made(world: World) -> None:
    with pytest.raises(SpecError, match="user_data"):
        world.up(groups={"worker": {"nodes": 1, "user_data": "echo"}})
    assert not world.cloud.there and not Workspace("demo").folder.exists()


def test_a_cluster_may_grow_by_another_up_but_not_shrink(world: World) -> None:
    world.up()
    assert world.up(nodes=10).created == 2
    proofs = [call for call in world.scheduler.calls if call.startswith("prove")]
    assert proofs == ["prove 8", "prove 10"]
    with pytest.raises(RefusedError, match="provision scale demo 8"):
        world.up(nodes=8)


def test_a_cluster_whose_keys_are_elsewhere_is_refused(world: World) -> None:
    world.up()
    Workspace("demo").remove()
    with pytest.raises(RefusedError, match="keys are not on this machine"):
        world.up()
    assert down("demo", world.events.append)
    assert not world.cloud.there


def test_a_refused_controller_ends_the_run(world: World) -> None:
    world.cloud.refuse = {"demo-controller": "no address left"}
    world.scheduler.never = set(f"demo-worker-{n:04d}" for n in range(1, 9))
    with pytest.raises(CloudFailure, match="no address left"):
        world.up()


def test_a_refused_worker_is_asked_for_again(world: World) -> None:
    world.cloud.refuse = {"demo-worker-0002": "no address left"}
    assert world.up().exit_code == 0
    replaced = [event for event in world.events if isinstance(event, MachineReplaced)]
    assert [event.machine for event in replaced] == ["demo-worker-0002"]


def test_below_quorum_fails_and_above_it_is_incomplete(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join, "POLL", 0.01)
    monkeypatch.setattr(join, "MACHINES_POLL", 0.0)
    world.scheduler.never = {"demo-worker-0005"}
    patience = {"deadline": 1, "replace_after": 60}
    with pytest.raises(
        NotReadyError, match=r"worker-0005 \(1 started and never joined\)"
    ) as caught:
        world.up(ready=patience)
    assert caught.value.exit_code == 1 and caught.value.missing == ("demo-worker-0005",)
    outcome = world.up(ready={**patience, "quorum": 0.8})
    assert outcome.exit_code == 3 and [node.name for node in outcome.missing] == [
        "demo-worker-0005"
    ]
    assert outcome.missing[0].console_tail == "console of demo-worker-0005"


def test_a_dead_scheduler_is_what_is_told_and_what_is_asked_to_look_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(controller: object) -> list[Member]:
        raise SchedulerDown("slurmctld of demo-controller is failed (exit 1)", "look")

    monkeypatch.setattr(join, "POLL", 0.01)
    monkeypatch.setattr(world.scheduler, "members", dead)
    with pytest.raises(NotReadyError) as caught:
        world.up(ready={"deadline": 1, "replace_after": 60})
    said = str(caught.value)
    assert said.startswith(
        "demo is not ready: slurmctld of demo-controller is failed (exit 1); 0 of 8"
    )
    assert "'provision logs demo controller'" in said and "never joined" not in said


def test_an_interrupt_says_what_exists_and_up_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(controller: object) -> list[Member]:
        raise KeyboardInterrupt

    members = world.scheduler.members
    monkeypatch.setattr(world.scheduler, "members", stop)
    with pytest.raises(InterruptedRun) as caught:
        world.up()
    assert caught.value.exit_code == 130
    assert "provision down demo" in str(caught.value)
    monkeypatch.setattr(world.scheduler, "members", members)
    assert world.up().exit_code == 0


def test_an_interrupt_is_told_where_the_cloud_does_not_answer_any_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(controller: object) -> list[Member]:
        monkeypatch.setattr(world.cloud, "census", lost)
        raise KeyboardInterrupt

    def lost(cluster: str = "", *, everywhere: bool = False) -> list[list[Leftover]]:
        raise CloudFailure("no route to the cloud", "wait")

    monkeypatch.setattr(world.scheduler, "members", stop)
    with pytest.raises(InterruptedRun, match="no route to the cloud") as caught:
        world.up()
    assert "provision down demo" in str(caught.value)
    assert Workspace("demo").folder.exists(), "it holds the keys of what may exist"


def test_down_removes_all_and_the_second_time_says_so(world: World) -> None:
    world.up()
    down("demo", world.events.append)
    assert not world.cloud.there and not Workspace("demo").folder.exists()
    with pytest.raises(UnknownClusterError):
        down("demo", world.events.append)


def test_scale_up_proves_all_that_are_free(world: World) -> None:
    world.up()
    busy = Member("demo-worker-0001", MemberState.READY, "allocated", busy=True)
    world.scheduler.states[busy.name] = busy
    outcome = scale("demo", 11, "", world.events.append, force=False)
    assert (outcome.created, outcome.joined) == (3, 11)
    assert world.scheduler.calls[-1] == "prove 10"
    with pytest.raises(RefusedError, match="provision scale demo 8"):
        world.up()


def test_scale_down_drains_first_and_takes_the_highest_numbers(world: World) -> None:
    world.up()
    outcome = scale("demo", 6, "", world.events.append, force=False)
    assert outcome.asked == 6 and world.workers[-1] == "demo-worker-0006"
    gone = "demo-worker-0007 demo-worker-0008"
    assert world.scheduler.calls[-2:] == [f"drain {gone}", f"forget {gone}"]


def test_scale_down_takes_no_busy_node_unless_forced(world: World) -> None:
    world.up()
    world.scheduler.states["demo-worker-0008"] = Member(
        "demo-worker-0008", MemberState.READY, "mixed", busy=True
    )
    with pytest.raises(ProvisionError, match="worker-0008"):
        scale("demo", 6, "", world.events.append, force=False)
    assert len(world.workers) == 8 and world.scheduler.calls[-1].startswith("resume")
    scale("demo", 6, "", world.events.append, force=True)
    assert len(world.workers) == 6


def test_repair_replaces_what_is_down_or_gone(world: World) -> None:
    world.up()
    del world.cloud.there["demo-worker-0001"]
    world.scheduler.states["demo-worker-0002"] = Member(
        "demo-worker-0002", MemberState.DOWN, "down*"
    )
    outcome = repair("demo", world.events.append)
    assert (outcome.created, outcome.joined, outcome.exit_code) == (2, 8, 0)


def test_a_stopped_machine_is_not_late_while_it_is_being_made_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.up(nodes=2)
    cloud, name, looks = world.cloud, "demo-worker-0002", threading.Semaphore(0)
    cloud.there[name] = dataclasses.replace(cloud.there[name], phase=Phase.STOPPED)
    monkeypatch.setattr(join, "POLL", 0.01)
    monkeypatch.setattr(join, "MACHINES_POLL", 0.0)
    listed = cloud.machines

    def machines(cluster: str = "") -> list[Machine]:
        looks.release()
        return listed(cluster)

    def remove_late() -> None:
        for _ in range(8):
            assert looks.acquire(timeout=10)
        cloud.there.pop(name, None)

    monkeypatch.setattr(cloud, "machines", machines)
    monkeypatch.setattr(cloud, "on_apply", remove_late)
    assert repair("demo", world.events.append).exit_code == 0
    assert not [call for call in cloud.calls if call.startswith("replace")]


def test_a_second_run_at_the_same_time_is_refused(world: World) -> None:
    with Workspace("demo").lock("provision down demo"), pytest.raises(BusyError, match="down demo"):
        world.up()


def test_names_may_be_left_out_only_where_there_is_one_cluster(world: World) -> None:
    world.up()
    assert status.status("", world.events.append).summary.name == "demo"
    world.up(name="other")
    with pytest.raises(UsageError, match="demo, other"):
        status.status("", world.events.append)
    with pytest.raises(UnknownClusterError, match="demo, other"):
        status.status("nope", world.events.append)


def test_status_works_from_labels_alone(world: World) -> None:
    world.up()
    Workspace("demo").remove()
    found = status.status("demo", world.events.append)
    assert [summary.name for summary in listing.clusters()[0]] == ["demo"]
    assert (found.summary.machines, found.ready) == (9, 8)


class Elsewhere(MemoryCloud):
    """A second place; ``dead`` makes every look at it fail."""

    dead = False

    def census(self, cluster: str = "", *, everywhere: bool = False) -> list[list[Leftover]]:
        if self.dead:
            raise RuntimeFailure("no engine answers", "install one")
        return super().census(cluster)


@pytest.fixture
def elsewhere(world: World, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    made = Elsewhere()
    clouds = {"container": made, "light": world.cloud}
    for module in (session, listing):
        monkeypatch.setattr(
            module, "cloud_of", lambda spec, emit=None, folders=None: clouds[spec.machines]
        )
        monkeypatch.setattr(module, "places", lambda: [LocalCloud(), LocalCloud(machines="light")])
    return made


@pytest.mark.parametrize("dead", [False, True])
def test_a_cluster_whose_folder_is_lost_is_looked_for_in_every_place(
    world: World, elsewhere: Elsewhere, dead: bool
) -> None:
    spec = {"name": "demo", "cloud": {"kind": "local", "machines": "light"}}
    up(Spec.model_validate({**spec, "groups": {"worker": {"nodes": 2}}}), ignore)
    Workspace("demo").remove()
    elsewhere.dead = dead
    assert status.status("demo", ignore).summary.machines == 3
    assert len(down("", ignore)) == 3 and not world.cloud.there


def test_where_nothing_is_found_the_place_that_failed_is_told(
    world: World, elsewhere: Elsewhere
) -> None:
    elsewhere.dead = True
    with pytest.raises(UnaskedError, match="no engine answers") as caught:
        down("demo", ignore)
    assert caught.value.exit_code == 1 and caught.value.asked == ("light machines here",)
    elsewhere.dead = False
    with pytest.raises(UnknownClusterError):
        down("demo", ignore)


def test_a_record_of_a_machine_that_is_gone_does_not_count_as_joined(world: World) -> None:
    world.up()
    del world.cloud.there["demo-worker-0002"]
    world.scheduler.calls.clear()
    world.up()
    assert world.scheduler.calls[0] == "forget demo-worker-0002"
