"""The adapter between emulated VMs and a runtime: networks come with the first machine, and go."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from provision.emulator import booting, owners
from provision.emulator.booting import RuntimeMachines
from provision.emulator.machines import Order
from provision.events import Emit, Event, Noted, Warned
from provision.runtime import Boot, Network

OWNER = "7-1"


class Runtime:
    """Remembers networks and machines."""

    def __init__(self) -> None:
        self.networks: dict[str, Mapping[str, str]] = {}
        self.made: list[str] = []
        self.removed = threading.Event()

    def taken(self, subnet: str, adopt: str = "") -> str:
        return ""

    def ensure_network(self, network: Network) -> None:
        self.networks[network.name] = network.labels
        self.made.append(network.name)

    def start(self, machines: Sequence[Boot], emit: Emit) -> dict[str, str]:
        assert all(boot.network in ("", *self.networks) for boot in machines)
        emit(Noted(text="one of many"))
        emit(Warned(text="the zygote has said nothing"))
        return {}

    def stop(self, labels: Mapping[str, str], names: Sequence[str] | None = None) -> list[str]:
        if names is None:
            gone = [n for n, marks in self.networks.items() if labels.items() <= marks.items()]
            for name in gone:
                del self.networks[name]
            self.removed.set()
        return []

    def close(self) -> None:
        """Nothing is open."""


def order(key: str, network: str) -> Order:
    return Order(key, key, key, "", "10.0.0.9", "", network, "10.0.0.0/24", True)


async def boot(machines: RuntimeMachines, key: str, network: str) -> None:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str] = loop.create_future()
    machines.boot(order(key, network), done.set_result)
    assert await asyncio.wait_for(done, 5) == ""


async def kill(machines: RuntimeMachines, key: str) -> None:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    machines.kill(key, lambda: done.set_result(None))
    await asyncio.wait_for(done, 5)


def test_a_network_goes_a_while_after_its_last_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(booting, "LINGER", 0.05)
    runtime: Any = Runtime()

    async def story() -> None:
        machines = RuntimeMachines(runtime, OWNER)
        await boot(machines, "a", "blue")
        await boot(machines, "b", "blue")
        await boot(machines, "c", "green")
        await kill(machines, "a")
        await asyncio.sleep(0.2)
        assert sorted(runtime.networks) == ["vm-7-1", "vm-7-2"], "another one stands there"
        await kill(machines, "b")
        assert await asyncio.to_thread(runtime.removed.wait, 5)
        assert list(runtime.networks) == ["vm-7-2"]
        assert runtime.networks["vm-7-2"][owners.LABEL] == OWNER
        await boot(machines, "d", "blue")
        assert runtime.made == ["vm-7-1", "vm-7-2", "vm-7-3"], "its name is not used again"
        machines.close()

    asyncio.run(story())
    assert runtime.networks == {}


def test_a_network_that_is_needed_again_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(booting, "LINGER", 0.1)
    runtime: Any = Runtime()

    async def story() -> None:
        machines = RuntimeMachines(runtime, OWNER)
        await boot(machines, "a", "blue")
        await kill(machines, "a")
        await boot(machines, "b", "blue")
        await asyncio.sleep(0.3)
        assert list(runtime.networks) == ["vm-7-1"]
        machines.close()

    asyncio.run(story())
    assert runtime.made == ["vm-7-1"]


def test_trouble_of_boots_is_told_and_single_boots_are_not() -> None:
    told: list[Event] = []

    async def story() -> None:
        runtime: Any = Runtime()
        machines = RuntimeMachines(runtime, OWNER, emit=told.append)
        await boot(machines, "a", "blue")
        machines.close()

    asyncio.run(story())
    assert [event.text for event in told if isinstance(event, Warned)] == [
        "the zygote has said nothing"
    ]
    assert len(told) == 1
