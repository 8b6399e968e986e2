"""What machines say of a user's own part: told by one call, counted where it is required."""

from typing import Any

import pytest

from provision.cloud import Machine, Phase
from provision.cluster import nodestatus
from provision.errors import NotReadyError
from provision.events import Warned
from provision.labels import WORKER
from provision.recipes import reports, steps
from provision.recipes.bringup import BringUp, Gap
from provision.scheduler import Completed, Member, MemberState
from provision.schedulers.slurm.scheduler import Slurm
from tests.unit.schedulers.slurm.test_scheduler import Scripted, ok
from tests.world import World, world

__all__ = ["world"]

OWN: dict[str, Any] = {"groups": {"worker": {"nodes": 3, "user_data": "#!/bin/sh\nexit 1\n"}}}
WORDS = (
    "failed: scripts_user, RuntimeError(Runparts: 1 failures (part-001) in 2 attempted commands)"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "GRACE", 0.2)
    monkeypatch.setattr(reports, "POLL", 0.02)


def warnings(world: World) -> list[str]:
    return [event.text for event in world.events if isinstance(event, Warned)]


def test_a_failed_part_is_told_with_its_node_and_the_cluster_is_ready_all_the_same(
    world: World,
) -> None:
    world.scheduler.said = dict.fromkeys(world_nodes(), "ok") | {"demo-worker-0002": WORDS}
    outcome = world.up(**OWN)
    (said,) = warnings(world)
    assert said.startswith("the own user-data of worker-0002 failed (scripts_user")
    assert outcome.exit_code == 0 and outcome.standing.complete


def test_parts_that_have_not_ended_are_told(world: World) -> None:
    world.scheduler.said = {"demo-worker-0001": "ok"}
    assert world.up(**OWN).exit_code == 0
    assert warnings(world) == ["the own user-data of worker-0002, worker-0003 has not ended yet"]


def test_nobody_is_asked_where_no_machine_has_an_own_part(world: World) -> None:
    world.up()
    assert "reports" not in world.scheduler.calls


def test_one_call_hears_all_nodes(world: World) -> None:
    world.scheduler.said = dict.fromkeys(world_nodes(), "ok")
    world.up(**OWN)
    assert world.scheduler.calls.count("reports") == 1 and warnings(world) == []


@pytest.mark.parametrize("said", [WORDS, None])
def test_where_it_is_required_a_node_without_it_does_not_count(
    world: World, said: str | None
) -> None:
    world.scheduler.said = dict.fromkeys(world_nodes(), "ok")
    if said:
        world.scheduler.said["demo-worker-0002"] = said
    else:
        del world.scheduler.said["demo-worker-0002"]
    ready = {"user_data": "required", "quorum": 0.5, "deadline": 1}
    outcome = world.up(**OWN, ready=ready)
    assert outcome.exit_code == 3 and outcome.standing.unfit == ("demo-worker-0002",)
    with pytest.raises(NotReadyError, match="worker-0002") as error:
        world.up(**OWN, ready={**ready, "quorum": 1.0})
    assert error.value.missing == ("demo-worker-0002",)


def test_required_parts_are_waited_for_as_long_as_the_deadline_that_counts_from_the_first_create(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def waited(run: BringUp, names: list[str], seconds: float) -> dict[str, str]:
        given.append(seconds)
        return dict.fromkeys(names, "ok")

    checked = steps.check

    def slowly(run: BringUp, **more: Any) -> Gap:
        object.__setattr__(run, "until", run.until - 500)  # as if the checks had taken that long
        return checked(run, **more)

    monkeypatch.setattr(reports, "_wait", waited)
    monkeypatch.setattr(steps, "check", slowly)
    world.up(**OWN, ready={"user_data": "required", "deadline": 600})
    assert len(given) == 1 and 500 < given[0] <= 600


def test_the_controllers_own_part_is_heard_from_its_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Scripted({reports.FILE: Completed(0, f"user-data: {WORDS}\n", "")})
    monkeypatch.setattr("provision.cluster.session.Session.try_shell", lambda self, plan: shell)
    world.up(controller={"user_data": "#!/bin/sh\n"})
    (said,) = warnings(world)
    assert said.startswith("the own user-data of controller failed (scripts_user")


def test_slurms_comments_are_read_by_one_call_whatever_stands_around_them() -> None:
    shown = (
        f"NodeName=n1 Arch=x86_64 Comment=user-data: {WORDS} Reason=a [root@2026]\n"
        "NodeName=n2 Comment=user-data: ok Extra=b\n"
        "NodeName=n3 State=IDLE Comment=user-data: ok\n"
    )
    shell = Scripted({"scontrol show nodes": ok(shown)})
    assert Slurm().reports(shell) == {"n1": WORDS, "n2": "ok", "n3": "ok"}
    assert len(shell.asked) == 1


def test_status_names_a_failed_part_where_it_has_no_other_reason() -> None:
    machine = Machine(
        cluster="demo",
        name="demo-worker-0001",
        group="worker",
        role=WORKER,
        address="10.0.0.9",
        phase=Phase.STARTED,
        generation=0,
        requested=0.0,
        started=0.0,
        labels={},
    )
    member = Member(machine.name, MemberState.READY, "idle")
    (node,) = nodestatus.of([machine], {machine.name: member}, None, {machine.name: WORDS})
    assert node.reason == f"own user-data {WORDS}"


def world_nodes() -> list[str]:
    return [f"demo-worker-000{number}" for number in (1, 2, 3)]
