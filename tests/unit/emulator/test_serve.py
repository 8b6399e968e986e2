"""What stands behind VMs, and room for it on this host."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provision.emulator import hostroom, owners, serve
from provision.emulator.hostroom import Refused, held
from provision.errors import Finding, ProvisionError, RefusedError, RuntimeFailure
from provision.events import Emit, Event, Noted, Warned, ignore
from provision.labels import CLUSTER
from provision.runtime import HostCheck
from provision.runtimes.lent import Lent
from provision.runtimes.limits import KernelLimit

LIMITS = (KernelLimit("kernel.pid_max", 100, 1, 1000), KernelLimit("net.core.queue", 10, 1, 50))


class Light:
    """A runtime that finds this wrong with the host, on which machines of others run."""

    def __init__(self, *findings: Finding | None, others: int = 0) -> None:
        self.findings, self.others = findings, others

    def check(self, machines: int) -> list[HostCheck]:
        return [HostCheck("it", "seen", finding) for finding in self.findings]

    def running(self, labels: Mapping[str, str]) -> list[str]:
        return ["one"] * self.others if CLUSTER in labels else []

    def leftovers(self, labels: Mapping[str, str]) -> list[Any]:
        return []

    def close(self) -> None:
        """Nothing is open."""


def test_machines_that_cannot_boot_are_refused_and_never_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = Finding("host: root", "this is user 1000", "run it as root")
    made: Any = Light(None, wrong)
    monkeypatch.setattr(serve, "runtime_of", lambda kind: made)
    monkeypatch.setattr(serve, "held", room_for_all)
    with (
        pytest.raises(RefusedError) as caught,
        serve.running(serve.Options(machines="light"), ignore),
    ):
        pytest.fail("it serves")
    said = str(caught.value)
    assert "this is user 1000" in said and "'--machines none': VMs that are state only" in said
    assert caught.value.exit_code == 4


@contextmanager
def room_for_all(*rest: object) -> Iterator[Callable[[int], None]]:
    yield lambda machines: None


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """Two limits, a number of each; answers what they are."""
    monkeypatch.setattr(hostroom, "limits_of", lambda kind: LIMITS)
    files = [tmp_path / "sys" / one.name.replace(".", "/") for one in LIMITS]
    for file, number in zip(files, (150, 20), strict=True):
        file.parent.mkdir(parents=True)
        file.write_text(f"{number}\n")
    return lambda: [int(file.read_text()) for file in files]


def room_of(tmp_path: Path, emit: Emit, light: Any, refused: Refused = hostroom.ignored) -> Any:
    return held("light", light, emit, refused, tmp_path / "lent", tmp_path / "sys")


def test_limits_rise_with_the_machines_asked_for_and_are_put_back(
    tmp_path: Path, kernel: Callable[[], list[int]]
) -> None:
    told: list[Event] = []
    with room_of(tmp_path, told.append, Light()) as room:
        room(10)
        assert kernel() == [150, 20] and told == [], "there is room: nothing is touched"
        room(11)
        assert kernel() == [150, 50]
        room(300)
        assert kernel() == [1000, 620]
    assert kernel() == [150, 20]
    assert [event.text for event in told if isinstance(event, Noted)] == [
        "kernel limits raised for these machines: net.core.queue=50",
        "kernel limits raised for these machines: kernel.pid_max=1000, net.core.queue=620",
        "kernel limits put back: net.core.queue=20, kernel.pid_max=150",
    ]


def test_what_others_need_stays_until_the_last_one_ends(
    tmp_path: Path, kernel: Callable[[], list[int]]
) -> None:
    light = Light(others=40)
    with room_of(tmp_path, ignore, light) as room:
        room(300)
    assert kernel() == [150, 700], "40 of another's need more than 20 in the queue"
    light.others = 0
    with room_of(tmp_path, ignore, light):
        pass
    assert kernel() == [150, 20], (
        "also by one that raised nothing, as the first may have been killed"
    )


def test_clean_puts_back_what_a_killed_emulator_had_raised(
    tmp_path: Path, kernel: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    light = Light(others=20)
    monkeypatch.setattr(hostroom, "runtime_of", lambda kind: light)
    monkeypatch.setattr(owners, "clean_folders", list)
    where = tmp_path / "lent", tmp_path / "sys"
    Lent(LIMITS, *where).room(300)  # and the process that did is no more
    removed, back = hostroom.clean_all(*where)
    assert (removed, back, kernel()) == ([], {"kernel.pid_max": 150}, [150, 620])
    light.others = 0
    removed, back = hostroom.clean_all(*where)
    assert (removed, back, kernel()) == ([], {"net.core.queue": 20}, [150, 20])


def test_clean_counts_machines_of_every_kind_because_they_share_limits(
    tmp_path: Path, kernel: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"container": Light(others=300), "light": Light()}
    monkeypatch.setattr(hostroom, "runtime_of", lambda kind: made[kind])
    monkeypatch.setattr(owners, "clean_folders", list)
    where = tmp_path / "lent", tmp_path / "sys"
    Lent(LIMITS, *where).room(300)
    assert hostroom.clean_all(*where) == ([], {})


def test_what_somebody_has_set_meanwhile_is_left(
    tmp_path: Path, kernel: Callable[[], list[int]]
) -> None:
    with room_of(tmp_path, ignore, Light()) as room:
        room(300)
        (tmp_path / "sys/net/core/queue").write_text("777\n")
    assert kernel() == [150, 777]


def test_no_room_for_more_is_told_and_raised(
    tmp_path: Path, kernel: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*rest: object) -> None:
        raise RuntimeFailure("net.core.queue cannot be set (read-only)", "run 'sudo sysctl'")

    told: list[Event] = []
    why: list[ProvisionError] = []
    with room_of(tmp_path, told.append, Light(), why.append) as room:
        monkeypatch.setattr("provision.runtimes.limits.put", read_only)
        room(10)
        with pytest.raises(RuntimeFailure, match="cannot be set"):
            room(11)
        monkeypatch.undo()
    (warned,) = [event.text for event in told if isinstance(event, Warned)]
    assert warned.startswith("no more VMs boot, 11 would be too many: net.core.queue cannot be set")
    assert len(why) == 1


def test_a_command_ends_at_once_where_its_machines_cannot_boot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def asks(words: list[str], env: Mapping[str, str]) -> "Child":
        return Child(tell[0])

    class Child:
        """A command that asks for a machine too many, and waits for it for ever unless it is ended."""

        def __init__(self, refuse: Refused) -> None:
            self.refuse, self.ended = refuse, False

        def wait(self) -> int:
            self.refuse(RuntimeFailure("net.core.queue cannot be set", "run 'sudo sysctl'"))
            assert self.ended, "it waits for what cannot come"
            return -15

    def end(child: Child, seconds: float) -> None:
        child.ended = True

    tell: list[Refused] = []

    @contextmanager
    def running(options: object, emit: object, refused: Refused) -> Iterator[dict[str, str]]:
        tell.append(refused)
        yield {}

    monkeypatch.setattr(serve, "running", running)
    monkeypatch.setattr(subprocess, "Popen", asks)
    monkeypatch.setattr(serve, "end", end)
    with pytest.raises(RuntimeFailure, match="cannot be set"):
        serve.around(serve.Options(machines="light"), ignore, [sys.executable])
