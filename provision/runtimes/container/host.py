"""What this host must offer to boot N more machines, each check with its fix."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provision.errors import Finding, RuntimeFailure
from provision.labels import CLUSTER
from provision.runtime import HostCheck
from provision.runtimes.container import image, limits, probe
from provision.runtimes.container.engine import Engine, NoEngine

MACHINE_MIB = 40
"""Memory of one node, in MiB: 32 to 36 measured with slurmd and munged, engine's share included."""
RESERVE_MIB = 256
"""Memory left to the host, in MiB; the controller's daemons take 60 of it."""
MACHINE_DISK_MIB = 8
"""Writable layer and log of one node, in MiB."""
IMAGE_DISK_MIB = 1500
"""Room a build of the node image needs, in MiB: base, layer, and the copy it is committed from."""
BRIDGE_PORTS = 1000
"""Machines on one network: a Linux bridge has 1,024 ports (BR_MAX_PORTS in net/bridge)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is read from the host, so that the checks themselves are pure."""

    available_mib: int
    free_disk_mib: int | None
    storage: str
    sysctls: Mapping[str, int]
    existing: int
    has_image: bool
    busy_ports: Mapping[int, str]


def checks(engine: Callable[[], Engine], machines: int, publish: Sequence[int]) -> list[HostCheck]:
    """All checks. Where no engine answers, those that need one say so and the others still run."""
    found: Engine | None = None
    try:
        found = engine()
        about = found.describe()
        existing = len(found.containers({CLUSTER: ""}))
        result = [HostCheck("container engine", f"{about.name} {about.version} answers")]
        has_image = found.has_image(image.tag())
        result.append(probe.check(found, has_image))
        storage = about.storage
    except RuntimeFailure as failure:
        step = failure.next_step or "see 'provision doctor'"
        finding = Finding("host: container engine", failure.problem, step)
        result = [HostCheck("container engine", failure.problem, finding)]
        result.append(HostCheck("container start", "not tried: no engine answers"))
        existing, has_image, storage = 0, isinstance(failure, NoEngine), ""
    facts = read(machines, publish, storage, existing, has_image)
    return [*result, *judge(facts, machines)]


def read(
    machines: int, publish: Sequence[int], storage: str, existing: int, has_image: bool
) -> Facts:
    """Gather the facts of this host; what cannot be read is left out and its check with it."""
    return Facts(
        available_mib=available_mib(_text(Path("/proc/meminfo"))),
        free_disk_mib=_free_mib(Path(storage)) if storage else None,
        storage=storage,
        sysctls=limits.read(),
        existing=existing,
        has_image=has_image,
        busy_ports={port: why for port in publish if (why := port_taken(port))},
    )


def judge(facts: Facts, machines: int) -> list[HostCheck]:
    """The checks that need no engine. ``machines`` come on top of the ``existing`` ones."""
    total = machines + facts.existing
    return [
        _memory(facts, machines),
        _disk(facts, machines),
        _bridge(machines),
        *limits.checks(facts.sysctls, total, machines),
        *_ports(facts.busy_ports),
    ]


def _memory(facts: Facts, machines: int) -> HostCheck:
    fits = max(0, (facts.available_mib - RESERVE_MIB) // MACHINE_MIB)
    need = RESERVE_MIB + machines * MACHINE_MIB
    detail = f"{facts.available_mib} MiB available, {need} MiB needed for {machines} machines"
    if fits >= machines:
        return HostCheck("memory", detail)
    problem = f"{detail}: {fits} machines fit"
    return HostCheck("memory", detail, Finding("host: memory", problem, _fewer(fits)))


def _disk(facts: Facts, machines: int) -> HostCheck:
    if facts.free_disk_mib is None:
        return HostCheck("disk", "not looked at: the engine's storage is not known")
    image_mib = 0 if facts.has_image else IMAGE_DISK_MIB
    fits = max(0, (facts.free_disk_mib - image_mib) // MACHINE_DISK_MIB)
    need = image_mib + machines * MACHINE_DISK_MIB
    detail = f"{facts.free_disk_mib} MiB free in {facts.storage}, {need} MiB needed"
    if fits >= machines:
        return HostCheck("disk", detail)
    problem = f"{detail}: {fits} machines fit"
    fix = f"make room in {facts.storage}, or {_fewer(fits)}"
    return HostCheck("disk", detail, Finding("host: disk", problem, fix))


def _bridge(machines: int) -> HostCheck:
    detail = f"a network takes {BRIDGE_PORTS} machines, {machines} are asked"
    if machines <= BRIDGE_PORTS:
        return HostCheck("network", detail)
    return HostCheck("network", detail, Finding("host: network", detail, _fewer(BRIDGE_PORTS)))


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


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
