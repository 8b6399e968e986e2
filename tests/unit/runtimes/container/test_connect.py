"""Which engine is tried, and in which order."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.errors import RuntimeFailure
from provision.runtimes.container import connect, service
from provision.runtimes.container.connect import Surroundings
from provision.runtimes.container.engine import Engine, NoEngine, NotInstalled
from provision.runtimes.container.runtime import ContainerRuntime


def here(
    environment: Mapping[str, str] | None = None,
    sockets: tuple[str, ...] = (),
    podman: str = "",
    closed: tuple[str, ...] = (),
) -> Surroundings:
    return Surroundings(
        environment or {},
        1000,
        lambda path: str(path) in sockets and str(path) not in closed,
        lambda name: podman or None,
        lambda path: str(path) in sockets,
    )


def test_what_the_user_names_is_all_that_is_tried() -> None:
    named = here({"DOCKER_HOST": "unix:///x.sock"}, ("/var/run/docker.sock",))
    assert list(connect.candidates(named)) == ["unix:///x.sock"]


def test_docker_comes_before_podman_and_the_host_before_the_user() -> None:
    sockets = (
        "/run/user/1000/podman/podman.sock",
        "/run/podman/podman.sock",
        "/var/run/docker.sock",
    )
    assert list(connect.candidates(here(sockets=sockets))) == [
        "unix:///var/run/docker.sock",
        "unix:///run/podman/podman.sock",
        "unix:///run/user/1000/podman/podman.sock",
    ]


def test_nothing_here_says_what_to_install() -> None:
    with pytest.raises(NotInstalled, match=r"neither Docker nor Podman .*install -y podman"):
        connect.connect(here())


def test_an_engine_that_may_not_be_used_is_not_taken_for_none() -> None:
    docker = "/var/run/docker.sock"
    with pytest.raises(NoEngine) as caught:
        connect.connect(here(sockets=(docker,), closed=(docker,)))
    assert not isinstance(caught.value, NotInstalled), "containers of ours may run in it"


def test_where_no_engine_ever_was_nothing_of_ours_is() -> None:
    def none() -> Engine:
        raise NotInstalled("neither is here", "install one")

    runtime = ContainerRuntime(none)
    assert (runtime.running({}), runtime.leftovers({}), runtime.stop({})) == ([], [], [])


def test_a_named_engine_that_is_silent_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(url: str) -> None:
        raise RuntimeFailure("connection refused")

    monkeypatch.setattr(connect, "_answering", silent)
    with pytest.raises(NoEngine, match=r"unix:///x\.sock: connection refused.*unset DOCKER_HOST"):
        connect.connect(here({"DOCKER_HOST": "unix:///x.sock"}, podman="/usr/bin/podman"))


def test_runc_is_asked_for_on_cgroup_v1_only(tmp_path: Path) -> None:
    unified = tmp_path / "cgroup.controllers"
    assert connect.preferred_runtime(lambda name: "/usr/sbin/runc", unified) == "runc"
    assert connect.preferred_runtime(lambda name: None, unified) == ""
    unified.touch()
    assert connect.preferred_runtime(lambda name: "/usr/sbin/runc", unified) == ""


def test_folders_of_dead_processes_are_swept(tmp_path: Path) -> None:
    dead = tmp_path / "provision-engine-99999999-abc"
    alive = tmp_path / f"provision-engine-{os.getpid()}-abc"
    other = tmp_path / "provision-engine"
    for folder in (dead, alive, other):
        folder.mkdir()
        (folder / "podman.sock").touch()
    service.sweep(tmp_path)
    assert not dead.exists()
    assert alive.exists()
    assert other.exists()
