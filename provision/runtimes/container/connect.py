"""Find a container engine that answers, or start Podman's API service for as long as we need it."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from provision.errors import RuntimeFailure
from provision.runtimes.container.api import DockerEngine
from provision.runtimes.container.engine import NoEngine
from provision.runtimes.container.service import PodmanService

ANSWER = 5.0
"""Seconds an engine may take to answer a ping. A socket-activated one starts in that time."""
INSTALL = "install one: sudo apt-get install -y podman runc netavark aardvark-dns iptables"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides which engine is used; :func:`surroundings` reads it from this process."""

    environment: Mapping[str, str]
    uid: int
    is_socket: Callable[[Path], bool]
    which: Callable[[str], str | None]


def surroundings() -> Surroundings:
    """Those of this process."""
    return Surroundings(os.environ, os.getuid(), _is_socket, shutil.which)


def candidates(here: Surroundings) -> Iterator[str]:
    """URLs to try, best first: what the user names, else the sockets that exist."""
    named = here.environment.get("DOCKER_HOST", "")
    if named:
        yield named
        return
    sockets = [Path("/var/run/docker.sock"), Path("/run/podman/podman.sock")]
    private = here.environment.get("XDG_RUNTIME_DIR") or f"/run/user/{here.uid}"
    sockets += [Path(private, "docker.sock"), Path(private, "podman/podman.sock")]
    yield from (f"unix://{path}" for path in sockets if here.is_socket(path))


def connect(here: Surroundings | None = None) -> DockerEngine:
    """The first engine that answers; raises :class:`NoEngine` saying what was tried."""
    here = here or surroundings()
    tried = []
    for url in candidates(here):
        try:
            return _answering(url)
        except RuntimeFailure as failure:
            tried.append(f"{url}: {failure.problem}")
    if here.environment.get("DOCKER_HOST"):
        raise NoEngine(f"no container engine answers ({tried[0]})", "mend or unset DOCKER_HOST")
    podman = here.which("podman")
    if podman:
        service = PodmanService(podman, runtime=preferred_runtime(here.which))
        try:
            return _answering(service.start(), service.stop)
        except BaseException:
            service.stop()
            raise
    what = (
        f"no container engine answers ({'; '.join(tried) or 'neither Docker nor Podman is here'})"
    )
    raise NoEngine(what, INSTALL)


def preferred_runtime(
    which: Callable[[str], str | None], unified: Path = Path("/sys/fs/cgroup/cgroup.controllers")
) -> str:
    """OCI runtime to ask Podman for, '' for its own choice.

    crun refuses hosts with cgroup v1 beside an unused v2 (seen with crun 1.8); runc takes them.
    """
    return "runc" if not unified.exists() and which("runc") else ""


def _answering(url: str, on_close: Callable[[], None] | None = None) -> DockerEngine:
    engine = DockerEngine(url, on_close)
    engine.ping(ANSWER)
    return engine


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode) and os.access(path, os.R_OK | os.W_OK)
    except OSError:
        return False
