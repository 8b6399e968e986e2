"""Machines as namespaces: :class:`provision.runtime.MachineRuntime` by forks of one zygote."""

import hashlib
import ipaddress
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from provision.errors import RuntimeFailure
from provision.events import Emit, Progress
from provision.labels import CLUSTER
from provision.runtime import Boot, HostCheck, Network, Running, State
from provision.runtimes import addresses, removal
from provision.runtimes.container.engine import Engine
from provision.runtimes.light import ending, host, root
from provision.runtimes.light.booting import Boots
from provision.runtimes.light.records import (
    MACHINES,
    NETWORKS,
    STATE,
    HostRecord,
    Records,
)

CONSOLE_BYTES = 400_000
"""Of a console that is longer, the last part is read."""


def _connect() -> Engine:
    """Imports the engine's SDK only when the image is not unpacked yet."""
    from provision.runtimes.container.connect import connect

    return connect()


class LightRuntime:
    """See :class:`~provision.runtime.MachineRuntime` for what each call promises.

    Needs root. Making the object costs nothing and never fails. Calls from several threads are taken
    one after the other where they boot machines.
    """

    def __init__(self, connect: Callable[[], Engine] = _connect, state: Path = STATE) -> None:
        self._connect = connect
        self._records = Records(state)
        self._boots = Boots(self._records)
        self._lock = threading.Lock()

    def check(self, machines: int, publish: Sequence[int] = ()) -> list[HostCheck]:
        """Root, kernel, memory, disk and kernel limits; see ``host.py``."""
        return host.checks(machines, publish, len(self._records.find(MACHINES, {})))

    def prepare(self, emit: Emit) -> None:
        """Unpack the node image where it is not here yet; needs a container engine only then."""
        if root.folder().is_dir():
            return
        with closing(self._connect()) as engine:
            root.ensure(engine, emit, [record.root for record in self._records.find(MACHINES, {})])

    def taken(self, subnet: str, adopt: str = "") -> str:
        """Who uses part of the subnet; a network named ``adopt`` of just that subnet is no one."""
        networks = self._records.find(NETWORKS, {})
        return addresses.taken(subnet, networks, addresses.read_host(), adopt)

    def ensure_network(self, network: Network) -> None:
        """Create or adopt; raises where the name stands for another subnet."""
        wanted = ipaddress.IPv4Network(network.subnet)
        before = self._records.get(NETWORKS, network.name)
        if before is not None and before.process is not None and before.process.alive():
            if ipaddress.IPv4Network(before.subnet) == wanted:
                return
            raise RuntimeFailure(
                f"the network {network.name} exists with {before.subnet} where {network.subnet} is"
                " asked",
                "remove it with 'provision down', or choose another name",
            )
        leg = "pl" + hashlib.sha256(network.name.encode()).hexdigest()[:10]
        record = HostRecord(network.name, dict(network.labels), subnet=network.subnet, leg=leg)
        with self._lock:
            folder = self._records.write(NETWORKS, record)
            try:
                self._boots.network(
                    name=network.name, leg=leg, gateway=str(wanted[1]), prefix=wanted.prefixlen
                )
            except BaseException:
                ending.networks(self._records, [replace(record, folder=folder)])
                raise

    def start(self, machines: Sequence[Boot], emit: Emit) -> dict[str, str]:
        """Fork them one after the other, a few executing at a time."""
        failed: dict[str, str] = {}
        started = 0

        def done(name: str, reason: str) -> None:
            nonlocal started
            started += 1
            if reason:
                failed[name] = reason
            emit(Progress(step="start", done=started, total=len(machines)))

        with self._lock:
            networks = {record.name: record for record in self._records.find(NETWORKS, {})}
            fresh = []
            for boot in machines:
                before = self._records.get(MACHINES, boot.name)
                wrong = _wrong(boot, networks, before)
                if wrong or (before and before.state is State.RUNNING):
                    done(boot.name, wrong)
                else:
                    ending.machines(self._records, [before] if before else [])
                    fresh.append(boot)
            self._boots.boot(fresh, networks, done, emit)
        return failed

    def running(self, labels: Mapping[str, str]) -> list[Running]:
        """Read from the records and /proc."""
        return [
            Running(
                name=record.name,
                labels=record.labels,
                address=record.address,
                state=record.state,
                started=record.started,
            )
            for record in self._records.find(MACHINES, labels)
        ]

    def console(self, name: str) -> str:
        """The console's last :data:`CONSOLE_BYTES`."""
        try:
            with (self._records.folder(MACHINES, name) / "console").open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - CONSOLE_BYTES))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def stop(self, labels: Mapping[str, str], names: Sequence[str] | None = None) -> list[str]:
        """Kill PID 1 of each, machines first, then networks."""
        gone: dict[str, None] = {}
        wanted = None if names is None else set(names)

        def remaining() -> list[str]:
            chosen = [
                record
                for record in self._records.find(MACHINES, labels)
                if wanted is None or record.name in wanted
            ]
            left = ending.machines(self._records, chosen)
            gone.update(dict.fromkeys(record.name for record in chosen))
            if names is None and not left:
                networks = self._records.find(NETWORKS, labels)
                left = ending.networks(self._records, networks)
                gone.update(dict.fromkeys(record.name for record in networks))
            # Looked at again after each round: another process may still be starting machines.
            return left or ([""] if chosen else [])

        removal.until_gone(remaining, 0.05)
        return list(gone)

    def leftovers(self, labels: Mapping[str, str]) -> list[tuple[str, str, Mapping[str, str]]]:
        """Machines and networks; the unpacked image is a cache and no leftover."""
        return [
            (kind, record.name, record.labels)
            for kind, where in (("machine", MACHINES), ("network", NETWORKS))
            for record in self._records.find(where, labels)
        ]

    def close(self) -> None:
        """End the zygote; machines go on."""
        with self._lock:
            self._boots.close()


def _wrong(boot: Boot, networks: Mapping[str, HostRecord], before: HostRecord | None) -> str:
    """Why the machine cannot stand where it is to, '' where it can."""
    if before and before.labels.get(CLUSTER) != boot.labels.get(CLUSTER):
        owner = before.labels.get(CLUSTER)
        whose = f"the cluster {owner}" if owner else "someone else"
        return f"a machine named {boot.name} exists already and belongs to {whose}"
    if not boot.network:
        return ""
    network = networks.get(boot.network)
    if network is None or network.process is None:
        return f"there is no network {boot.network}"
    if ipaddress.IPv4Address(boot.address) not in ipaddress.IPv4Network(network.subnet):
        return f"its address {boot.address} is not in {network.subnet}"
    return ""
