"""Room on this host for an emulator's machines: kernel limits, raised as VMs come and put back at the end.

How many VMs a client will ask for nobody knows before, so room is made for those that are asked for.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from provision.emulator import owners
from provision.emulator.booting import Room
from provision.errors import ProvisionError
from provision.events import Emit, Noted, Warned
from provision.labels import CLUSTER
from provision.runtime import MachineRuntime
from provision.runtimes import KINDS, limits_of, runtime_of
from provision.runtimes.container.engine import NoEngine
from provision.runtimes.lent import FOLDER, Lent
from provision.runtimes.limits import SYSCTLS

Refused = Callable[[ProvisionError], None]
"""Told why no more machines can boot."""


def ignored(error: ProvisionError) -> None:
    """The warning is enough."""


@contextlib.contextmanager
def held(
    kind: str, runtime: MachineRuntime, emit: Emit, refused: Refused = ignored,
    folder: Path = FOLDER, root: Path = SYSCTLS,
) -> Iterator[Room]:  # fmt: skip
    """What makes room; at the end the limits are as they were, but for what others still need.

    What emulators left that were killed is removed first. Never raises: the runtime's own checks tell what
    is wrong with this host.
    """
    lent = Lent(limits_of(kind), folder, root)
    with contextlib.suppress(ProvisionError):
        owners.clean(runtime)
    others = _here(runtime)

    def raise_for(machines: int) -> None:
        if raised := lent.room(others + machines):
            emit(Noted(text=f"kernel limits raised for these machines: {listed(raised)}"))

    def room(machines: int) -> None:
        try:
            raise_for(machines)
        except ProvisionError as error:
            emit(Warned(text=f"no more VMs boot, {machines} would be too many: {error}"))
            refused(error)
            raise

    try:
        with contextlib.suppress(ProvisionError):
            raise_for(1)
        yield room
    finally:
        if back := lent.back(_here(runtime)):
            emit(Noted(text=f"kernel limits put back: {listed(back)}"))


def clean_all(folder: Path = FOLDER, root: Path = SYSCTLS) -> tuple[list[str], dict[str, int]]:
    """Remove what emulators that were killed have left, of every kind of machine, and put back what they
    had raised; answers what was removed, and the limits.

    A kind that cannot be asked here has left nothing that could go. Raises ``RuntimeFailure``.
    """
    removed: list[str] = []
    here = dict.fromkeys(KINDS, 0)
    for kind in KINDS:
        with contextlib.closing(runtime_of(kind)) as runtime, contextlib.suppress(NoEngine):
            removed += owners.clean(runtime)
            here[kind] = _here(runtime)
    removed += owners.clean_folders()
    lent = {kind: Lent(limits_of(kind), folder, root) for kind in KINDS}
    back: dict[str, int] = {}
    for kind in KINDS:  # some limits are of several kinds
        others = [lent[other].needed(here[other]) for other in KINDS if other != kind]
        back |= lent[kind].back(here[kind], set().union(*others))
    return removed, back


def listed(limits: Mapping[str, int]) -> str:
    """Kernel limits as text."""
    return ", ".join(f"{name}={number}" for name, number in limits.items())


def _here(runtime: MachineRuntime) -> int:
    """Machines of this kind that stand on this host, whoever made them; 0 where nobody can say."""
    with contextlib.suppress(ProvisionError):
        return sum(len(runtime.running({label: ""})) for label in (CLUSTER, owners.LABEL))
    return 0
