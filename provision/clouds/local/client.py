"""Which runtime of this host boots the machines."""

from provision.runtime import MachineRuntime
from provision.runtimes import runtime_of as runtime_of_kind
from provision.spec.clouds import LocalCloud as LocalSpec


def runtime_of(spec: LocalSpec) -> MachineRuntime:
    """The runtime for the spec's ``machines``; an engine is looked for only when it is used."""
    return runtime_of_kind(spec.machines)
