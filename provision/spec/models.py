"""What the user asks for: frozen models of a spec, unknown keys refused.

A spec is YAML in the manner of::

    name: demo
    cloud: local                      # or {kind: gce, region: us-central1, …}
    scheduler: slurm
    groups: {worker: {nodes: 8}}
    ready: {quorum: 1.0, deadline: 5m}
    ttl: 4h

The models hold values only; reading files and naming lines is :mod:`provision.spec.reader`. What a
``cloud`` may be is :mod:`provision.spec.clouds`.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from provision.names import LABEL, NAME_MAX
from provision.spec.clouds import Cloud, DiskType, LocalCloud, MachineType, Model

GROUP_MAX = 20
NODES_MAX = 65_000
"""Most nodes in one cluster: slurmctld's MaxNodeCount ends at 65,536 (slurm.conf man page)."""
DURATION_MAX = 365 * 86400
DURATION_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _dns_label(value: str) -> str:
    if not LABEL.fullmatch(value):
        raise ValueError(
            "must be a DNS label: lower-case letters, digits and '-', starting with a letter, "
            "not ending with '-'"
        )
    return value


def duration_of(value: object) -> int:
    """Seconds of ``5m`` and the like; the range is checked here for one sentence on all of it."""
    seconds = value if isinstance(value, int) and not isinstance(value, bool) else 0
    if isinstance(value, str):
        found = re.fullmatch(r"([0-9]{1,9})\s*([smhd])", value.strip())
        seconds = int(found[1]) * DURATION_UNITS[found[2]] if found else 0
    if not 0 < seconds <= DURATION_MAX:
        raise ValueError("must be a duration from 1s to 365d, such as 90s, 5m, 4h or 2d")
    return seconds


def duration_text(seconds: int) -> str:
    """The shortest exact spelling of a duration: ``14400`` is ``4h``."""
    for unit, size in reversed(DURATION_UNITS.items()):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


Label = Annotated[str, AfterValidator(_dns_label)]
Seconds = Annotated[int, BeforeValidator(duration_of), PlainSerializer(duration_text)]


def _cloud_by_name(value: object) -> object:
    """``cloud: gce`` is short for ``cloud: {kind: gce}``; a mapping without a kind is this machine."""
    if isinstance(value, str):
        return {"kind": value}
    return {"kind": "local", **value} if isinstance(value, dict) else value


class Group(Model):
    """Machines of one kind.

    ``user_data`` (any text that cloud-init takes, or base64 of its gzip) is done beside what we boot
    them with. The rest is for clouds that offer it: ``machine_types`` (best first; the cloud takes
    what it has), ``spot`` machines, which it may take back, ``disk_gb`` and ``disk_type`` of the
    boot disk.
    """

    nodes: Annotated[int, Field(ge=1, le=NODES_MAX)]
    user_data: str = ""
    machine_types: Annotated[tuple[MachineType, ...], Field(strict=False, max_length=10)] = ()
    spot: bool = False
    disk_gb: Annotated[int, Field(ge=10, le=65_536)] | None = None
    disk_type: DiskType | None = None


class Controller(Model):
    """The machine that runs the scheduler; ``user_data`` as of a group."""

    user_data: str = ""


class Slurm(Model):
    """Slurm's own settings: ``conf`` are lines of slurm.conf that stand after ours."""

    conf: Annotated[str, Field(max_length=65_536)] = ""


class Ready(Model):
    """When the cluster counts as ready.

    ``quorum`` is the share of nodes that must have joined (default 1.0 up to 50 nodes, 0.98 above)
    by ``deadline`` seconds after the create; a machine that has not joined ``replace_after``
    seconds after it started is replaced once. A node whose own user-data failed is ``reported``, or does
    not count where it is ``required``.
    """

    quorum: Annotated[float, Field(gt=0, le=1)] | None = None
    deadline: Seconds = 600
    replace_after: Seconds = 180
    user_data: Literal["reported", "required"] = "reported"


class Spec(Model):
    """A whole spec; see the module's text for an example."""

    name: Annotated[Label, Field(max_length=NAME_MAX)] = "cluster"
    cloud: Annotated[Cloud, BeforeValidator(_cloud_by_name)] = LocalCloud()
    scheduler: Literal["slurm"] = "slurm"
    groups: Annotated[
        dict[Annotated[Label, Field(max_length=GROUP_MAX)], Group], Field(min_length=1)
    ]
    controller: Controller = Controller()
    slurm: Slurm = Slurm()
    ready: Ready = Ready()
    ttl: Seconds | None = None
