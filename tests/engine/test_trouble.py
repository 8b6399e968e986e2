"""What stacks do when something fails, with the real Pulumi CLI."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.engine import command, locks
from provision.engine.changes import ResourceChange
from provision.engine.locks import process_began
from provision.errors import BusyError, EngineFailure, InterruptedRun, ProvisionError
from provision.events import Noted, Warned
from tests.engine.conftest import children
from tests.engine.place import NAME, PASSPHRASE, Files, Place

FILES: Files = {"a": {"text": "x"}, "b": {"after": "a"}, "c": {}}
SLOW = 1.0
"""Seconds a create takes where a test must be in the middle of it."""


def wait_for(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something is so."""
    Retrying(
        retry=retry_if_result(lambda found: not found),
        wait=wait_fixed(0.02),
        stop=stop_after_delay(seconds),
    )(true)


def commands() -> list[int]:
    """Process ids of the Pulumi commands that tests started and that still run."""
    return [pid for pid, words in children().items() if "/pulumi " in words]


def done(changes: tuple[ResourceChange, ...]) -> dict[str, str]:
    return {one.name: one.operation for one in changes}


def comes_up_and_goes(place: Place) -> None:
    """After whatever happened: a good up, and a destroy that leaves nothing."""
    place.cloud.dial()
    stack = place.stack(FILES)
    stack.up()
    assert place.cloud.names() == sorted(FILES)
    assert stack.up().changed == ()
    assert "pending_operations" not in stack.export()["deployment"]
    stack.destroy()
    assert place.cloud.names() == []


# What fails


def test_a_resource_that_fails_is_named_with_its_own_sentence(place: Place) -> None:
    place.cloud.dial(fail=["c"])
    with pytest.raises(EngineFailure) as caught:
        place.stack(FILES).up()
    assert str(caught.value) == "could not create file c (no room for c): ask for less"
    assert "Traceback" not in repr(caught.value)
    assert type(caught.value.__cause__).__name__ == "CloudFailure"
    place.cloud.dial()
    assert "create" not in done(place.stack(FILES).up().changes)["a"]
    comes_up_and_goes(place)


def test_many_that_fail_are_counted(place: Place) -> None:
    place.cloud.dial(fail=["a", "c"], slow={"*": 0.3})
    with pytest.raises(EngineFailure, match="and 1 more like it") as caught:
        place.stack(FILES).up()
    assert len(caught.value.causes) == 2


def test_what_is_half_there_is_in_the_state_and_is_finished(place: Place) -> None:
    place.cloud.dial(partial=["c"])
    with pytest.raises(EngineFailure, match=r"file c \(c is there but empty\): wait"):
        place.stack(FILES).up()
    place.cloud.dial()
    assert done(place.stack(FILES).up().changed)["c"] == "update"
    assert [call["name"] for call in place.cloud.calls("create")].count("c") == 1
    comes_up_and_goes(place)


def test_what_is_half_there_is_deleted(place: Place) -> None:
    place.cloud.dial(partial=["c"])
    with pytest.raises(EngineFailure):
        place.stack(FILES).up()
    place.stack(FILES).destroy()
    assert place.cloud.names() == []


def test_a_delete_that_fails_keeps_it_in_the_state(place: Place) -> None:
    stack = place.stack(FILES)
    stack.up()
    place.cloud.dial(fail=["c"])
    with pytest.raises(EngineFailure, match="could not delete file c"):
        stack.destroy()
    assert "c" in place.cloud.names()
    place.cloud.dial()
    stack.destroy()
    assert place.cloud.names() == []


def test_inputs_that_cannot_be_are_refused_before_any_create(place: Place) -> None:
    with pytest.raises(EngineFailure, match=r"file long \(text is longer than 1000 characters\)"):
        place.stack({"long": {"text": "x" * 1001}}).up()
    assert place.cloud.calls() == []


def test_a_time_that_is_set_is_kept(place: Place) -> None:
    place.cloud.dial(slow={"*": 30})
    with pytest.raises(EngineFailure, match=r"file c \(c took too long\): give it more time"):
        place.stack({"c": {"seconds": 1}}).up()


def test_a_finding_of_the_program_comes_through(place: Place) -> None:
    finding = ProvisionError("the plan is empty", "give it nodes")

    def program() -> None:
        raise finding

    with pytest.raises(ProvisionError) as caught:
        place.stack(program).up()
    assert caught.value is finding


def test_a_bug_of_the_program_stays_a_bug(place: Place) -> None:
    def program() -> None:
        raise KeyError("zone")

    with pytest.raises(KeyError, match="zone"):
        place.stack(program).preview()


def test_a_bug_of_a_kind_stays_a_bug(place: Place) -> None:
    place.cloud.dial(bug=["c"])
    with pytest.raises(KeyError, match="c"):
        place.stack(FILES).up()
    comes_up_and_goes(place)


def test_a_listener_that_raises_stops_it(place: Place) -> None:
    def listen(change: ResourceChange) -> None:
        raise InterruptedRun("enough", "run it again")

    place.cloud.dial(slow={"b": 1})
    with pytest.raises(InterruptedRun, match="enough"):
        place.stack({**FILES, "d": {"after": "b"}}).up(listen)
    assert "d" not in place.cloud.names()
    comes_up_and_goes(place)


