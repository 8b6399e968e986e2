"""Find a container engine that answers, or start Podman's API service for as long as we need it."""

import importlib
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from provision.errors import RuntimeFailure
from provision.runtimes.container.engine import NoEngine, NotInstalled
from provision.runtimes.container.service import PodmanService

if TYPE_CHECKING:
    from provision.runtimes.container.api import DockerEngine

ANSWER = 5.0
"""Seconds an engine may take to answer a ping. A socket-activated one starts in that time."""
SSH_TRANSPORT = "docker.transport.sshconn"
INSTALL = "install one: sudo apt-get install -y podman runc netavark aardvark-dns iptables"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides which engine is used; :func:`surroundings` reads it from this process."""

    environment: Mapping[str, str]
    uid: int
    is_socket: Callable[[Path], bool]
    which: Callable[[str], str | None]
    exists: Callable[[Path], bool] = os.path.lexists


def surroundings() -> Surroundings:
    """Those of this process."""
    return Surroundings(os.environ, os.getuid(), _is_socket, shutil.which)


def candidates(here: Surroundings) -> Iterator[str]:
    """URLs to try, best first: what the user names, else the sockets that exist."""
    named = here.environment.get("DOCKER_HOST", "")
    if named:
        yield named
        return
    yield from (f"unix://{path}" for path in _sockets(here) if here.is_socket(path))


def _sockets(here: Surroundings) -> list[Path]:
    private = here.environment.get("XDG_RUNTIME_DIR") or f"/run/user/{here.uid}"
    return [
        Path("/var/run/docker.sock"),
        Path("/run/podman/podman.sock"),
        Path(private, "docker.sock"),
        Path(private, "podman/podman.sock"),
    ]


def connect(here: Surroundings | None = None) -> "DockerEngine":
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
    if not tried and not here.which("docker") and not any(map(here.exists, _sockets(here))):
        raise NotInstalled(
            "no container engine answers (neither Docker nor Podman is here)", INSTALL
        )
    why = "; ".join(tried) or "Docker is here, and this user may not use it or it does not run"
    raise NoEngine(f"no container engine answers ({why})", "start it, or mend who may use it")


def preferred_runtime(
    which: Callable[[str], str | None], unified: Path = Path("/sys/fs/cgroup/cgroup.controllers")
) -> str:
    """OCI runtime to ask Podman for, '' for its own choice.

    crun refuses hosts with cgroup v1 beside an unused v2 (seen with crun 1.8); runc takes them.
    """
    return "runc" if not unified.exists() and which("runc") else ""


def _answering(url: str, on_close: Callable[[], None] | None = None) -> "DockerEngine":
    engine: DockerEngine = _sdk(url).DockerEngine(url, on_close)
    engine.ping(ANSWER)
    return engine


def _sdk(url: str) -> ModuleType:
    """The module over the ``docker`` SDK, without paramiko where no ``ssh://`` engine is asked for.

    paramiko is more than half of the SDK's time to load. The SDK takes it for absent
    (``docker/transport/__init__.py``), as where it is not installed.
    """
    modules: dict[str, Any] = sys.modules
    ssh = url.startswith("ssh:")
    hidden = not ssh and "docker" not in modules
    if hidden:
        modules[SSH_TRANSPORT] = None
    try:
        api = importlib.import_module("provision.runtimes.container.api")
    finally:
        if hidden:
            del modules[SSH_TRANSPORT]
    if ssh:  # it may have been loaded without
        adapter = importlib.import_module(SSH_TRANSPORT).SSHHTTPAdapter
        modules["docker.api.client"].SSHHTTPAdapter = adapter
    return api


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode) and os.access(path, os.R_OK | os.W_OK)
    except OSError:
        return False
