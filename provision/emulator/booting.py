"""Emulated VMs as machines of this host: the adapter between the world's one thread and a runtime.

Boots are taken together (a runtime starts several at a time), and so are kills; all blocking work is
done by threads of its own, and callbacks come back on the event loop.
"""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from provision.emulator import owners
from provision.emulator.machines import Order
from provision.errors import ProvisionError
from provision.events import Emit, Event, Warned, ignore
from provision.runtime import Boot, MachineRuntime, Network

TOGETHER = 128
"""Boots handed to the runtime at a time."""
LINGER = 30.0
"""Seconds that a network stays after its last machine: a group that is recreated needs it at once."""
Room = Callable[[int], None]
"""Makes room on this host for that many machines of ours; raises ProvisionError where it cannot."""
log = logging.getLogger(__name__)


def _enough(machines: int) -> None:
    """There is room for any number."""


class HostNetworks:
    """The host's networks for an emulator's subnetworks, each made when the first VM needs it."""

    def __init__(self, runtime: MachineRuntime, owner: str) -> None:
        self._runtime, self._owner = runtime, owner
        self._names: dict[str, str] = {}
        self._made = 0

    def of(self, order: Order) -> str:
        """The name of the one that the VM stands on.

        Raises:
            ProvisionError: there cannot be one on this host.
        """
        if order.network not in self._names:
            self._made += 1
            name = f"vm-{self._owner.partition('-')[0]}-{self._made}"
            taken = self._runtime.taken(order.subnet, name)
            if taken:
                raise ProvisionError(
                    f"the subnetwork {order.subnet} cannot stand on this host ({taken})",
                    "create a subnetwork with another range",
                )
            marks = {owners.LABEL: self._owner, owners.NETWORK: name}
            self._runtime.ensure_network(Network(name, order.subnet, marks))
            self._names[order.network] = name
        return self._names[order.network]

    def release(self, network: str) -> None:
        """Its bridge, its namespace and its process go, where it was made."""
        if network in self._names:
            marks = {owners.LABEL: self._owner, owners.NETWORK: self._names[network]}
            self._runtime.stop(marks)
            del self._names[network]


class RuntimeMachines:
    """Boots orders by a runtime. Make it on the loop's own thread; ``close`` removes everything."""

    def __init__(
        self, runtime: MachineRuntime, owner: str, room: Room = _enough, emit: Emit = ignore
    ) -> None:
        self._runtime, self._owner, self._room, self._tell = runtime, owner, room, emit
        self._standing: dict[str, str] = {}
        """The network that each machine stands on, '' for none."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[str, tuple[Order, Callable[[str], None]]] = {}
        self._queue = threading.Lock()
        self._networks = HostNetworks(runtime, owner)
        self._dying: deque[tuple[str, Callable[[], None]]] = deque()
        self._lock = threading.Lock()
        self._boots = ThreadPoolExecutor(1, "boots")
        self._kills = ThreadPoolExecutor(1, "kills")
        self._others = ThreadPoolExecutor(4, "consoles")
        self._closed = False

    @property
    def _labels(self) -> Mapping[str, str]:
        return {owners.LABEL: self._owner}

    def _name(self, key: str) -> str:
        """A VM's name on this host: ids of VMs are unique only within one emulator."""
        return f"vm-{self._owner.partition('-')[0]}-{key.replace('.', '-')}"

    def boot(self, order: Order, booted: Callable[[str], None]) -> None:
        """Queue it; the next free turn boots all that wait."""
        self._loop = asyncio.get_running_loop()
        with self._queue:
            self._waiting[order.key] = (order, booted)
        self._boots.submit(self._turn)

    def _turn(self) -> None:
        with self._queue:
            batch = [self._waiting.pop(key) for key in list(self._waiting)[:TOGETHER]]
        if not batch:
            return
        with self._lock:
            failed = self._start([order for order, _ in batch])
        for order, booted in batch:
            self._back(booted, failed.get(self._name(order.key), ""))

    def _start(self, orders: list[Order]) -> dict[str, str]:
        try:
            for order in orders:
                self._standing[order.key] = order.network if order.connected else ""
            self._room(len(self._standing))
            boots = [self._boot(order) for order in orders]
            return self._runtime.start(boots, self._warn)
        except ProvisionError as error:
            log.error("machines did not boot: %s", error)
            return {self._name(order.key): str(error) for order in orders}

    def _warn(self, event: Event) -> None:
        """Nobody watches single boots; trouble is for all to know."""
        if isinstance(event, Warned):
            self._tell(event)

    def _boot(self, order: Order) -> Boot:
        return Boot(
            name=self._name(order.key),
            user_data=order.user_data or "#cloud-config\n{}\n",
            instance_id=order.instance_id,
            address=order.address,
            network=self._networks.of(order) if order.connected else "",
            labels={**self._labels, owners.VM: order.key},
            hostname=order.hostname,
            external=order.external if order.connected else "",
        )

    def _back(self, call: Callable[..., None], *args: object) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(call, *args)

    def kill(self, key: str, gone: Callable[[], None]) -> None:
        """Remove it; one that still waits for its boot never boots."""
        self._loop = asyncio.get_running_loop()
        with self._queue:
            waited = self._waiting.pop(key, None)
        if waited:
            gone()
            return
        self._dying.append((key, gone))
        self._kills.submit(self._kill_all)

    def _kill_all(self) -> None:
        batch = [self._dying.popleft() for _ in range(len(self._dying))]
        if not batch or self._closed:
            return
        with self._lock:
            try:
                self._runtime.stop(self._labels, [self._name(key) for key, _ in batch])
                left = {self._standing.pop(key, "") for key, _ in batch} - {""}
            except ProvisionError as error:
                log.error("machines did not go: %s", error)
                left = set()
        for _, gone in batch:
            self._back(gone)
        for network in left:
            self._back(self._linger, network)

    def _linger(self, network: str) -> None:
        """On the loop: look at it again when its last machine is gone for a while."""
        if network not in self._standing.values() and not self._closed:
            asyncio.get_running_loop().call_later(LINGER, self._release_soon, network)

    def _release_soon(self, network: str) -> None:
        with contextlib.suppress(RuntimeError):  # everything has gone already
            self._kills.submit(self._release, network)

    def _release(self, network: str) -> None:
        """It goes, unless somebody stands there again."""
        with self._lock:
            if self._closed or network in self._standing.values():
                return
            try:
                self._networks.release(network)
            except ProvisionError as error:
                log.error("a network did not go: %s", error)

    async def console(self, key: str) -> str:
        """What its console holds."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._others, self._runtime.console, self._name(key))

    def close(self) -> None:
        """Remove every machine and network of this emulator. Raises ``RuntimeFailure``."""
        self._closed = True
        with self._queue:
            self._waiting.clear()
        for pool in (self._boots, self._kills, self._others):
            pool.shutdown(wait=True)
        try:
            self._runtime.stop(self._labels)
        finally:
            self._runtime.close()
