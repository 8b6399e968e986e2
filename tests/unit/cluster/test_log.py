"""The event log that the library keeps of a cluster: what is in it, and what it never does."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from provision.cluster import log, status
from provision.cluster.log import FILE, OLDER, EventLog, read, recording
from provision.errors import Finding, ProvisionError, RefusedError
from provision.events import Event, MachineFailed, Noted, Progress, StepEnded, Warned
from provision.keys import new_keys
from provision.recipes.down import down
from provision.recipes.repair import repair
from provision.recipes.scale import scale
from provision.workspace import Workspace
from tests.world import World, world

__all__ = ["world"]


@pytest.fixture
def kept() -> Workspace:
    """A cluster that has a folder and keys."""
    workspace = Workspace("demo")
    workspace.ensure_keys()
    return workspace


def lines(workspace: Workspace, name: str = FILE) -> list[str]:
    return workspace.path(name).read_text().splitlines()


def test_every_command_that_changes_or_works_is_told_from_its_begin_to_its_end(
    world: World,
) -> None:
    world.up(nodes=2)
    scale("demo", 3, "", world.events.append, force=False)
    status.drain("demo", ["worker-0003"], "why", world.events.append)
    status.resume("demo", ["worker-0003"], world.events.append)
    repair("demo", world.events.append)
    found = list(read("demo"))
    begun = [each["command"] for each in found if each["event"] == "CommandStarted"]
    ended = [
        (each["command"], each["exit_code"]) for each in found if each["event"] == "CommandEnded"
    ]
    assert begun == ["up", "scale", "drain", "resume", "repair"]
    assert ended == [(command, 0) for command in begun]
    assert len({each["run"] for each in found}) == 5, "one mark for each run"
    steps = [each["step"] for each in found if each["event"] == "StepEnded"]
    told = [event.step for event in world.events if isinstance(event, StepEnded)]
    assert steps == told and {"check", "join", "prove", "look"} <= set(steps)


def test_what_happened_before_the_folder_was_there_is_kept_too(world: World) -> None:
    world.up(nodes=2)
    first, second, *_ = read("demo")
    assert (first["event"], second["event"], second["step"]) == (
        "CommandStarted", "StepStarted", "check",
    )  # fmt: skip


def test_how_a_command_failed_is_its_last_line(world: World, kept: Workspace) -> None:
    world.cloud.findings = [Finding("host: memory", "hunter2 is quoted", "use fewer")]
    with pytest.raises(RefusedError):
        world.up(nodes=2)
    *_, last = read("demo")
    assert (last["event"], last["exit_code"], last["error"]) == ("CommandEnded", 4, "host: memory")

    def bug(event: Event) -> None:
        raise ValueError("hunter2")

    with pytest.raises(ValueError, match="hunter2"), recording(EventLog("x", kept), bug) as emit:
        emit(Noted(text="a"))
    *_, last = read("demo")
    assert (last["exit_code"], last["error"]) == (70, "ValueError"), "its text may hold anything"
    assert "hunter2" not in kept.path(FILE).read_text()


def test_looking_alone_is_not_kept_or_it_would_push_out_the_rest(world: World) -> None:
    world.up(nodes=2)
    before = lines(Workspace("demo"))
    status.status("demo", world.events.append)
    assert lines(Workspace("demo")) == before


def test_a_refused_up_leaves_no_folder_for_the_sake_of_its_log(world: World) -> None:
    world.cloud.findings = [Finding("host: memory", "too little", "use fewer")]
    with pytest.raises(RefusedError):
        world.up(nodes=2)
    with pytest.raises(ProvisionError):  # found wrong only once there were keys
        world.up(groups={"worker": {"nodes": 1, "user_data": "echo"}})
    assert not Workspace("demo").folder.exists() and list(read("demo")) == []


def test_down_leaves_nothing_of_it(world: World) -> None:
    world.up(nodes=2)
    folder = Workspace("demo").folder
    assert (folder / FILE).exists()
    down("demo", world.events.append)
    assert not folder.exists()


def test_down_leaves_nothing_though_another_command_writes_while_it_removes(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, removed = EventLog("run", kept), os.rmdir

    def rmdir(path: Any, *args: Any, **more: Any) -> None:
        if other._workspace:
            other.event(Noted(text="still here"))
            other._workspace = None
        removed(path, *args, **more)

    monkeypatch.setattr(os, "rmdir", rmdir)
    kept.remove()
    assert not kept.folder.exists()


def test_one_who_still_works_makes_no_removed_folder_anew(kept: Workspace) -> None:
    other = EventLog("run", kept)
    other.event(Noted(text="a"))
    kept.remove()
    assert other.event(Noted(text="b")) == "" and not kept.folder.exists()
    kept.ensure_keys()
    other.event(Noted(text="c"))
    assert not kept.path(FILE).exists(), "that is another cluster of the same name"


@pytest.mark.parametrize("mode", [None, 0o644])
def test_it_is_readable_by_its_owner_alone(kept: Workspace, mode: int | None) -> None:
    if mode:
        kept.path(FILE).touch()
        kept.path(FILE).chmod(mode)
    EventLog("up", kept).event(Noted(text="a"))
    assert kept.path(FILE).stat().st_mode & 0o777 == 0o600


def test_no_secret_is_in_it(kept: Workspace) -> None:
    keys = kept.ensure_keys()
    for secret in (keys.munge, keys.user.private, keys.worker_host.private):
        EventLog("up", kept).event(Warned(text=f"it said {secret}"))
    failed = MachineFailed(machine="m", phase="booting", reason="late", console_tail="hunter2")
    EventLog("up", kept).event(failed)
    text = kept.path(FILE).read_text()
    secrets = [keys.munge, *keys.user.private.splitlines(), *keys.worker_host.private.splitlines()]
    assert [each for each in secrets if each[0] != "-" and len(each) > 8 and each in text] == []
    assert "hunter2" not in text and "it said ***" in text
    other = new_keys("other").user.public.split()[1]
    EventLog("up", kept).event(Noted(text=other))
    assert other in kept.path(FILE).read_text(), "only the cluster's own keys are masked"


def test_it_is_bounded(kept: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SIZE", 4000)
    one = EventLog("up", kept)
    for number in range(200):
        one.event(Noted(text=f"{number} {'x' * 100}"))
    sizes = [kept.path(name).stat().st_size for name in (OLDER, FILE)]
    assert all(size < 4300 for size in sizes) and sorted(kept.folder.glob("events*")) == [
        kept.path(OLDER), kept.path(FILE),
    ]  # fmt: skip
    numbers = [int(each["text"].split()[0]) for each in read("demo")]
    assert numbers == list(range(numbers[0], 200)), "the newest, in order and without a gap"


def test_one_line_is_bounded_too(kept: Workspace) -> None:
    late = tuple(f"worker-{n:05d}" for n in range(10_000))
    one = EventLog("up", kept)
    one.event(Progress(step="join", done=1, total=2, late=late, text="x" * 100_000))
    (line,) = lines(kept)
    assert len(line) < log.TEXT_MOST + 1000


def test_progress_is_kept_once_a_second_and_at_its_end(kept: Workspace) -> None:
    one = EventLog("up", kept)
    for done in range(100):
        one.event(Progress(step="join", done=done, total=99, at=10 + done / 40))
    assert [each["done"] for each in read("demo")] == [0, 40, 80, 99]


def test_two_that_find_it_full_lose_nothing(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have opened the same file; the second must not put the new one in the old one's place."""
    one = EventLog("up", kept)
    one.event(Noted(text="first"))
    monkeypatch.setattr(log, "SIZE", 50)
    handle = os.open(kept.path(FILE), os.O_RDWR | os.O_APPEND)
    one.event(Noted(text="second"))
    monkeypatch.setattr(log, "SIZE", 10**6)
    one.event(Noted(text="third"))
    log._rotate(handle, kept)
    os.close(handle)
    assert [each["text"] for each in read("demo")] == ["first", "second", "third"]


