"""Emulated VMs as machines of this host: the adapter between the world's one thread and a runtime.

Boots are taken together (a runtime starts several at a time); all blocking work is done by threads of
its own, and callbacks come back on the event loop.
"""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from provision.emulator import owners
from provision.emulator.gce.machines import Order
from provision.errors import ProvisionError
from provision.events import Event
from provision.runtime import Boot, MachineRuntime, Network

TOGETHER = 64
"""Boots handed to the runtime at a time."""
log = logging.getLogger(__name__)


def _quiet(event: Event) -> None:
    """Nobody watches single boots."""


class RuntimeMachines:
    """Boots orders by a runtime. Make it on the loop's own thread; ``close`` removes everything."""

    def __init__(self, runtime: MachineRuntime, owner: str) -> None:
        self._runtime, self._owner = runtime, owner
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[tuple[Order, Callable[[str], None]]] = deque()
        self._networks: dict[str, str] = {}
        self._cancelled: set[str] = set()
        self._lock = threading.Lock()
        self._boots = ThreadPoolExecutor(1, "boots")
        self._others = ThreadPoolExecutor(4, "machines")
        self._closed = False

    @property
    def _labels(self) -> Mapping[str, str]:
        return {owners.LABEL: self._owner}

    def _name(self, key: str) -> str:
        """A VM's name on this host: ids of VMs are unique only within one emulator."""
        return f"gce-{self._owner.partition('-')[0]}-{key.replace('.', '-')}"

    def boot(self, order: Order, booted: Callable[[str], None]) -> None:
        """Queue it; the next free turn boots all that wait."""
        self._loop = asyncio.get_running_loop()
        self._waiting.append((order, booted))
        self._boots.submit(self._turn)

    def _turn(self) -> None:
        batch: list[tuple[Order, Callable[[str], None]]] = []
        while self._waiting and len(batch) < TOGETHER and not self._closed:
            order, booted = self._waiting.popleft()
            if order.key in self._cancelled:
                self._cancelled.discard(order.key)
                continue
            batch.append((order, booted))
        if not batch:
            return
        with self._lock:
            failed = self._start([order for order, _ in batch])
        for order, booted in batch:
            self._back(booted, failed.get(self._name(order.key), ""))

    def _start(self, orders: list[Order]) -> dict[str, str]:
        try:
            boots = [self._boot(order) for order in orders]
            return self._runtime.start(boots, _quiet)
        except ProvisionError as error:
            log.error("machines did not boot: %s", error)
            return {self._name(order.key): str(error) for order in orders}

    def _boot(self, order: Order) -> Boot:
        return Boot(
            name=self._name(order.key),
            user_data=order.user_data or "#cloud-config\n{}\n",
            instance_id=order.instance_id,
            address=order.address,
            network=self._network(order) if order.connected else "",
            labels={**self._labels, owners.VM: order.key},
            hostname=order.hostname,
        )

    def _network(self, order: Order) -> str:
        """The host's network for a subnetwork, made when the first VM needs it."""
        if order.network not in self._networks:
            number = len(self._networks) + 1
            name = f"gce-{self._owner.partition('-')[0]}-{number}"
            taken = self._runtime.taken(order.subnet, name)
            if taken:
                raise ProvisionError(
                    f"the subnetwork {order.subnet} cannot stand on this host ({taken})",
                    "create a subnetwork with another range",
                )
            self._runtime.ensure_network(Network(name, order.subnet, self._labels))
            self._networks[order.network] = name
        return self._networks[order.network]

    def _back(self, call: Callable[..., None], *args: object) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(call, *args)

    def kill(self, key: str, gone: Callable[[], None]) -> None:
        """Remove it; one that still waits for its boot never boots."""
        self._loop = asyncio.get_running_loop()
        if any(order.key == key for order, _ in self._waiting):
            self._cancelled.add(key)
            gone()
            return

        def remove() -> None:
            with self._lock:
                try:
                    self._runtime.stop(self._labels, [self._name(key)])
                except ProvisionError as error:
                    log.error("a machine did not go: %s", error)
            self._back(gone)

        self._others.submit(remove)

    async def console(self, key: str) -> str:
        """What its console holds."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._others, self._runtime.console, self._name(key))

    def close(self) -> None:
        """Remove every machine and network of this emulator. Raises ``RuntimeFailure``."""
        self._closed = True
        self._waiting.clear()
        self._boots.shutdown(wait=True)
        self._others.shutdown(wait=True)
        try:
            self._runtime.stop(self._labels)
        finally:
            self._runtime.close()
