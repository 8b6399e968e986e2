"""What this machine holds that could be of our making: asked of the engine and of /proc, not of us."""

import contextlib
import json
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import APIError, NotFound

from provision.runtimes.container.connect import connect
from tests.guards import RUN

CLUSTER = "provision-cluster"
LIGHT = Path("/run/provision/light")
SCRATCH = ("provision-engine-*", "provision-base-*")
"""Folders that ``provision`` makes below the one for temporary files."""
MOUNTED = re.compile(
    r"/storage/overlay/\w|/storage/overlay-containers/\w|/docker/(?:overlay2|containers)/\w"
    r"|/netns/\w|/provision-"
)
"""Mount points that containers and our own runtimes make."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing on this machine: ``ident`` tells it from any other, ``name`` is for people."""

    kind: str
    ident: str
    name: str
    cluster: str = ""

    def __str__(self) -> str:
        """As a report names it."""
        return f"{self.kind} {self.name}"


def look(run: str, state: Path) -> set[Thing]:
    """Everything that may be ours. ``run`` is the value of :data:`RUN`, ``state`` the user's folder."""
    engine = connect()
    try:
        api: Any = engine._api
        containers = api.containers(all=True)
        things = {*_engine(api, containers), *_mounts(_used(api, containers))}
    finally:
        engine.close()
    running = any(container["State"] == "running" for container in containers)
    known = {container["Id"] for container in containers}
    return things | {*_processes(run, known, running), *_light(), *_files(state)}


def remove(things: list[Thing]) -> list[str]:
    """Remove what can be; answers what could not be and why."""
    engine = connect()
    api: Any = engine._api
    ways: dict[str, Callable[[str], object]] = {
        "process": _kill,
        "light machine": _kill,
        "file": _unlink,
        "container": lambda ident: api.remove_container(ident, force=True, v=True),
        "network": lambda ident: api.remove_network(ident),
        "volume": lambda ident: api.remove_volume(ident),
    }
    failed = []
    try:
        # Containers hold networks and volumes, so the order of the ways counts.
        for kind, way in ways.items():
            for thing in things:
                if thing.kind == kind:
                    try:
                        way(thing.ident)
                    except NotFound:
                        continue
                    except (APIError, OSError) as error:
                        failed.append(f"{thing} could not be removed ({error})")
    finally:
        engine.close()
    return failed


def _engine(api: Any, containers: list[dict[str, Any]]) -> Iterator[Thing]:
    for container in containers:
        labels = container["Labels"] or {}
        if CLUSTER in labels:
            name = (container.get("Names") or [container["Id"]])[0].lstrip("/")
            yield Thing("container", container["Id"], name, labels[CLUSTER])
    for network in api.networks():
        labels = network["Labels"] or {}
        if CLUSTER in labels:
            yield Thing("network", network["Id"], network["Name"], labels[CLUSTER])
    for volume in api.volumes(filters={"dangling": True})["Volumes"] or []:
        yield Thing("volume", volume["Name"], volume["Name"])


def _used(api: Any, containers: list[dict[str, Any]]) -> set[str]:
    """Parts of paths that the containers which are there have mounted."""
    used = set()
    for container in containers:
        with contextlib.suppress(APIError):
            found = api.inspect_container(container["Id"])
            used |= {
                container["Id"],
                (found["GraphDriver"].get("Data") or {}).get("MergedDir", ""),
                Path(found["NetworkSettings"].get("SandboxKey") or "").name,
            }
    return used - {""}


def _mounts(used: set[str]) -> Iterator[Thing]:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        target = line.split()[4]
        if MOUNTED.search(target) and not any(part in target for part in used):
            yield Thing("mount", target, target)


def _processes(run: str, containers: set[str], running: bool) -> Iterator[Thing]:
    """Those that inherited our mark, and the engine's own that stand for nothing any more."""
    mark = f"{RUN}={run}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            program = Path(words[0]).name
            # These two live as long as the containers they serve, whoever started them.
            idle = {"conmon": not containers & {*words}, "aardvark-dns": not running}.get(program)
            ours = idle is None and mark in (folder / "environ").read_bytes().split(b"\0")
            if ours or idle:
                name = f"{folder.name} ({' '.join(words)[:90].strip()})"
                kind = "process" if ours else "engine process"
                yield Thing(kind, f"{folder.name} {_began(folder)}", name)


def _light() -> Iterator[Thing]:
    """PID 1 of each machine of namespaces, holders of their networks, their records and links."""
    clusters = {}
    for folder in LIGHT.glob("*/*"):
        with contextlib.suppress(OSError, ValueError):
            labels = json.loads((folder / "record.json").read_text())["labels"]
            clusters[folder.name] = labels.get(CLUSTER, "")
        yield Thing("file", str(folder), str(folder), clusters.get(folder.name, ""))
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if words[0] == "provision-light":
                cluster = clusters.get(words[2], "")
                yield Thing("light machine", f"{folder.name} {_began(folder)}", words[2], cluster)
    for link in Path("/sys/class/net").glob("pl??????????"):
        yield Thing("link", link.name, link.name)


def _files(state: Path) -> Iterator[Thing]:
    for path in state.rglob("*"):
        if path.is_file():
            part = path.relative_to(state).parts
            cluster = part[1].removesuffix(".lock") if len(part) > 1 else ""
            yield Thing("file", str(path), str(path), cluster)
    for pattern in SCRATCH:
        for path in Path(tempfile.gettempdir()).glob(pattern):
            if not _alive(path.name.removeprefix("provision-engine-").partition("-")[0]):
                yield Thing("file", str(path), str(path))


def _alive(pid: str) -> bool:
    return pid.isdigit() and Path("/proc", pid).exists()


def _kill(ident: str) -> None:
    pid, began = ident.split()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        if _began(Path("/proc", pid)) == began:
            os.kill(int(pid), signal.SIGKILL)


def _began(folder: Path) -> str:
    """When a process began, in clock ticks since boot: field 22 of proc_pid_stat(5)."""
    return (folder / "stat").read_text().rpartition(")")[2].split()[19]


def _unlink(ident: str) -> None:
    path = Path(ident)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