# The state


def test_another_passphrase_is_said_to_be_one(place: Place) -> None:
    place.stack(FILES).up()
    for operation in ("up", "preview", "destroy"):
        with pytest.raises(EngineFailure, match="the passphrase is not the one"):
            getattr(place.stack(FILES, "another"), operation)()
    assert place.cloud.names() == sorted(FILES)
    place.stack(FILES, PASSPHRASE).destroy()


def test_without_a_state_there_is_a_sentence(place: Place) -> None:
    stack = place.stack(FILES)
    assert not stack.exists()
    for operation in (stack.refresh, stack.destroy, stack.export, stack.outputs):
        with pytest.raises(EngineFailure, match="there is no state of demo in file://"):
            operation()


@pytest.mark.parametrize("text", ["", "{", '{"version": 3, "checkpoint": {"latest": 7}}'])
def test_a_state_that_cannot_be_read_is_said_to_be(place: Place, text: str) -> None:
    place.stack(FILES).up()
    (path,) = (place.folder / "stack/state/.pulumi/stacks").rglob(f"{NAME}.json")
    path.write_text(text)
    for operation in ("up", "destroy"):
        with pytest.raises(
            EngineFailure, match=r"cannot be read \(.+\): put a copy back \(.*\.bak"
        ):
            getattr(place.stack(FILES), operation)()
    path.with_name(f"{path.name}.bak").replace(path)
    comes_up_and_goes(place)


# Kills


def before_any_create(place: Place) -> bool:
    return bool(commands())


def while_the_first_are_created(place: Place) -> bool:
    return len(place.cloud.calls("create:begin")) >= 2


def between_two(place: Place) -> bool:
    return "b" in [call["name"] for call in place.cloud.calls("create:begin")]


def after_the_last(place: Place) -> bool:
    return len(place.cloud.calls("create")) == len(FILES)


MOMENTS = [before_any_create, while_the_first_are_created, between_two, after_the_last]


def killed(place: Place, moment: Callable[[Place], bool], operation: str = "up") -> None:
    """Kill a run at that moment; its command dies with it."""
    place.cloud.dial(slow={"*": SLOW})
    process = place.start(operation, FILES)
    try:
        wait_for(lambda: moment(place))
    finally:
        process.kill()
        process.communicate()
    wait_for(lambda: not commands(), seconds=5)


@pytest.mark.parametrize("moment", MOMENTS)
def test_after_a_kill_it_comes_up_and_goes(place: Place, moment: Callable[[Place], bool]) -> None:
    killed(place, moment)
    comes_up_and_goes(place)


@pytest.mark.parametrize("moment", MOMENTS)
def test_after_a_kill_it_goes(place: Place, moment: Callable[[Place], bool]) -> None:
    killed(place, moment)
    # What was being created may be there, and the state does not know of it.
    for name in {call["name"] for call in place.cloud.calls("create:begin")}:
        place.cloud.put(name, {"name": name})
    place.cloud.dial()
    stack = place.stack(FILES)
    if stack.exists():
        stack.destroy()
        assert "pending_operations" not in stack.export()["deployment"]
    assert place.cloud.names() == []


def test_killed_twice(place: Place) -> None:
    killed(place, while_the_first_are_created)
    killed(place, between_two)
    comes_up_and_goes(place)


def test_what_is_no_longer_wanted_after_a_kill_goes(place: Place) -> None:
    killed(place, while_the_first_are_created)
    place.cloud.put("c", {"name": "c"})
    place.cloud.dial()
    stack = place.stack({"a": {"text": "x"}})
    stack.up()
    assert place.cloud.names() == ["a"]
    assert "pending_operations" not in stack.export()["deployment"]


def test_a_kill_while_it_goes(place: Place) -> None:
    place.stack(FILES).up()
    killed(place, lambda place: bool(place.cloud.calls("delete:begin")), "destroy")
    comes_up_and_goes(place)


def test_what_cannot_be_looked_for_is_named(place: Place) -> None:
    files: Files = {"x": {"token": "provision:toy:Blind"}}
    place.cloud.dial(slow={"*": SLOW})
    process = place.start("up", files)
    wait_for(lambda: place.cloud.calls("create:begin"))
    process.kill()
    process.communicate()
    place.cloud.dial()
    place.stack(files).destroy()
    (warned,) = {event.text for event in place.events if isinstance(event, Warned)}
    assert "provision:toy:Blind x was being created when a run was killed" in warned


# Ctrl-C


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = ((signal.SIGINT, 0.5), (signal.SIGTERM, 0.5), (signal.SIGKILL, 5.0))
    monkeypatch.setattr(command, "ESCALATION", steps)


