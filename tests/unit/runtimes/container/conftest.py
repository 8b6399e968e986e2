"""A container engine made of dictionaries, with dials for what goes wrong."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provision.errors import RuntimeFailure
from provision.labels import matches
from provision.runtime import Boot
from provision.runtimes.container.engine import (
    Conflict,
    Container,
    Description,
    EngineNetwork,
    Gone,
)


class FakeImages(set[str]):
    """Names of images."""

    def __init__(self, engine: "FakeEngine") -> None:
        super().__init__()
        self._engine = engine

    def has(self, tag: str) -> bool:
        return tag in self

    def pull(self, image: str, timeout: float) -> None:
        self._engine.calls.append(f"pull {image}")
        if self._engine.pull_fails:
            raise RuntimeFailure("no such host")
        self.add(image)

    def load(self, archive: Path, tag: str, labels: Mapping[str, str]) -> None:
        self._engine.calls.append(f"import {tag}")
        self.add(tag)

    def build(
        self, folder: Path, tag: str, args: Mapping[str, str], labels: Mapping[str, str]
    ) -> Iterator[str]:
        self._engine.calls.append(f"build {tag} from {args['BASE']}")
        yield "STEP 1/5"
        self.add(tag)


class FakeEngine:
    """Keeps :class:`~provision.runtimes.container.engine.Engine`'s promises in memory."""

    def __init__(self) -> None:
        self.here: dict[str, Container] = {}
        self.nets: dict[str, EngineNetwork] = {}
        self.images = FakeImages(self)
        self.configs: dict[str, Mapping[str, Any]] = {}
        self.seeds: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.start_fails: dict[str, str] = {}
        self.remove_fails: dict[str, int] = {}
        self.pull_fails = False
        self.exit_code = 0
        self.closed = 0
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def add(self, name: str, labels: Mapping[str, str], state: str = "running") -> Container:
        """A container that an earlier process made."""
        container = Container(f"id-{name}", name, labels, "10.9.0.9", state, "Up 1 second", 1000)
        self.here[container.ident] = container
        return container

    def describe(self) -> Description:
        return Description("Podman", "4.3.1", "/var/lib/containers", podman=True, rootless=False)

    def containers(self, labels: Mapping[str, str] | None = None) -> list[Container]:
        self.calls.append("list")
        with self._lock:
            found = [c for c in self.here.values() if matches(c.labels, labels or {})]
        return sorted(found, key=lambda container: container.name)

    def create(self, name: str, config: Mapping[str, Any]) -> str:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            if any(container.name == name for container in self.here.values()):
                raise Conflict(f"the name {name} is taken")
            self.configs[name] = config
            ident = f"new-{name}"
            self.here[ident] = Container(ident, name, config["Labels"], "", "created", "", 2000)
            return ident

    def put(self, ident: str, folder: str, archive: bytes) -> None:
        self.seeds[ident] = archive

    def start(self, ident: str) -> None:
        with self._lock:
            self._at_once -= 1
            container = self.here[ident]
            if container.name in self.start_fails:
                raise RuntimeFailure(self.start_fails[container.name])
            self.here[ident] = replace(container, state="running")

    def wait(self, ident: str, timeout: float) -> int:
        return self.exit_code

    def remove(self, ident: str) -> None:
        with self._lock:
            if self.remove_fails.get(ident, 0) > 0:
                self.remove_fails[ident] -= 1
                raise RuntimeFailure(f"{ident} is busy")
            self.calls.append(f"remove {ident}")
            self.here.pop(ident, None)

    def logs(self, ident: str, tail: int) -> str:
        for container in self.here.values():
            if container.name == ident:
                return f"console of {ident}"
        raise Gone(f"no container {ident}")

    def networks(self) -> list[EngineNetwork]:
        return list(self.nets.values())

    def create_network(self, name: str, subnet: str, labels: Mapping[str, str]) -> None:
        if name in self.nets:
            raise Conflict(f"the network {name} exists")
        self.nets[name] = EngineNetwork(name, labels, (subnet,))

    def remove_network(self, name: str) -> None:
        if self.here:
            raise RuntimeFailure(f"the network {name} is in use")
        self.calls.append(f"remove network {name}")
        self.nets.pop(name, None)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def boot() -> Callable[..., Boot]:
    def make(name: str = "c-1", **changes: Any) -> Boot:
        fields: dict[str, Any] = {
            "name": name,
            "user_data": "#cloud-config\n# the secret\n",
            "instance_id": f"{name}.0",
            "address": "10.9.0.5",
            "network": "c",
            "labels": {"provision-cluster": "c"},
        }
        return Boot(**{**fields, **changes})

    return make
