"""Room on this host for N more machines of a kind: memory, disk, network, kernel limits, ports."""

import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provision.errors import Finding
from provision.runtime import HostCheck
from provision.runtimes import limits
from provision.runtimes.limits import KernelLimit


@dataclass(frozen=True, slots=True)
class Needs:
    """What machines of a kind take: each of them, and the host beside them. Sizes in MiB.

    ``option`` is how ``provision doctor`` is asked about this kind.
    """

    each_mib: int
    reserve_mib: int
    each_disk_mib: int
    image_disk_mib: int
    per_network: int
    limits: tuple[KernelLimit, ...]
    option: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is read from the host, so that the checks themselves are pure.

    ``existing`` machines run already; ``storage`` is where images and machines' disks stand.
    """

    available_mib: int
    free_disk_mib: int | None
    storage: str
    sysctls: Mapping[str, int]
    existing: int
    has_image: bool
    busy_ports: Mapping[int, str]


def read(
    needs: Needs, publish: Sequence[int], storage: str, existing: int, *, has_image: bool
) -> Facts:
    """Gather the facts of this host; what cannot be read is left out and its check with it."""
    return Facts(
        available_mib=available_mib(text_of("/proc/meminfo")),
        free_disk_mib=_free_mib(Path(storage)) if storage else None,
        storage=storage,
        sysctls=limits.read(needs.limits),
        existing=existing,
        has_image=has_image,
        busy_ports={port: why for port in publish if (why := port_taken(port))},
    )


def judge(needs: Needs, facts: Facts, machines: int) -> list[HostCheck]:
    """The checks. ``machines`` come on top of the existing ones."""
    total = machines + facts.existing
    return [
        _memory(needs, facts, machines),
        _disk(needs, facts, machines),
        _network(needs, machines),
        *limits.checks(needs.limits, facts.sysctls, total, machines, needs.option),
        *_ports(facts.busy_ports),
    ]


def _memory(needs: Needs, facts: Facts, machines: int) -> HostCheck:
    fits = max(0, (facts.available_mib - needs.reserve_mib) // needs.each_mib)
    need = needs.reserve_mib + machines * needs.each_mib
    detail = f"{facts.available_mib} MiB available, {need} MiB needed for {machines} machines"
    if fits >= machines:
        return HostCheck("memory", detail)
    problem = f"{detail}: {fits} machines fit"
    return HostCheck("memory", detail, Finding("host: memory", problem, _fewer(fits)))


def _disk(needs: Needs, facts: Facts, machines: int) -> HostCheck:
    if facts.free_disk_mib is None:
        return HostCheck("disk", "not looked at: the engine's storage is not known")
    image_mib = 0 if facts.has_image else needs.image_disk_mib
    need = image_mib + machines * needs.each_disk_mib
    detail = f"{facts.free_disk_mib} MiB free in {facts.storage}, {need} MiB needed"
    if facts.free_disk_mib >= need:
        return HostCheck("disk", detail)
    left = max(0, facts.free_disk_mib - image_mib)
    fits = left // needs.each_disk_mib if needs.each_disk_mib else 0
    problem = f"{detail}: {fits} machines fit"
    fix = f"make room in {facts.storage}, or {_fewer(fits)}"
    return HostCheck("disk", detail, Finding("host: disk", problem, fix))


def _network(needs: Needs, machines: int) -> HostCheck:
    most = needs.per_network
    detail = f"a network takes {most} machines, {machines} are asked"
    if machines <= most:
        return HostCheck("network", detail)
    return HostCheck("network", detail, Finding("host: network", detail, _fewer(most)))


def _ports(busy: Mapping[int, str]) -> Iterator[HostCheck]:
    for port, why in busy.items():
        problem = f"port {port} of 127.0.0.1 cannot be published ({why})"
        fix = f"see who has it with 'ss -ltnp sport = :{port}', or choose another port"
        yield HostCheck(f"port {port}", problem, Finding(f"host: port {port}", problem, fix))


def _fewer(fits: int) -> str:
    """Next step where ``fits`` machines, controller included, are all there is room for."""
    return f"ask for {fits - 1} nodes and their controller" if fits > 1 else "use a larger host"


def available_mib(meminfo: str) -> int:
    """``MemAvailable`` of /proc/meminfo in MiB (proc(5)), 0 where it is not told."""
    for line in meminfo.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return 0


def port_taken(port: int) -> str:
    """Why nobody can listen on this port of the loopback now, '' where one can."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            return (error.strerror or str(error)).lower()
    return ""


def _free_mib(folder: Path) -> int | None:
    """Free MiB where ``folder`` is or will be; None where it is not on this host."""
    for place in (folder, *folder.parents):
        if os.access(place, os.F_OK):
            return shutil.disk_usage(place).free // 2**20
    return None


def text_of(path: str) -> str:
    """What a file holds; '' where it cannot be read."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
