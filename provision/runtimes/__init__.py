"""Ways to boot user-data on this host, each an implementation of ``provision.runtime``.

Importing this package imports no engine's SDK, so ``provision --help`` stays fast.
"""

from collections.abc import Callable

from provision.runtime import MachineRuntime

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
