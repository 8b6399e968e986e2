"""GPUs: those that come with a machine type, and those that a VM of N1 may attach.

https://cloud.google.com/compute/docs/gpus: N1 (not its shared-core types) takes T4, P4, P100 and V100, each
number of them up to so many vCPUs; A2, A3 and G2 have their own; no other family takes any.
"""

from collections.abc import Callable, Mapping

from provision.emulator.gce import errors
from provision.emulator.gce.catalogue import MachineType
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.world import Json, Project, last

ATTACHED: Mapping[str, Mapping[int, int]] = {
    "nvidia-tesla-t4": {1: 48, 2: 48, 4: 96},
    "nvidia-tesla-p4": {1: 24, 2: 48, 4: 96},
    "nvidia-tesla-p100": {1: 16, 2: 32, 4: 96},
    "nvidia-tesla-v100": {1: 12, 2: 24, 4: 48, 8: 96},
}
"""Most vCPUs by type and number (the page above; the same table in SkyPilot's catalogue)."""


def of(kind: MachineType, source: Json) -> list[tuple[str, int]]:
    """GPUs of a VM by type and number, its machine type's own where it has some."""
    if kind.accelerators:
        return [(name, number) for name, number in kind.accelerators]
    given = source.get("guestAccelerators") or []
    named = [
        (last(each.get("acceleratorType", "")), each.get("acceleratorCount", 0)) for each in given
    ]
    return [(name, number) for name, number in named if number]


def check(cloud: Cloud, project: Project, kind: MachineType, source: Json, where: str) -> None:
    """Refuse GPUs that there are not, or that the machine type does not take. Raises ApiError."""
    for index, given in enumerate(source.get("guestAccelerators") or []):
        link, number = str(given.get("acceleratorType", "")), int(given.get("acceleratorCount", 0))
        name, place = last(link), f"{where}.guestAccelerators[{index}]"
        if name not in cloud.catalogue.data["acceleratorTypes"]:
            zone = f"/{link}".rpartition("/zones/")[2].partition("/")[0]
            path = (
                f"zones/{zone}/acceleratorTypes" if "/zones/" in f"/{link}" else "acceleratorTypes"
            )
            raise errors.not_found(f"projects/{project.name}/{path}/{name}")
        if kind.accelerators:
            if (name, number) not in of(kind, source):
                raise _incompatible(kind, name)
            continue
        if not number:
            continue
        if kind.family not in ("n1", "custom") or name not in ATTACHED:
            raise _incompatible(kind, name)
        if number not in ATTACHED[name]:
            numbers = ", ".join(map(str, ATTACHED[name]))
            raise errors.invalid(f"{place}.acceleratorCount", number, f"Must be one of {numbers}.")
        most = ATTACHED[name][number]
        if kind.cpus > most:
            why = f"With {number} of {name} at most {most} vCPUs; {kind.name} has {kind.cpus}."
            raise errors.invalid(f"{place}.acceleratorCount", number, why)


def _incompatible(kind: MachineType, gpu: str) -> ApiError:
    """Recorded: skypilot-org/skypilot#212."""
    message = f"[{kind.name}, {gpu}] features are not compatible for creating instance."
    return ApiError(400, "badRequest", message)


def shown(link: Callable[[str], str], kind: MachineType, source: Json) -> list[Json]:
    """``guestAccelerators`` of an instance; ``link`` makes a type's from its name."""
    return [
        {"acceleratorType": link(name), "acceleratorCount": number}
        for name, number in of(kind, source)
    ]


def charges(
    kind: MachineType, source: Json, region: str, spot: bool
) -> dict[tuple[str, str], float]:
    """What a VM's GPUs count for in the quotas."""
    result: dict[tuple[str, str], float] = {}
    for name, number in of(kind, source):
        gpu = name.removeprefix("nvidia-").removeprefix("tesla-").replace("-", "_").upper()
        key = (region, f"{'PREEMPTIBLE_' if spot else ''}NVIDIA_{gpu}_GPUS")
        result[key] = result.get(key, 0) + float(number)
    return result
