"""Kernel limits that containers share: how much N machines need, and the sysctl that gives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from provision.errors import Finding, RuntimeFailure
from provision.runtime import HostCheck

SYSCTLS = Path("/proc/sys")


@dataclass(frozen=True, slots=True)
class Limit:
    """A sysctl: ``base`` plus ``each`` times the machines is needed; ``set_to`` is ample.

    ``also`` are sysctls that must be set with it, in the order the kernel wants them.
    """

    name: str
    base: int
    each: float
    set_to: int
    also: tuple[tuple[str, int], ...] = ()

    def need(self, machines: int) -> int:
        """Least value with which that many machines work."""
        return self.base + round(self.each * machines)

    def settings(self, machines: int) -> list[tuple[str, int]]:
        """What ``sysctl -w`` is to set."""
        return [*self.also, (self.name, max(self.set_to, 2 * self.need(machines)))]


LIMITS = (
    # systemd takes three to four instances a machine; at 128 the 36th container exits with 255.
    Limit("fs.inotify.max_user_instances", 20, 3.5, 8192),
    Limit("fs.inotify.max_user_watches", 4096, 40, 1_048_576),
    # runc makes a session keyring for each container, systemd one for each service's user.
    Limit("kernel.keys.root_maxkeys", 200, 8, 1_000_000),
    Limit("kernel.keys.maxkeys", 20, 1, 20_000, (("kernel.keys.maxbytes", 2_000_000),)),
    # One neighbour table for all network namespaces: each machine knows the gateway, the controller
    # and, while a job starts, a few others; an entry lives a minute.
    Limit(
        "net.ipv4.neigh.default.gc_thresh3",
        256,
        4,
        16_384,
        (("net.ipv4.neigh.default.gc_thresh1", 4096), ("net.ipv4.neigh.default.gc_thresh2", 8192)),
    ),
    # About 15 tasks a machine when idle, twice that while a job starts.
    Limit("kernel.pid_max", 2000, 35, 4_194_304),
)


def read(root: Path = SYSCTLS) -> dict[str, int]:
    """Values of all limits that this kernel has."""
    values = {}
    for limit in LIMITS:
        try:
            values[limit.name] = int((root / limit.name.replace(".", "/")).read_text())
        except (OSError, ValueError):
            continue
    return values


def checks(values: Mapping[str, int], total: int, machines: int) -> list[HostCheck]:
    """One check per limit; ``total`` machines are to run, ``machines`` of them are new."""
    return [
        _check(limit, values[limit.name], total, machines)
        for limit in LIMITS
        if limit.name in values
    ]


def _check(limit: Limit, value: int, total: int, machines: int) -> HostCheck:
    need = limit.need(total)
    detail = f"{limit.name} is {value}, {need} needed for {total} machines"
    if value >= need:
        return HostCheck(limit.name, detail)
    settings = limit.settings(total)
    line = " ".join(f"{name}={number}" for name, number in settings)
    nodes = max(1, machines - 1)
    fix = f"run 'provision doctor --nodes {nodes} --fix' (sudo sysctl -w {line})"
    return HostCheck(
        limit.name, detail, Finding(f"host: {limit.name}", detail, fix), partial(apply, settings)
    )


def apply(settings: list[tuple[str, int]], root: Path = SYSCTLS) -> None:
    """Set the sysctls until the next boot; a value that is higher already stays.

    Raises :class:`~provision.errors.RuntimeFailure` where this user may not.
    """
    for name, number in settings:
        path = root / name.replace(".", "/")
        try:
            if int(path.read_text()) < number:
                path.write_text(f"{number}\n")
        except (OSError, ValueError) as error:
            raise RuntimeFailure(
                f"{name} cannot be set ({error})",
                f"run 'sudo sysctl -w {name}={number}' as a user who may",
            ) from error
