"""A machine to boot, as the container engine is told it. Pure: nothing here talks to an engine."""

import io
import json
import re
import tarfile
from collections.abc import Mapping
from typing import Any

from provision.labels import CREATED
from provision.runtime import Boot, Running, State
from provision.runtimes.container.engine import Container

SEED_PARENT = "/var/lib/cloud/seed"
"""Folder in the image below which cloud-init's NoCloud data source looks for ``nocloud/``."""
OPEN_FILES = 16_384
PROCESSES = 32_768
"""Limits of one container. They are explicit and modest because an engine without
CAP_SYS_RESOURCE can raise none: Podman 4 lowers its own to 32,768 processes, and its default of
1,048,576 files then fails. Processes count per user over all containers, so no lower."""

_STATES = {
    "created": State.CREATED,
    "configured": State.CREATED,
    "initialized": State.CREATED,
    "running": State.RUNNING,
    "paused": State.RUNNING,
    "restarting": State.RUNNING,
}
_EXITED = re.compile(r"Exited \((\d+)\)")


def config(boot: Boot, image: str, *, podman: bool) -> dict[str, Any]:
    """The API's ``ContainerConfig`` (Docker Engine API v1.41, ``/containers/create``)."""
    ports: dict[str, dict[str, str]] = {f"{inner}/tcp": {} for inner in boot.publish.values()}
    return {
        "Image": image,
        "Cmd": ["/sbin/init"],
        "Hostname": boot.host,
        # With a terminal, systemd and cloud-init find a console to write to: the container's log.
        "Tty": True,
        # A console that is kept as text wants no colours.
        "Env": ["TERM=dumb"],
        "Labels": dict(boot.labels),
        "ExposedPorts": ports,
        # Machines are killed, never shut down: nothing in them is worth the wait.
        "StopSignal": "SIGKILL",
        "StopTimeout": 0,
        "HostConfig": {
            "NetworkMode": boot.network or "none",
            "PortBindings": {
                f"{inner}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(outer)}]
                for outer, inner in boot.publish.items()
            },
            # Not the journal, where Podman writes by default: nothing may stay on the host.
            "LogConfig": {"Type": "json-file", "Config": {}},
            **_rights(podman=podman),
        },
        "NetworkingConfig": {"EndpointsConfig": _endpoints(boot)},
    }


def _endpoints(boot: Boot) -> dict[str, Any]:
    if not boot.network:
        return {}
    return {boot.network: {"IPAMConfig": {"IPv4Address": boot.address}}}


def probe(image: str, labels: Mapping[str, str], *, podman: bool) -> dict[str, Any]:
    """A container with a node's limits, rights and a network, that ends at once."""
    return {
        "Image": image,
        "Cmd": ["/bin/true"],
        "Labels": dict(labels),
        "HostConfig": {"LogConfig": {"Type": "json-file", "Config": {}}, **_rights(podman=podman)},
    }


def _rights(*, podman: bool) -> dict[str, Any]:
    limits = {"nofile": OPEN_FILES, "nproc": PROCESSES}
    return {
        "Ulimits": [{"Name": name, "Soft": n, "Hard": n} for name, n in limits.items()],
        **(_PODMAN if podman else _DOCKER),
    }


_PODMAN: Mapping[str, Any] = {
    # Podman sees /sbin/init and prepares /run, /tmp and the cgroups itself; mounting needs this.
    "CapAdd": ["SYS_ADMIN"],
}
_DOCKER: Mapping[str, Any] = {
    # What kind uses for its nodes (https://kind.sigs.k8s.io, docker/provision.go).
    "Privileged": True,
    "CgroupnsMode": "private",
    "Tmpfs": {"/run": "mode=755", "/tmp": "exec,mode=1777"},  # noqa: S108  # a mount point inside the container
}


def seed(boot: Boot) -> bytes:
    """Tar archive of the NoCloud seed, to be unpacked in :data:`SEED_PARENT`.

    The engine writes it straight into the container's own file system, so its secrets stand in no
    file of the host that others could read.
    https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html
    """
    meta = json.dumps({"instance-id": boot.instance_id, "local-hostname": boot.host})
    files = {"meta-data": meta, "user-data": boot.user_data}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folder = tarfile.TarInfo("nocloud")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o700
        archive.addfile(folder)
        for name, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(f"nocloud/{name}")
            member.size, member.mode = len(data), 0o600
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def running(container: Container) -> Running:
    """A container of the engine's list as the contract's value."""
    state = _STATES.get(container.state, State.STOPPED)
    exited = _EXITED.match(container.status)
    return Running(
        name=container.name,
        labels=container.labels,
        address=container.address,
        state=state,
        started=None if state is State.CREATED else _started(container),
        exit_code=int(exited[1]) if exited and state is State.STOPPED else None,
    )


def _started(container: Container) -> float:
    """When the container was created, which is when it started to within a second.

    The engine's list has no start time, and asking for each container would cost a call per node.
    A machine is created, seeded and started in one go (0.3 s idle, up to 0.7 s with three at a
    time on two cores); the list's time is in whole seconds, so it is not let fall before the time
    of the request.
    """
    requested = container.labels.get(CREATED, "")
    floor = int(requested) / 1000 if requested.isdecimal() else 0.0
    return max(float(container.created), floor)