def test_ctrl_c_waits_for_what_runs_and_starts_nothing_more(place: Place) -> None:
    place.cloud.dial(slow={"*": 1.5})
    process = place.start("up", FILES)
    wait_for(lambda: while_the_first_are_created(place))
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=20)
    assert "InterruptedRun: stopped while working on demo" in told
    assert place.cloud.names() == ["a", "c"]
    assert not commands()
    assert not list((place.folder / "stack/state/.pulumi/locks").rglob("*.json"))
    assert done(place.stack(FILES).up().changes) == {"a": "same", "b": "create", "c": "same"}
    comes_up_and_goes(place)


def test_another_thread_can_stop_it(place: Place) -> None:
    place.cloud.dial(slow={"*": 1.0})
    stack = place.stack(FILES)
    assert stack.cancel() is False
    caught: list[BaseException] = []

    def run() -> None:
        try:
            stack.up()
        except BaseException as error:  # noqa: BLE001  # looked at by the test
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: while_the_first_are_created(place))
    assert stack.cancel() is True
    thread.join(10)
    (error,) = caught
    assert isinstance(error, InterruptedRun)
    assert place.cloud.names() == ["a", "c"]
    comes_up_and_goes(place)


@pytest.mark.usefixtures("impatient")
def test_what_does_not_end_is_left(place: Place) -> None:
    place.cloud.dial(slow={"c": 60})
    stack = place.stack(FILES)

    def stop() -> None:
        wait_for(lambda: while_c(place))
        stack.cancel()

    thread = threading.Thread(target=stop)
    thread.start()
    began = time.monotonic()
    with pytest.raises(InterruptedRun):
        stack.up()
    assert time.monotonic() - began < 20
    thread.join(10)
    comes_up_and_goes(place)


def while_c(place: Place) -> bool:
    return "c" in [call["name"] for call in place.cloud.calls("create:begin")]


# Locks


@pytest.fixture
def sleeper() -> Iterator[int]:
    """A process that does nothing."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process.pid
    process.kill()
    process.wait()


def lock(place: Place, pid: int, at: float, host: str = "") -> Path:
    """Write a lock as Pulumi does."""
    (folder,) = (place.folder / "stack/state/.pulumi/locks").rglob(NAME)
    path = folder / "11111111-2222-3333-4444-555555555555.json"
    stamp = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    content = {"pid": pid, "username": "ann", "hostname": host or socket.gethostname()}
    path.write_text(json.dumps({**content, "timestamp": stamp}))
    return path


def test_the_lock_of_a_dead_process_is_cleared(place: Place) -> None:
    place.stack(FILES).up()
    ended = subprocess.Popen(["true"])
    ended.wait()
    path = lock(place, ended.pid, time.time() - 60)
    place.stack(FILES).up()
    assert not path.exists()
    (noted,) = [event.text for event in place.events if isinstance(event, Noted)]
    assert f"pid {ended.pid}" in noted


def test_locks_in_a_bucket_are_cleared_by_the_command(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.stack(FILES).up()
    path = lock(place, 2**22 - 1, time.time() - 60)
    monkeypatch.setattr(locks, "clear", lambda found: False)
    place.stack(FILES).up()
    assert not path.exists()


def test_the_lock_of_a_process_whose_number_was_given_again_is_cleared(
    place: Place, sleeper: int
) -> None:
    place.stack(FILES).up()
    path = lock(place, sleeper, time.time() - 3600)
    place.stack(FILES).destroy()
    assert not path.exists()


def test_the_lock_of_a_process_that_lives_is_named(place: Place, sleeper: int) -> None:
    place.stack(FILES).up()
    began = process_began(sleeper)
    assert began is not None
    path = lock(place, sleeper, began + 1)
    with pytest.raises(BusyError) as caught:
        place.stack(FILES).up()
    assert caught.value.pid == sleeper
    for word in ("ann", socket.gethostname(), f"pid {sleeper}", caught.value.started, "cancel"):
        assert word in str(caught.value)
    assert path.exists()


def test_the_lock_of_another_host_is_named(place: Place) -> None:
    place.stack(FILES).up()
    path = lock(place, 2**22 - 1, time.time() - 3600, host="elsewhere")
    with pytest.raises(BusyError, match="Pulumi of ann on elsewhere"):
        place.stack(FILES).refresh()
    assert path.exists()


def test_what_another_host_is_creating_is_let_alone(place: Place) -> None:
    killed(place, while_the_first_are_created)
    place.cloud.put("c", {"name": "c"})
    place.cloud.dial()
    # As it looks while a run on another host creates: its lock, and its operations.
    (path,) = (place.folder / "stack/state/.pulumi/locks").rglob("*.json")
    path.write_text(path.read_text().replace(socket.gethostname(), "elsewhere"))
    with pytest.raises(BusyError, match="elsewhere"):
        place.stack(FILES).destroy()
    assert place.cloud.names() == ["c"]


def test_two_of_us_do_not_work_on_one_stack(place: Place) -> None:
    place.cloud.dial(slow={"*": 1.0})
    process = place.start("up", FILES)
    wait_for(lambda: place.cloud.calls("create:begin"))
    with pytest.raises(BusyError, match=r"'provision: up' \(pid \d+"):
        place.stack(FILES).destroy()
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert os.path.lexists(place.folder / "stack" / "lock")
