"""Ways to boot user-data on this host, each an implementation of ``provision.runtime``.

Importing this package imports no engine's SDK, so ``provision --help`` stays fast.
"""

from collections.abc import Callable

from provision.runtime import MachineRuntime
from provision.runtimes.limits import KernelLimit

KINDS = ("container", "light")
"""What ``machines`` may be."""


def runtime_of(kind: str) -> MachineRuntime:
    """The runtime of that kind; nothing is started or looked for until it is used."""
    from provision.runtimes.container.runtime import ContainerRuntime
    from provision.runtimes.light.runtime import LightRuntime

    makers: dict[str, Callable[[], MachineRuntime]] = {
        "container": ContainerRuntime,
        "light": LightRuntime,
    }
    return makers[kind]()


def limits_of(kind: str) -> tuple[KernelLimit, ...]:
    """The kernel limits that machines of that kind share."""
    from provision.runtimes.container import host as container
    from provision.runtimes.light import host as light

    return {"container": container.NEEDS, "light": light.NEEDS}[kind].limits
