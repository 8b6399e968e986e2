"""`down` asks wherever somebody pays or jobs run, and where nobody named the cluster; and never hangs."""

import io
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from provision.cli.main import main
from provision.cloud import Cost
from provision.errors import (
    BusyError,
    CloudFailure,
    DeclinedError,
    RuntimeFailure,
    UnreachableError,
)
from provision.leftovers import Leftover
from provision.recipes import takedown
from provision.recipes.down import down, removal
from provision.recipes.takedown import Removal
from provision.scheduler import Completed, Jobs
from provision.schedulers.slurm.scheduler import Slurm
from provision.workspace import Workspace
from tests.world import World

Capture = pytest.CaptureFixture[str]
COST = Cost({"big": 1}, 2.5, "about $2.50 an hour (list prices)")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Type = Callable[[str], Terminal]


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Type:
    """Sits at a terminal and types that; answers what the terminal shows."""

    def sit(typed: str) -> Terminal:
        shown = Terminal()
        monkeypatch.setattr("sys.stdin", Terminal(typed))
        monkeypatch.setattr("sys.stderr", shown)
        return shown

    return sit


@pytest.fixture
def up(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.cloud.price = COST
    world.up()
    return world


def test_what_costs_and_does_nothing_goes_unasked(up: World, types: Type) -> None:
    shown = types("")
    assert main(["down", "demo"]) == 0
    assert not up.cloud.there and "[y/N]" not in shown.getvalue()


@pytest.mark.parametrize(
    ("typed", "gone"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_where_somebody_pays_it_asks_with_counts_and_cost(
    up: World, types: Type, typed: str, gone: bool
) -> None:
    up.cloud.billed = True
    shown = types(typed)
    assert main(["down", "demo"]) == (0 if gone else 130)
    assert bool(up.cloud.there) is not gone and Workspace("demo").folder.exists() is not gone
    said = " ".join(shown.getvalue().split())
    assert "has 9 machines, costs about $2.50 an hour" in said and "no job runs or waits" in said


@pytest.mark.parametrize("jobs", [Jobs(3, 0), Jobs(0, 2), Jobs(3, 2)])
def test_where_jobs_run_or_wait_it_asks_even_if_nobody_pays(
    up: World, types: Type, jobs: Jobs
) -> None:
    up.scheduler.queue = jobs
    shown = types("n\n")
    assert main(["down", "demo"]) == 130 and up.cloud.there
    said = " ".join(shown.getvalue().split())
    assert f"{jobs.running} jobs run and {jobs.waiting} wait. Remove it all?" in said


@pytest.mark.parametrize("billed", [True, False])
def test_without_a_terminal_it_wants_yes(up: World, billed: bool, capsys: Capture) -> None:
    up.cloud.billed = billed
    up.scheduler.queue = Jobs(0 if billed else 1, 0)
    assert main(["down", "demo"]) == 2
    assert "there is no terminal to ask at: give --yes" in capsys.readouterr().err
    assert up.cloud.there and Workspace("demo").keys()
    assert main(["down", "demo", "--yes"]) == 0
    assert not up.cloud.there


@pytest.mark.parametrize(("typed", "gone"), [("y\n", True), ("n\n", False)])
def test_without_a_name_it_says_which_one_and_asks(
    up: World, types: Type, typed: str, gone: bool
) -> None:
    shown = types(typed)
    assert main(["down"]) == (0 if gone else 130)
    assert "no cluster is named, and the only one is demo on containers here" in " ".join(
        shown.getvalue().split()
    )
    assert bool(up.cloud.there) is not gone


def test_without_a_name_and_a_terminal_what_costs_nothing_goes_and_is_named(
    up: World, capsys: Capture
) -> None:
    assert main(["down"]) == 0
    assert "the only one is demo on containers here" in capsys.readouterr().err


def test_yes_asks_nobody_and_looks_at_no_job(up: World) -> None:
    up.cloud.billed = True
    up.scheduler.queue = Jobs(9, 9)
    assert main(["down", "demo", "-y", "-q"]) == 0
    assert "jobs" not in up.scheduler.calls and not up.cloud.there


def test_a_dry_run_says_it_all_and_removes_nothing(up: World, capsys: Capture) -> None:
    up.cloud.billed = True
    up.scheduler.queue = Jobs(3, 1)
    assert main(["down", "demo", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "demo-worker-0008" in out and "3 jobs run and 1 wait" in out and "$2.50" in out
    assert main(["down", "demo", "--dry-run", "-o", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["machines"], data["jobs"], data["bills"]) == (
        9,
        {"running": 3, "waiting": 1},
        True,
    )
    assert len(up.cloud.there) == 9 and Workspace("demo").keys()
    assert main(["down", "nobody", "--dry-run"]) == 0


def test_jobs_that_cannot_be_asked_about_are_said_to_be_unknown(up: World, types: Type) -> None:
    up.scheduler.queue = UnreachableError("demo-controller does not answer on SSH", "wait")
    up.cloud.billed = True
    shown = types("n\n")
    assert main(["down", "demo"]) == 130
    assert "its jobs are not known (demo-controller does not answer on SSH)" in " ".join(
        shown.getvalue().split()
    )
    up.cloud.billed = False
    assert main(["down", "demo"]) == 0, "unknown is no reason to ask where nobody pays"


def test_a_controller_that_hangs_is_waited_for_so_long_and_no_longer(
    up: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    monkeypatch.setattr(takedown, "SECONDS", 0.1)
    monkeypatch.setattr(up.scheduler, "jobs", lambda shell: free.wait(60))
    began = time.monotonic()
    about = removal("demo", up.events.append)
    free.set()
    assert time.monotonic() - began < 30
    assert about.jobs is None and "did not answer within" in about.unknown


@pytest.fixture
def hanging(up: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A cloud that takes one machine away, and then nothing happens any more."""
    free = threading.Event()

    def destroy(cluster: str, emit: object) -> list[str]:
        del up.cloud.there["demo-worker-0001"]
        free.wait(60)
        return []

    monkeypatch.setattr(takedown, "SLACK", 0.1)
    monkeypatch.setattr(takedown, "ENDING", 0.1)
    monkeypatch.setattr(up.cloud, "destroy", destroy)
    yield up
    free.set()


def test_a_removal_that_hangs_ends_at_its_deadline_and_says_what_is_left(
    hanging: World, capsys: Capture
) -> None:
    began = time.monotonic()
    assert main(["down", "demo", "--yes", "--deadline", "1s"]) == 1
    assert time.monotonic() - began < 10
    said = " ".join(capsys.readouterr().err.split())
    assert "8 resources of demo are still there after 1s (8 machine; demo-controller …)" in said
    assert "to go on, or give it a longer --deadline" in said
    assert hanging.cloud.limit == 1 and "interrupt" in hanging.cloud.calls
    assert Workspace("demo").keys(), "its files stay: they are what the next try goes by"


def test_what_cannot_be_asked_at_the_deadline_is_not_called_gone(
    hanging: World, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def silent(cluster: str = "") -> list[list[Leftover]]:
        raise CloudFailure("the cloud does not answer", "try again")

    monkeypatch.setattr(hanging.cloud, "census", silent)
    monkeypatch.setattr(hanging.cloud, "clusters", lambda cluster="": ["demo"])
    assert main(["down", "demo", "--yes", "--deadline", "1s"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "demo was not removed within 1s" in said and "the cloud does not answer" in said
    assert Workspace("demo").keys()


def test_a_failure_before_the_deadline_is_told_as_itself(
    up: World, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def fails(cluster: str, emit: object) -> list[str]:
        raise CloudFailure("the network is in use", "remove what uses it")

    monkeypatch.setattr(up.cloud, "destroy", fails)
    assert main(["down", "demo", "--yes"]) == 1
    assert "the network is in use: remove what uses it" in capsys.readouterr().err
    assert up.cloud.limit == takedown.DEADLINE and Workspace("demo").keys()


def test_a_cloud_that_gives_up_just_before_the_deadline_gave_up_because_of_it(
    up: World, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def fails(cluster: str, emit: object) -> list[str]:
        time.sleep(0.85)
        raise CloudFailure("its operation was still RUNNING after 0 s", "run it again")

    monkeypatch.setattr(up.cloud, "destroy", fails)
    assert main(["down", "demo", "--yes", "--deadline", "1s"]) == 1
    assert "are still there after 1s" in capsys.readouterr().err


def test_ctrl_c_ends_what_removes_it(hanging: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pressed(queue.SimpleQueue[object]):
        def get(self, block: bool = True, timeout: float | None = None) -> object:
            if "interrupt" not in hanging.cloud.calls:
                raise KeyboardInterrupt
            return super().get(block, timeout)

    monkeypatch.setattr("provision.cluster.lookup.queue.SimpleQueue", Pressed)
    assert main(["down", "demo", "--yes"]) == 130
    assert "interrupt" in hanging.cloud.calls and hanging.cloud.there


@pytest.mark.parametrize("word", ["0s", "-5m", "inf", "soon", "5", "9999d"])
def test_a_deadline_that_is_none_is_a_usage_error(up: World, word: str, capsys: Capture) -> None:
    assert main(["down", "demo", "--yes", "--deadline", word]) == 2
    assert "must be a duration" in capsys.readouterr().err and up.cloud.there


def test_a_cluster_without_a_controller_or_a_spec_has_jobs_nobody_knows(up: World) -> None:
    del up.cloud.there["demo-controller"]
    assert removal("demo", up.events.append).unknown == "it has no controller"
    up.cloud.there = {}
    up.up()
    Workspace("demo").discard("spec.json")
    assert "spec is not on this machine" in removal("demo", up.events.append).unknown


def test_a_no_holds_nothing_back_for_the_next_one(up: World) -> None:
    up.cloud.billed = True
    asked: list[Removal] = []

    def no(removal: Removal) -> bool:
        asked.append(removal)
        with pytest.raises(BusyError):
            up.up()
        return False

    with pytest.raises(DeclinedError, match="nothing was removed"):
        down("demo", up.events.append, consent=no)
    assert (asked[0].cluster, asked[0].machines, asked[0].cost) == ("demo", 9, COST)
    assert up.up().created == 0


def test_forgetting_removes_the_files_alone_and_never_unasked(
    up: World, types: Type, capsys: Capture
) -> None:
    assert main(["down", "demo", "--forget"]) == 2 and Workspace("demo").keys()
    assert main(["down", "--forget"]) == 2
    assert main(["down", "demo", "--forget", "--dry-run"]) == 0 and Workspace("demo").keys()
    types("n\n")
    assert main(["down", "demo", "--forget"]) == 130 and Workspace("demo").keys()
    types("y\n")
    assert main(["down", "demo", "--forget"]) == 0
    assert not Workspace("demo").folder.exists() and len(up.cloud.there) == 9


def test_slurm_counts_what_squeue_lists() -> None:
    class Shell:
        def run(self, command: str, timeout: float, stdin: str = "") -> Completed:
            assert "; squeue " in command and timeout < takedown.SECONDS
            return Completed(0, "RUNNING\nPENDING\nCOMPLETING\nSUSPENDED\nPENDING\n", "")

    assert Slurm().jobs(Shell()) == Jobs(running=2, waiting=2)


def test_what_is_left_keeps_the_files(up: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(cluster: str, emit: object) -> list[str]:
        raise RuntimeFailure("it does not stop", "wait")

    monkeypatch.setattr(up.cloud, "destroy", fails)
    assert main(["down", "demo", "--yes"]) == 1
    assert Workspace("demo").keys()
