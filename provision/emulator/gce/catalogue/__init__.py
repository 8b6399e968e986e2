"""What Google offers, as data: places, machine types, images and the quotas a project starts with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Region:
    """A region; ``subnet`` is its range in networks with automatic subnetworks (CIDR text)."""

    name: str
    zones: tuple[str, ...]
    subnet: str


@dataclass(frozen=True, slots=True)
class MachineType:
    """A machine type. ``memory_mb`` is in MiB as in the API; ``metric`` the CPU quota it counts in.

    ``metric`` is ``CPUS_PER_VM_FAMILY`` for families that no metric of ``regions.get`` covers.
    """

    name: str
    cpus: int
    memory_mb: int
    metric: str
    shared: bool = False
    accelerators: tuple[tuple[str, int], ...] = ()

    @property
    def family(self) -> str:
        """``n2`` of ``n2-standard-4``."""
        return self.name.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything on offer. ``zones`` maps a zone's name to its region's."""

    regions: Mapping[str, Region]
    zones: Mapping[str, str]
    machine_types: Mapping[str, MachineType]
    data: Mapping[str, Any]
    """The rest as written in ``catalogue.json``: images, disk types, accelerators, quotas."""


@cache
def catalogue() -> Catalogue:
    """Read once."""
    data = json.loads(files(__package__).joinpath("catalogue.json").read_text())
    regions = {
        name: Region(name, tuple(f"{name}-{letter}" for letter in each["zones"]), each["subnet"])
        for name, each in data.pop("regions").items()
    }
    types = {
        name: MachineType(name=name, **each) for name, each in data.pop("machineTypes").items()
    }
    zones = {zone: region.name for region in regions.values() for zone in region.zones}
    return Catalogue(regions, zones, types, data)
