"""What a VM is made from: ``InstanceProperties`` checked once and shared by all VMs made of them.

An instance body, a template and a bulk request all give the same fields; 1,000 VMs of one template
hold one blueprint.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from provision.emulator.dials import draw
from provision.emulator.gce import errors
from provision.emulator.gce.catalogue import MachineType
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.models import disks, fits, gpus, machine_types, metadata
from provision.emulator.gce.world import GLOBAL, Json, Project, last

DEFAULT_DISK = "pd-standard"
MAX_DISKS = 128
Drawn = TypeVar("Drawn")
LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")
LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}\Z")


@dataclass(frozen=True)
class Blueprint:
    """Checked properties. ``kind`` is the machine type; ``source`` the properties as given."""

    kind: MachineType
    source: Json = field(repr=False)
    _drawn: dict[tuple[object, ...], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def once(self, key: tuple[object, ...], draw: Callable[[], Drawn]) -> Drawn:
        """What VMs made of it show alike, drawn for the first of them; not to be changed."""
        if key not in self._drawn:
            self._drawn[key] = draw()
        found: Drawn = self._drawn[key]
        return found

    @cached_property
    def scheduling(self) -> Json:
        """``scheduling`` with Google's defaults filled in."""
        given = dict(self.source.get("scheduling") or {})
        spot = given.get("provisioningModel") == "SPOT" or given.get("preemptible", False)
        defaults = {
            "onHostMaintenance": "TERMINATE" if spot else "MIGRATE",
            "automaticRestart": not spot,
            "preemptible": spot,
            "provisioningModel": "SPOT" if spot else "STANDARD",
        }
        return defaults | given

    @property
    def spot(self) -> bool:
        """Whether it may be preempted."""
        return (
            bool(self.scheduling["preemptible"]) or self.scheduling["provisioningModel"] == "SPOT"
        )

    @property
    def lifetime(self) -> float | None:
        """``maxRunDuration`` in seconds."""
        duration = self.scheduling.get("maxRunDuration")
        return float(duration.get("seconds", 0)) if duration else None

    @property
    def disks(self) -> list[Json]:
        """Attached disks as given."""
        return list(self.source.get("disks") or [])

    @property
    def interfaces(self) -> list[Json]:
        """Network interfaces as given."""
        return list(self.source.get("networkInterfaces") or [])

    @cached_property
    def items(self) -> Mapping[str, str]:
        """Metadata by key."""
        return metadata.pairs(self.source.get("metadata"))

    def charges(self, region: str, cloud: Cloud, project: Project) -> dict[tuple[str, str], float]:
        """What one VM counts for in the quotas, disks and addresses apart."""
        cpus = float(self.kind.cpus)
        metric = self.kind.metric
        if metric == "CPUS_PER_VM_FAMILY":
            metric = f"{metric}:{self.kind.family}"
        if self.spot and cloud.quota.limit(region, "PREEMPTIBLE_CPUS"):
            metric = "PREEMPTIBLE_CPUS"
        charges = {
            (region, metric): cpus,
            (GLOBAL, "CPUS_ALL_REGIONS"): cpus,
            (region, "INSTANCES"): 1.0,
        }
        return charges | gpus.charges(self.kind, self.source, region, self.spot)


def blueprint(cloud: Cloud, project: Project, source: Json, where: str = "resource") -> Blueprint:
    """Check the properties. ``where`` is the field's name in errors. Raises ApiError."""
    name = source.get("machineType")
    if not name:
        raise errors.required(f"{where}.machineType")
    kind = machine_types.find(cloud, last(name))
    if kind is None:
        raise errors.invalid(
            f"{where}.machineType", name, "The referenced resource does not exist."
        )
    _check_disks(cloud, project, source.get("disks") or [], where)
    interfaces = source.get("networkInterfaces") or []
    if not interfaces:
        raise errors.invalid(
            f"{where}.networkInterfaces", "", "At least one network interface is required."
        )
    metadata.check(source.get("metadata"), f"{where}.metadata")
    check_labels(source.get("labels"), f"{where}.labels")
    _check_scheduling(cloud, source.get("scheduling") or {}, where)
    return Blueprint(kind, source)


def for_vms(cloud: Cloud, project: Project, source: Json, where: str = "resource") -> Blueprint:
    """The same, and what Google refuses only where VMs are made, not in a template. Raises ApiError."""
    made = blueprint(cloud, project, source, where)
    fits.check(cloud, project, made.kind, source, where)
    gpus.check(cloud, project, made.kind, source, where)
    policy, name = made.scheduling["onHostMaintenance"], made.kind.name
    if policy == "TERMINATE":
        if made.kind.family == "e2" and not made.spot:
            message = "e2 instances do not support onHostMaintenance=TERMINATE unless they are preemptible."
            raise errors.ApiError(400, "badRequest", message)
    elif gpus.of(made.kind, source):
        message = "Instances with guest accelerators do not support live migration."
        raise errors.ApiError(400, "badRequest", message)
    elif machine_types.TERMINATE_ONLY.fullmatch(name):
        raise errors.invalid(
            f"{where}.scheduling.onHostMaintenance", policy,
            "This machine type only supports on_host_maintenance = OnHostMaintenance.TERMINATE.",
        )  # fmt: skip
    return made


def _check_disks(cloud: Cloud, project: Project, given: list[Json], where: str) -> None:
    if not given:
        raise errors.invalid(f"{where}.disks", "", "At least one disk is required.")
    if len(given) > MAX_DISKS:
        raise errors.invalid(
            f"{where}.disks", len(given), f"At most {MAX_DISKS} disks are allowed."
        )
    if sum(1 for disk in given if disk.get("boot")) > 1:
        raise errors.invalid(f"{where}.disks", "", "Boot disk must be specified only once.")
    for index, disk in enumerate(given):
        if not disk.get("source") and disk.get("type") != "SCRATCH":
            disks.check_params(cloud, project, disk, f"{where}.disks[{index}]")


def _check_scheduling(cloud: Cloud, given: Json, where: str) -> None:
    duration = given.get("maxRunDuration")
    if duration is not None:
        seconds = float(duration.get("seconds", 0))
        floor = draw(cloud.dials.max_duration_floor, cloud.world.chance("floor"))
        if not floor <= seconds <= 120 * 86400:
            raise errors.invalid(
                f"{where}.scheduling.maxRunDuration", f"{seconds:.0f}s",
                f"Max run duration must be between {floor:.0f} seconds and 120 days.",
            )  # fmt: skip
        if not given.get("instanceTerminationAction"):
            raise errors.invalid(
                f"{where}.scheduling.instanceTerminationAction", "",
                "An instance termination action must be specified with a max run duration.",
            )  # fmt: skip
        if given.get("preemptible") and given.get("provisioningModel") != "SPOT":
            raise errors.invalid(
                f"{where}.scheduling.maxRunDuration", f"{seconds:.0f}s",
                "Max run duration is not supported for preemptible instances.",
            )  # fmt: skip


def check_labels(labels: Any, where: str) -> None:
    """Labels as Google allows them: lower case, at most 64, 63 characters each."""
    given = labels or {}
    if len(given) > 64:
        raise errors.invalid(where, len(given), "At most 64 labels are allowed.")
    for key, value in given.items():
        if not LABEL.match(key):
            raise errors.invalid(
                where, key,
                "Label keys must match the regular expression '[a-z][a-z0-9_-]{0,62}'.",
            )  # fmt: skip
        if not LABEL_VALUE.match(value):
            raise errors.invalid(
                where, value, "Label values must match the regular expression '[a-z0-9_-]{0,63}'."
            )
