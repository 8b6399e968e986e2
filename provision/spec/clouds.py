"""What a spec's ``cloud`` may be: one frozen model per kind."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic_core import CoreSchema, core_schema

from provision.names import ENDLESS

PRIVATE = tuple(
    ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
"""RFC 1918. ``is_private`` would allow loopback and documentation ranges too."""
GCE_IMAGE = "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64"
"""Ubuntu's images on GCE carry cloud-init; Debian's do not (facts/clouds.md)."""


ANYWHERE = "anywhere"
"""The ``ssh_from`` that lets everyone reach the controller's SSH; 0.0.0.0/0 is refused as a likely slip."""
WIDEST = 8
"""Shortest prefix of another ``ssh_from``: no private or assigned block is larger."""


class Model(BaseModel):
    """Base of all spec models: frozen, exact types, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _private_subnet(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        raise ValueError("must be an IPv4 subnet such as 10.99.0.0/20, with no host bits") from None
    private = any(network.subnet_of(block) for block in PRIVATE)
    if not private or network.prefixlen > 28:
        raise ValueError("must be a private IPv4 subnet of /28 or larger, such as 10.99.0.0/20")
    return value


def _callers(value: str) -> str:
    """A range that may reach SSH; the whole internet only where the spec says so in a word."""
    if value == ANYWHERE:
        return value
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        raise ValueError("must be an IPv4 range such as 203.0.113.7/32") from None
    if network.prefixlen < WIDEST:
        raise ValueError(
            f"must be a range of /{WIDEST} or smaller, or '{ANYWHERE}' to let the whole internet try"
        )
    return str(network)


@dataclass(frozen=True, slots=True)
class Word:
    """Text of this form; ``what`` says it to people, and the pattern stands in the JSON Schema."""

    pattern: str
    what: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The text's own schema, and the check after it."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """With the pattern, as JSON Schema writes one that is for the whole text."""
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}

    def _checked(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise ValueError(f"must be {self.what}")
        return value


Subnet = Annotated[str, AfterValidator(_private_subnet)]
Project = Annotated[str, Word(r"[a-z0-9.:-]{1,80}", "a project's id, such as my-project-1234")]
Region = Annotated[str, Word(r"[a-z]+-[a-z]+[0-9]+", "a region such as us-central1")]
Zone = Annotated[str, Word(r"[a-z]+-[a-z]+[0-9]+-[a-z]", "a zone such as us-central1-a")]
MachineType = Annotated[str, Word(r"[a-z][a-z0-9-]{0,62}", "a machine type such as e2-standard-2")]
Image = Annotated[
    str,
    Word(
        r"(projects/[^/\s]+/global/images/)?(family/)?[a-z0-9-]{1,63}",
        "an image such as my-image, family/my-family or projects/P/global/images/family/F",
    ),
]
LabelKey = Annotated[
    str, Word(r"[a-z][a-z0-9_-]{0,62}", "a label key: lower-case letters, digits, _ and -")
]
LabelValue = Annotated[
    str, Word(r"[a-z0-9_-]{0,63}", "a label value: lower-case letters, digits, _ and -")
]
Url = Annotated[str, Word(r"https?://[^\s/?#@]+/?", "a URL such as http://127.0.0.1:8080")]
DiskType = Annotated[str, Word(r"[a-z][a-z0-9-]{0,62}", "a disk type such as pd-balanced")]


@dataclass(frozen=True, slots=True)
class Traits:
    """Facts about a kind of cloud: what plans, checks and messages stand on instead of its name."""

    per_group: int = ENDLESS
    """Machines that one group may hold."""
    place: tuple[str, ...] = ()
    """Keys of the model that say where it is, beside the kind."""
    gives_addresses: bool = False
    """Whether the cloud chooses the addresses of workers; else the plan does."""
    reserved_addresses: int = 0
    """Addresses of a subnet that the cloud keeps for itself, where it gives them."""
    hardware: tuple[str, ...] = ()
    """Keys with which a group says what its machines are made of."""
    on_this_host: bool = False
    """Whether nodes share this host's kernel, and boot its image with the modules that it has."""


HARDWARE = ("machine_types", "spot", "disk_gb", "disk_type")
"""Every key of a group that some cloud has in :attr:`Traits.hardware`."""


class LocalCloud(Model):
    """This machine. ``machines`` is how a node boots.

    ``container`` has its own systemd; ``light`` is namespaces over one shared root (needs root), of
    which a thousand fit.

    ``subnet`` (default: derived from the cluster's name) is the nodes' network on this host;
    ``ssh_port`` publishes the controller's SSH on this port of the loopback address as well.
    """

    traits: ClassVar[Traits] = Traits(place=("machines",), on_this_host=True)

    kind: Literal["local"] = "local"
    machines: Literal["container", "light"] = "container"
    subnet: Subnet | None = None
    ssh_port: Annotated[int, Field(ge=1, le=65535)] | None = None


class GceCloud(Model):
    """Google Compute Engine.

    ``project`` and ``region`` come from the environment or gcloud's configuration where they are not
    given; without ``zones`` the cloud takes the region's. ``machines`` is the type of groups that name
    none, ``controller_type`` the controller's; ``image`` is what all of them boot. ``ssh_from`` is the
    range that may reach the controller's SSH (default: the address of whoever runs ``up``; ``anywhere``
    is everyone); ``egress``
    gives workers, which have no public address, a way out by NAT or none; ``endpoint`` is where the
    API answers instead of Google's own host, for an emulator.
    """

    traits: ClassVar[Traits] = Traits(
        per_group=2000,  # in a regional managed instance group (docs.cloud.google.com, creating groups)
        place=("project", "region", "endpoint"),
        gives_addresses=True,
        reserved_addresses=4,  # network, gateway and the last two (cloud.google.com/vpc)
        hardware=HARDWARE,
    )

    kind: Literal["gce"] = "gce"
    project: Project | None = None
    region: Region | None = None
    zones: Annotated[tuple[Zone, ...], Field(strict=False, max_length=10)] = ()
    machines: MachineType = "e2-standard-2"
    controller_type: MachineType = "e2-standard-4"
    image: Image = GCE_IMAGE
    disk_gb: Annotated[int, Field(ge=10, le=65_536)] = 20
    disk_type: DiskType = "pd-balanced"
    subnet: Subnet | None = None
    ssh_from: Annotated[str, AfterValidator(_callers)] | None = None
    egress: Literal["nat", "none"] = "nat"
    endpoint: Url | None = None
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=32)] = {}


Cloud = Annotated[LocalCloud | GceCloud, Field(discriminator="kind")]
CLOUD_KINDS: dict[str, type[LocalCloud] | type[GceCloud]] = {"local": LocalCloud, "gce": GceCloud}
"""Every kind of cloud a spec may name."""
