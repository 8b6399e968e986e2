"""Kernel limits that machines share: how much N machines need, and the sysctl that gives it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from provision.errors import Finding, RuntimeFailure
from provision.runtime import HostCheck

SYSCTLS = Path("/proc/sys")


@dataclass(frozen=True, slots=True)
class KernelLimit:
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


def read(limits: Iterable[KernelLimit], root: Path = SYSCTLS) -> dict[str, int]:
    """Values of those limits, and of what is set with them, that this kernel has."""
    names = [name for limit in limits for name in (limit.name, *(name for name, _ in limit.also))]
    values = {}
    for name in names:
        try:
            values[name] = int(_file(root, name).read_text())
        except (OSError, ValueError):
            continue
    return values


def checks(
    limits: Sequence[KernelLimit],
    values: Mapping[str, int],
    total: int,
    machines: int,
    option: str = "",
) -> list[HostCheck]:
    """One check per limit; ``total`` machines are to run, ``machines`` of them are new.

    ``option`` is what ``provision doctor`` must be told beside the number of nodes.
    """
    return [
        _check(limit, values[limit.name], total, machines, option)
        for limit in limits
        if limit.name in values
    ]


def _check(limit: KernelLimit, value: int, total: int, machines: int, option: str) -> HostCheck:
    need = limit.need(total)
    detail = f"{limit.name} is {value}, {need} needed for {total} machines"
    if value >= need:
        return HostCheck(limit.name, detail)
    settings = limit.settings(total)
    line = " ".join(f"{name}={number}" for name, number in settings)
    command = f"provision doctor --nodes {max(1, machines - 1)}{option} --fix"
    fix = f"run '{command}' (sudo sysctl -w {line})"
    return HostCheck(
        limit.name, detail, Finding(f"host: {limit.name}", detail, fix), partial(apply, settings)
    )


def apply(settings: list[tuple[str, int]], root: Path = SYSCTLS) -> None:
    """Set the sysctls until the next boot; a value that is higher already stays.

    Raises :class:`~provision.errors.RuntimeFailure` where this user may not.
    """
    for name, number in settings:
        try:
            low = int(_file(root, name).read_text()) < number
        except (OSError, ValueError) as error:
            raise _unset(name, number, error) from error
        if low:
            put({name: number}, root)


def put(values: Mapping[str, int], root: Path = SYSCTLS) -> None:
    """Set the sysctls to just these values. Raises as :func:`apply`."""
    for name, number in values.items():
        try:
            _file(root, name).write_text(f"{number}\n")
        except OSError as error:
            raise _unset(name, number, error) from error


def _unset(name: str, number: int, error: Exception) -> RuntimeFailure:
    return RuntimeFailure(
        f"{name} cannot be set ({error})", f"run 'sudo sysctl -w {name}={number}' as a user who may"
    )


def _file(root: Path, name: str) -> Path:
    return root / name.replace(".", "/")


@contextmanager
def raised(limits: Sequence[KernelLimit], machines: int) -> Iterator[None]:
    """Room for that many machines while the block runs; then every value is as it was."""
    before = read(limits)
    try:
        for limit in limits:
            if before.get(limit.name, 0) < limit.need(machines):
                apply(limit.settings(machines))
        yield
    finally:
        now = read(limits)
        put({name: value for name, value in before.items() if now.get(name) != value})
