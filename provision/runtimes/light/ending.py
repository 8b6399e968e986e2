"""Light machines and networks ended: their processes, what they left in the kernel, their records."""

from collections.abc import Sequence

from provision.runtimes import removal
from provision.runtimes.light.guest.netlink import Netlink
from provision.runtimes.light.records import HostRecord, Records, kill


def machines(records: Records, chosen: Sequence[HostRecord]) -> list[str]:
    """End these machines; answers those that would not."""
    left = kill(chosen, removal.DEADLINE)
    ended = [record for record in chosen if record.name not in left]
    routed = [record for record in ended if record.external and record.leg]
    if routed:
        with Netlink() as here:
            for record in routed:
                here.drop_route(record.external)
    records.forget(ended)
    return left


def networks(records: Records, chosen: Sequence[HostRecord]) -> list[str]:
    """End these networks; answers those that would not."""
    left = kill(chosen, removal.DEADLINE)
    if chosen:
        with Netlink() as here:
            for record in chosen:
                # It goes with the namespace too, only later.
                here.drop_link(record.leg)
    records.forget([record for record in chosen if record.name not in left])
    return left
