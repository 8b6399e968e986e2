"""The ledger sees and removes what is really there."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from docker.types import Ulimit

from provision.events import ignore
from provision.runtime import Boot, Network, State
from provision.runtimes.container import image
from provision.runtimes.container.connect import connect
from provision.runtimes.container.runtime import ContainerRuntime
from provision.runtimes.light.runtime import LightRuntime
from tests import machine
from tests.conftest import RUN_ID


@pytest.fixture
def api() -> Iterator[Any]:
    runtime = ContainerRuntime()
    runtime.prepare(ignore)
    runtime.close()
    engine = connect()
    yield engine._api
    engine.close()


def test_it_sees_every_kind_and_removes_what_it_is_told(api: Any, tmp_path: Path) -> None:
    def look() -> set[machine.Thing]:
        return machine.look(RUN_ID, tmp_path)

    name = f"rt{uuid4().hex[:6]}"
    before = look()
    labels = {machine.CLUSTER: name}
    api.create_network(name, labels=labels)
    # Limits of its own: a host without CAP_SYS_RESOURCE cannot give the engine's defaults.
    limits = [Ulimit(name=kind, soft=1024, hard=1024) for kind in ("nofile", "nproc")]
    made = api.create_container(
        image.tag(),
        ["sleep", "60"],
        name=f"{name}-1",
        labels=labels,
        volumes=["/data"],
        host_config=api.create_host_config(ulimits=limits),
    )
    api.start(made["Id"])
    sleeping = subprocess.Popen(["sleep", "60"])
    (tmp_path / "clusters" / name).mkdir(parents=True)
    (tmp_path / "clusters" / name / "keys.json").write_text("{}")
    new = [t for t in look() - before if t.cluster == name or t.name.startswith(str(sleeping.pid))]
    assert machine.remove(new) == []
    sleeping.wait(10)
    assert sorted(thing.kind for thing in new) == ["container", "file", "network", "process"]
    kinds = {thing.kind for thing in look() - before}
    assert kinds.isdisjoint({"container", "file", "network", "process", "volume"})


def test_it_sees_light_machines_and_removes_them(tmp_path: Path) -> None:
    name = f"rt{uuid4().hex[:6]}"
    before = machine.look(RUN_ID, tmp_path)
    runtime = LightRuntime()
    runtime.prepare(ignore)
    marks = {machine.CLUSTER: name}
    try:
        runtime.ensure_network(Network(name, "10.97.255.0/24", marks))
        boot = Boot(f"{name}-1", "#cloud-config\n{}", "i", "10.97.255.9", name, marks)
        assert runtime.start([boot], ignore) == {}
        runtime.close()
        new = machine.look(RUN_ID, tmp_path) - before
        assert sorted(t.kind for t in new) == [
            "file",
            "file",
            "light machine",
            "light machine",
            "link",
        ]
        assert machine.remove([thing for thing in new if thing.cluster == name]) == []
        assert {m.state for m in runtime.running(marks)} <= {State.STOPPED}
    finally:
        runtime.stop(marks)
        runtime.close()
