"""The APIs that can be emulated: one dict. Nothing else at this level names one."""

from collections.abc import Callable, Mapping

from provision.emulator.emulator import Kind


def _gce() -> Kind:
    from provision.emulator.gce.making import GCE

    return GCE


APIS: Mapping[str, Callable[[], Kind]] = {"gce": _gce}
"""Each is imported when it is asked for."""
FIRST = next(iter(APIS))
"""What is meant where nobody says."""
