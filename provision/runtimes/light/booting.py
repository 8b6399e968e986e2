"""Light machines booted by a zygote, and by another one where that falls silent."""

import ipaddress
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from provision.errors import RuntimeFailure
from provision.events import Emit, Warned
from provision.runtime import Boot
from provision.runtimes.light import ending, root
from provision.runtimes.light.records import MACHINES, HostRecord, Records
from provision.runtimes.light.zygote import AHEAD, SilentZygote, Zygote

SLOTS = (os.cpu_count() or 1) + 1
"""Machines that execute their user-data at a time: one more than cores, as each waits now and then."""
TRIES = 3
"""Zygotes that may fall silent over the same machines."""
PAUSE = 10.0
"""Seconds after the first silence; twice as long after each further one."""


class Boots:
    """Orders for a zygote, which is started with the first of them. For one thread at a time."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._zygote: Zygote | None = None

    def network(self, *, name: str, leg: str, gateway: str, prefix: int) -> None:
        """Have a network made."""
        try:
            self._started().network(name=name, leg=leg, gateway=gateway, prefix=prefix)
        except SilentZygote:
            self.close()
            raise

    def boot(
        self,
        boots: Sequence[Boot],
        networks: Mapping[str, HostRecord],
        done: Callable[[str, str], None],
        emit: Emit,
    ) -> None:
        """Boot them; ``done`` is told each one's name, and why it did not boot or ''.

        Raises:
            SilentZygote: as many zygotes as may have fallen silent.
        """
        answered: set[str] = set()

        def booted(name: str, reason: str) -> None:
            answered.add(name)
            if reason:
                folder = self._records.folder(MACHINES, name)
                self._records.forget([HostRecord(name, {}, folder=folder)])
            done(name, reason)

        for tries in itertools.count(1):
            if not boots:
                return
            try:
                self._started(tries).boot(self._orders(boots, networks), booted)
                return
            except SilentZygote as silent:
                self.close()
                boots = [boot for boot in boots if boot.name not in answered]
                self._drop(boots)
                if tries == TRIES:
                    raise
                emit(Warned(text=_again(silent, len(boots), pause := PAUSE * 2 ** (tries - 1))))
                threading.Event().wait(pause)

    def close(self) -> None:
        """End the zygote: machines go on; the next one begins without what this one had to do."""
        zygote, self._zygote = self._zygote, None
        if zygote:
            zygote.close()

    def _drop(self, boots: Sequence[Boot]) -> None:
        """What there is already of machines that are to be booted anew."""
        records = (self._records.get(MACHINES, boot.name) for boot in boots)
        ending.machines(self._records, [record for record in records if record])

    def _orders(
        self, boots: Sequence[Boot], networks: Mapping[str, HostRecord]
    ) -> Iterator[dict[str, object]]:
        """What the zygote is told; a machine's record is there before its order."""
        for boot in boots:
            network = networks.get(boot.network)
            holder = network.process if network else None
            leg = network.leg if network else ""
            subnet = ipaddress.IPv4Network(network.subnet if network else "0.0.0.0/0")
            self._records.write(
                MACHINES,
                HostRecord(
                    boot.name,
                    dict(boot.labels),
                    boot.address,
                    boot.external,
                    leg=leg,
                    root=str(root.folder()),
                ),
            )
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
            ahead = max(1, AHEAD >> (tries - 1) * 2)
            self._zygote = Zygote(root.folder(), self._records.state, slots, ahead)
        return self._zygote


def _again(silent: SilentZygote, machines: int, pause: float) -> str:
    return f"{silent.problem}; {machines} machines are booted in {pause:.0f} s, fewer at a time"
