"""What light machines and their networks are known by: a folder each below ``/run``.

A machine *is* its PID 1, a network the process that holds its namespace. Their folders hold labels and
addresses (``record.json``), which process it is (``process``) and what it said (``console``); they go
with the machine, and all of them when the host boots anew.
"""

import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from provision.errors import RuntimeFailure
from provision.files import read_json, read_regular, write_private
from provision.labels import matches
from provision.runtime import State

STATE = Path("/run/provision/light")
MACHINES, NETWORKS = "machines", "networks"
TOGETHER = 200
"""Processes watched at a time: each is a descriptor, and 1,024 are the usual limit."""


@cache
def _this_boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@dataclass(frozen=True, slots=True)
class Process:
    """One process of one boot of the host: numbers are used again, the three together are not."""

    number: int
    began: str
    boot: str

    @classmethod
    def of(cls, folder: Path) -> "Process | None":
        """The one written down in a folder, or None."""
        try:
            number, began, boot = read_regular(folder / "process").decode().split()
            return cls(int(number), began, boot)
        except (OSError, ValueError):
            return None

    def alive(self) -> bool:
        """Whether it still runs (proc(5): field 3 is the state, 22 when it began)."""
        try:
            fields = Path(f"/proc/{self.number}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return False
        return self.boot == _this_boot() and fields[19] == self.began and fields[0] not in "ZX"


@dataclass(frozen=True, slots=True)
class HostRecord:
    """A machine (``address``, ``external``) or a network (``subnet``); ``leg`` is the host's link to it.

    ``root`` is the image's root that a machine stands on.
    """

    name: str
    labels: Mapping[str, str]
    address: str = ""
    external: str = ""
    subnet: str = ""
    leg: str = ""
    root: str = ""
    folder: Path = field(default=Path(), compare=False)

    @property
    def subnets(self) -> tuple[str, ...]:
        """As :class:`~provision.runtimes.addresses.NetworkHere` has it."""
        return (self.subnet,)

    @property
    def process(self) -> Process | None:
        """Its process, None where none was started."""
        return Process.of(self.folder)

    @property
    def state(self) -> State:
        """What its process is."""
        if self.process is None:
            return State.CREATED
        return State.RUNNING if self.process.alive() else State.STOPPED

    @property
    def started(self) -> float | None:
        """When it was started, in seconds since the epoch."""
        try:
            return (self.folder / "process").stat().st_mtime
        except OSError:
            return None


class Records:
    """The folders below ``state``."""

    def __init__(self, state: Path = STATE) -> None:
        self.state = state

    def folder(self, kind: str, name: str) -> Path:
        """Where the record of that name stands."""
        return self.state / kind / name

    def write(self, kind: str, record: HostRecord) -> Path:
        """Put it down, instead of one of the same name; answers its folder."""
        folder = self.folder(kind, record.name)
        data = {key: value for key, value in asdict(record).items() if key != "folder"}
        try:
            shutil.rmtree(folder, ignore_errors=True)
            write_private(folder / "record.json", json.dumps(data))
        except OSError as error:
            raise RuntimeFailure(
                f"{folder} cannot be written ({error.strerror})",
                "make room in /run, and run this as root",
            ) from error
        return folder

    def find(self, kind: str, labels: Mapping[str, str]) -> list[HostRecord]:
        """All of that kind that carry the labels, by name."""
        return [record for record in self._all(kind) if matches(record.labels, labels)]

    def get(self, kind: str, name: str) -> HostRecord | None:
        """The one of that name."""
        return _read(self.folder(kind, name))

    def _all(self, kind: str) -> Iterator[HostRecord]:
        try:
            folders = sorted((self.state / kind).iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unreadable(self.state / kind, f"{error.strerror}") from error
        for folder in folders:
            if record := _read(folder):
                yield record

    def forget(self, records: Sequence[HostRecord]) -> None:
        """Remove their folders, and the whole tree once it is empty."""
        for record in records:
            shutil.rmtree(record.folder, ignore_errors=True)
        for folder in (self.state / MACHINES, self.state / NETWORKS, self.state, self.state.parent):
            try:
                folder.rmdir()
            except OSError:
                continue


def _read(folder: Path) -> HostRecord | None:
    """The record in that folder; None where there is none (yet)."""
    file = folder / "record.json"
    try:
        record = HostRecord(**read_json(file), folder=folder)
        if not isinstance(record.name, str) or not isinstance(record.labels, dict):
            raise ValueError("a record has a name and labels")
        return record
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(file, f"{error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise _unreadable(file, "it is damaged") from error


def _unreadable(path: Path, why: str) -> RuntimeFailure:
    """What is there and cannot be read may be a machine that runs."""
    fix = "run this as root; a damaged one goes with the next boot of this host"
    return RuntimeFailure(f"{path} cannot be read ({why})", fix)


def kill(records: Sequence[HostRecord], deadline: float) -> list[str]:
    """Kill their processes and wait for the ends; answers the names of those that still run.

    ``deadline`` is seconds for all. When the PID 1 of a machine is gone, all of its processes are.
    """
    end = time.monotonic() + deadline
    left: list[str] = []
    for start in range(0, len(records), TOGETHER):
        left += _kill_some(records[start : start + TOGETHER], end)
    return left


def _kill_some(records: Sequence[HostRecord], end: float) -> list[str]:
    waiting: dict[int, str] = {}
    poll = select.poll()
    try:
        for record in records:
            descriptor = _killed(record.process)
            if descriptor is not None:
                waiting[descriptor] = record.name
                poll.register(descriptor, select.POLLIN)
        while waiting and (rest := end - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(rest * 1000):
                poll.unregister(descriptor)
                os.close(descriptor)
                del waiting[descriptor]
        return list(waiting.values())
    finally:
        for descriptor in waiting:
            os.close(descriptor)


def _killed(process: Process | None) -> int | None:
    """A descriptor of the process after SIGKILL was sent; None where there is none to kill."""
    if process is None:
        return None
    try:
        descriptor = os.pidfd_open(process.number)
    except OSError:
        return None
    # Held by the descriptor, the number cannot become another process's any more.
    if process.alive():
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        return descriptor
    os.close(descriptor)
    return None