def test_half_a_line_costs_no_other(kept: Workspace) -> None:
    EventLog("up", kept).event(Noted(text="a"))
    with kept.path(FILE).open("a") as file:
        file.write('{"event": "Noted", "te')  # as a lost machine leaves it
    EventLog("up", kept).event(Noted(text="b"))
    assert [each["text"] for each in read("demo")] == ["a", "b"]
    assert [line[:3] for line in lines(kept)] == ['{"e', '{"e', '{"e']


def test_a_disk_that_fills_up_within_a_line_keeps_whole_lines(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = EventLog("up", kept)
    one.event(Noted(text="a"))
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[: len(data) // 2]))
    assert one.event(Noted(text="b")) == "No space left on device"
    monkeypatch.setattr(os, "write", write)
    one.event(Noted(text="c"))
    assert [json.loads(line)["text"] for line in lines(kept)] == ["a", "c"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_command_goes_on_where_nothing_can_be_written_and_says_so_once(
    world: World, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    opened = os.open

    def refused(path: Any, *args: Any, **more: Any) -> int:
        if Path(str(path)).name == FILE:
            raise OSError(code, os.strerror(code), str(path))
        return opened(path, *args, **more)

    monkeypatch.setattr(os, "open", refused)
    assert world.up(nodes=2).exit_code == 0
    (said,) = [event.text for event in world.events if isinstance(event, Warned)]
    assert said == (
        f"the cluster's event log cannot be written ({os.strerror(code)}); the run goes on"
    )


@pytest.mark.parametrize("what", ["link", "pipe", "folder"])
def test_it_follows_and_waits_for_nothing(kept: Workspace, tmp_path: Path, what: str) -> None:
    path, target = kept.path(FILE), tmp_path / "target"
    match what:
        case "link":
            target.touch()
            path.symlink_to(target)
        case "pipe":
            os.mkfifo(path)
        case _:
            path.mkdir()
    assert EventLog("up", kept).event(Noted(text="a")) != ""
    assert not target.exists() or target.read_text() == ""
