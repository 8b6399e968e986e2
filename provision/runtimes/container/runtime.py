"""Machines as containers: :class:`provision.runtime.MachineRuntime` over a container engine."""

import ipaddress
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from provision.errors import RuntimeFailure
from provision.events import Emit, Progress
from provision.labels import CLUSTER, matches
from provision.runtime import Boot, HostCheck, Network, Running, State
from provision.runtimes import addresses, removal
from provision.runtimes.container import host, image, node
from provision.runtimes.container.engine import (
    Conflict,
    Container,
    Engine,
    EngineNetwork,
    Gone,
    NotInstalled,
)

T = TypeVar("T")

STARTERS = 3
"""Machines started at a time. Measured on two cores; see docs/runtime.md."""
REMOVERS = 4
"""Machines removed at a time."""
CONSOLE_LINES = 5000


def _connect() -> Engine:
    """Imports the engine's SDK only when an engine is needed."""
    from provision.runtimes.container.connect import connect

    return connect()


class ContainerRuntime:
    """See :class:`~provision.runtime.MachineRuntime` for what each call promises.

    The engine is looked for when it is first needed; making the object costs nothing and never
    fails. Use from one thread; it starts its own.
    """

    def __init__(self, connect: Callable[[], Engine] = _connect) -> None:
        self._connect = connect
        self._found: Engine | None = None
        self._lock = threading.Lock()

    @property
    def _engine(self) -> Engine:
        with self._lock:
            if self._found is None:
                self._found = self._connect()
            return self._found

    @property
    def _installed(self) -> bool:
        """False where no engine was ever here: then nothing of ours is either."""
        try:
            return bool(self._engine)
        except NotInstalled:
            return False

    def check(self, machines: int, publish: Sequence[int] = ()) -> list[HostCheck]:
        """Engine, memory, disk, kernel limits and ports; see ``host.py``."""
        return host.checks(lambda: self._engine, machines, publish)

    def prepare(self, emit: Emit) -> None:
        """Build the node image where it is not here yet."""
        image.ensure(self._engine, emit)

    def taken(self, subnet: str, adopt: str = "") -> str:
        """Who uses part of the subnet; a network named ``adopt`` of just that subnet is no one."""
        return addresses.taken(subnet, self._engine.networks(), addresses.read_host(), adopt)

    def ensure_network(self, network: Network) -> None:
        """Create or adopt; raises where the name stands for another subnet."""
        if self._adopted(network):
            return
        try:
            self._engine.create_network(network.name, network.subnet, network.labels)
        except RuntimeFailure:
            # Another process may have created it since the look.
            if not self._adopted(network):
                raise

    def _adopted(self, network: Network) -> bool:
        same = [other for other in self._engine.networks() if other.name == network.name]
        if not same:
            return False
        wanted = ipaddress.ip_network(network.subnet)
        if wanted in [ipaddress.ip_network(subnet) for subnet in same[0].subnets]:
            return True
        raise RuntimeFailure(
            f"the network {network.name} exists with {', '.join(same[0].subnets) or 'no subnet'}"
            f" where {network.subnet} is asked",
            "remove it with 'provision down', or choose another name",
        )

    def start(self, machines: Sequence[Boot], emit: Emit) -> dict[str, str]:
        """Create, seed and start, :data:`STARTERS` at a time."""
        if not machines:
            return {}
        engine, name = self._engine, image.tag()
        podman = engine.describe().podman
        here = {container.name: container for container in engine.containers()}

        def one(boot: Boot) -> str:
            try:
                _boot(engine, boot, name, here.get(boot.name), podman=podman)
            except RuntimeFailure as failure:
                return str(failure)
            return ""

        failed: dict[str, str] = {}
        started = 0

        def done(boot: Boot, reason: str) -> None:
            nonlocal started
            started += 1
            if reason:
                failed[boot.name] = reason
            emit(Progress(step="start", done=started, total=len(machines)))

        _each(machines, one, STARTERS, done)
        return failed

    def running(self, labels: Mapping[str, str]) -> list[Running]:
        """One list call for any number of machines."""
        if not self._installed:
            return []
        return [node.running(container) for container in self._engine.containers(labels)]

    def console(self, name: str) -> str:
        """The container's log: its last :data:`CONSOLE_LINES` lines."""
        try:
            return self._engine.logs(name, CONSOLE_LINES)
        except Gone:
            return ""

    def stop(self, labels: Mapping[str, str], names: Sequence[str] | None = None) -> list[str]:
        """Remove by force, machines first, then networks."""
        if not self._installed:
            return []
        engine = self._engine
        gone: dict[str, None] = {}

        def remaining() -> list[str]:
            chosen = [c for c in engine.containers(labels) if names is None or c.name in names]
            errors = _remove_each(engine.remove, [container.ident for container in chosen])
            gone.update(dict.fromkeys(container.name for container in chosen))
            if names is None and not errors:
                networks = [network.name for network in self._networks(labels)]
                errors = _remove_each(engine.remove_network, networks)
                gone.update(dict.fromkeys(networks))
            # Looked at again after each round: another process may still be starting machines.
            return errors or ([""] if chosen else [])

        removal.until_gone(remaining, 0.1)
        return list(gone)

    def _networks(self, labels: Mapping[str, str]) -> list[EngineNetwork]:
        return [net for net in self._engine.networks() if matches(net.labels, labels)]

    def leftovers(self, labels: Mapping[str, str]) -> list[tuple[str, str, Mapping[str, str]]]:
        """Containers and networks; the node image is a cache and no leftover."""
        if not self._installed:
            return []
        containers = self._engine.containers(labels)
        return [
            *(("container", container.name, container.labels) for container in containers),
            *(("network", network.name, network.labels) for network in self._networks(labels)),
        ]

    def close(self) -> None:
        """End Podman's service where this process had started it; a later call finds one anew."""
        with self._lock:
            engine, self._found = self._found, None
        if engine:
            engine.close()


def _boot(engine: Engine, boot: Boot, name: str, before: Container | None, *, podman: bool) -> None:
    """Boot one machine, unless it runs already. Raises ``RuntimeFailure``."""
    if before is not None:
        if before.labels.get(CLUSTER) != boot.labels.get(CLUSTER):
            owner = before.labels.get(CLUSTER)
            raise Conflict(
                f"a container named {boot.name} exists already and belongs to "
                + (f"the cluster {owner}" if owner else "someone else"),
                "remove it, or choose another cluster name",
            )
        if node.running(before).state is State.RUNNING:
            return
        engine.remove(before.ident)
    ident = engine.create(boot.name, node.config(boot, name, podman=podman))
    engine.put(ident, node.SEED_PARENT, node.seed(boot))
    engine.start(ident)


def _remove_each(remove: Callable[[str], None], idents: Sequence[str]) -> list[str]:
    """Remove each by its id or name; answers the reasons of those that failed."""

    def one(ident: str) -> str:
        try:
            remove(ident)
        except RuntimeFailure as failure:
            return str(failure)
        return ""

    return [reason for reason in _each(idents, one, REMOVERS, lambda _ident, _why: None) if reason]


def _each(
    things: Sequence[T], one: Callable[[T], str], threads: int, done: Callable[[T, str], None]
) -> list[str]:
    """``one`` of each thing, ``threads`` at a time; ``done`` is called here as each one ends.

    Whatever ends the wait (Ctrl-C) also keeps those from starting that have not yet.
    """
    pool = ThreadPoolExecutor(threads)
    try:
        futures = {pool.submit(one, thing): thing for thing in things}
        for future in as_completed(futures):
            done(futures[future], future.result())
        return [future.result() for future in futures]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
