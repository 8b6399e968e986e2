"""Machines as namespaces: :class:`provision.runtime.MachineRuntime` by forks of one zygote."""

import hashlib
import ipaddress
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from provision.errors import RuntimeFailure
from provision.events import Emit, Progress, Warned
from provision.labels import CLUSTER
from provision.runtime import Boot, HostCheck, Network, Running, State
from provision.runtimes import addresses, removal
from provision.runtimes.container.engine import Engine
from provision.runtimes.light import host, root
from provision.runtimes.light.guest.netlink import Netlink
from provision.runtimes.light.records import (
    MACHINES,
    NETWORKS,
    STATE,
    Record,
    Records,
    kill,
)
from provision.runtimes.light.zygote import AHEAD, SilentZygote, Zygote

SLOTS = (os.cpu_count() or 1) + 1
"""Machines that execute their user-data at a time: one more than cores, as each waits now and then."""
TRIES = 3
"""Zygotes that may fall silent over the same machines."""
PAUSE = 10.0
"""Seconds after the first silence; twice as long after each further one."""
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
        self._zygote: Zygote | None = None
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
        record = Record(network.name, dict(network.labels), subnet=network.subnet, leg=leg)
        with self._lock:
            folder = self._records.write(NETWORKS, record)
            try:
                self._started().network(
                    name=network.name, leg=leg, gateway=str(wanted[1]), prefix=wanted.prefixlen
                )
            except BaseException as error:
                if isinstance(error, SilentZygote):
                    self._end_zygote()
                self._remove_networks([replace(record, folder=folder)])
                raise

    def start(self, machines: Sequence[Boot], emit: Emit) -> dict[str, str]:
        """Fork them one after the other, :data:`SLOTS` executing at a time."""
        failed: dict[str, str] = {}
        started = 0

        def done(name: str, reason: str) -> None:
            nonlocal started
            started += 1
            if reason:
                failed[name] = reason
            emit(Progress(step="start", done=started, total=len(machines)))

        answered: set[str] = set()

        def booted(name: str, reason: str) -> None:
            answered.add(name)
            if reason:
                self._records.forget([self._at(name)])
            done(name, reason)

        with self._lock:
            networks = {record.name: record for record in self._records.find(NETWORKS, {})}
            fresh = []
            for boot in machines:
                before = self._records.get(MACHINES, boot.name)
                wrong = _wrong(boot, networks, before)
                if wrong or (before and before.state is State.RUNNING):
                    done(boot.name, wrong)
                else:
                    self._remove_machines([before] if before else [])
                    fresh.append(boot)
            for tries in itertools.count(1):
                if not fresh:
                    break
                try:
                    self._started(tries).boot(self._orders(fresh, networks), booted)
                    break
                except SilentZygote as silent:
                    self._end_zygote()
                    fresh = [boot for boot in fresh if boot.name not in answered]
                    self._drop(fresh)
                    if tries == TRIES:
                        raise
                    emit(Warned(text=_again(silent, len(fresh), pause := PAUSE * 2 ** (tries - 1))))
                    threading.Event().wait(pause)
        return failed

    def _drop(self, boots: Sequence[Boot]) -> None:
        """What there is already of machines that are to be booted anew."""
        records = (self._records.get(MACHINES, boot.name) for boot in boots)
        self._remove_machines([record for record in records if record])

    def _orders(
        self, boots: Sequence[Boot], networks: Mapping[str, Record]
    ) -> Iterator[dict[str, object]]:
        """What the zygote is told; a machine's record is there before its order."""
        for boot in boots:
            network = networks.get(boot.network)
            holder = network.process if network else None
            leg = network.leg if network else ""
            subnet = ipaddress.IPv4Network(network.subnet if network else "0.0.0.0/0")
            self._records.write(
                MACHINES,
                Record(
                    boot.name, dict(boot.labels), boot.address, boot.external, leg=leg,
                    root=str(root.folder()),
                ),
            )  # fmt: skip
            yield {
                "name": boot.name, "host": boot.host, "instance": boot.instance_id,
                "user_data": boot.user_data, "holder": holder.number if holder else 0,
                "address": boot.address, "prefix": subnet.prefixlen, "gateway": str(subnet[1]),
                "external": boot.external, "leg": leg,
            }  # fmt: skip

    def _started(self, tries: int = 1) -> Zygote:
        """The zygote. One that comes after others fell silent is given fewer at a time."""
        if self._zygote is None:
            if not root.folder().is_dir():
                raise RuntimeFailure("the node image is not unpacked", "run the command again")
            slots = SLOTS if tries == 1 else 1
            self._zygote = Zygote(
                root.folder(), self._records.state, slots, max(1, AHEAD >> (tries - 1) * 2)
            )
        return self._zygote

    def _end_zygote(self) -> None:
        """Machines go on; the next one begins without what this one had to do."""
        zygote, self._zygote = self._zygote, None
        if zygote:
            zygote.close()

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
            left = self._remove_machines(chosen)
            gone.update(dict.fromkeys(record.name for record in chosen))
            if names is None and not left:
                networks = self._records.find(NETWORKS, labels)
                left = self._remove_networks(networks)
                gone.update(dict.fromkeys(record.name for record in networks))
            # Looked at again after each round: another process may still be starting machines.
            return left or ([""] if chosen else [])

        removal.until_gone(remaining, 0.05)
        return list(gone)

    def _remove_machines(self, records: Sequence[Record]) -> list[str]:
        left = kill(records, removal.DEADLINE)
        ended = [record for record in records if record.name not in left]
        routed = [record for record in ended if record.external and record.leg]
        if routed:
            with Netlink() as here:
                for record in routed:
                    here.drop_route(record.external)
        self._records.forget(ended)
        return left

    def _remove_networks(self, records: Sequence[Record]) -> list[str]:
        left = kill(records, removal.DEADLINE)
        if records:
            with Netlink() as here:
                for record in records:
                    # It goes with the namespace too, only later.
                    here.drop_link(record.leg)
        self._records.forget([record for record in records if record.name not in left])
        return left

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
            self._end_zygote()

    def _at(self, name: str) -> Record:
        return Record(name, {}, folder=self._records.folder(MACHINES, name))


def _wrong(boot: Boot, networks: Mapping[str, Record], before: Record | None) -> str:
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


def _again(silent: SilentZygote, machines: int, pause: float) -> str:
    return f"{silent.problem}; {machines} machines are booted in {pause:.0f} s, fewer at a time"
