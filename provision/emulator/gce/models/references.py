"""References that lead nowhere: refused, and not taken and forgotten.

Read along the request's schema, so that it holds wherever a field is met. What is not emulated cannot
exist; what is and only remembered is looked up here; the rest is looked up by the methods that use it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call
from provision.emulator.gce.urls import load
from provision.emulator.gce.world import GLOBAL, Json, relative

ABSENT: Mapping[str, str] = {
    "resourcePolicies": "resource policy",
    "workloadPolicy": "resource policy",
    "sourceConsistencyGroupPolicy": "resource policy",
    "healthCheck": "health check",
    "targetPools": "target pool",
    "securityPolicy": "security policy",
    "networkAttachment": "network attachment",
    "networkProfile": "network profile",
    "ipCollection": "public delegated prefix",
    "reservedInternalRange": "internal range",
    "storagePool": "storage pool",
    "sourceSnapshot": "snapshot",
    "sourceInstantSnapshot": "instant snapshot",
    "sourceMachineImage": "machine image",
    "nextHopIlb": "forwarding rule",
    "nextHopVpnTunnel": "VPN tunnel",
    "linkedVpnTunnel": "VPN tunnel",
    "linkedInterconnectAttachment": "interconnect attachment",
}
"""Fields that refer to one of a kind that there is none of, with the kind's name in a sentence."""
TABLES: Mapping[str, tuple[str, str]] = {
    "natIps": ("addresses", "address"),
    "drainNatIps": ("addresses", "address"),
    "sourceNatActiveIps": ("addresses", "address"),
    "sourceNatDrainIps": ("addresses", "address"),
    "sourceNatActiveRanges": ("subnetworks", "subnetwork"),
    "sourceNatDrainRanges": ("subnetworks", "subnetwork"),
    "nextHopInstance": ("instances", "instance"),
    "sourceDisk": ("disks", "disk"),
}
"""Fields that refer to one of a table's, with the table's name and the kind's in a sentence."""
_NAT = re.compile(r".*\.nats\[\d+\]\.(subnetworks|nat64Subnetworks)\[\d+\]\.name\Z")
"""A NAT's subnetworks are called ``name`` and are references, too."""
MESSAGES = frozenset({"InstanceGroupManagerResourcePolicies"})
"""Messages that are called like such a field and hold it further down."""


def check(call: Call) -> None:
    """Refuse the first reference of a request that leads nowhere. Raises ApiError."""
    schema = {"$ref": call.method.request}
    for place, table, kind, value in _found(schema, call.body, "resource"):
        if not table or not _there(call, table, str(value)):
            raise errors.no_referenced(place, value, kind)
    _reservations(schema, call.body, "resource")


def _there(call: Call, table: str, link: str) -> bool:
    """Whether any form of a link, or a name in the call's scope, leads to one of the table."""
    path = relative(link)
    owner = path.split("/")[1] if path.startswith("projects/") else call.path["project"]
    scope, found, name = path.rpartition(f"/{table}/")
    place = re.search(r"(?:regions|zones)/[^/]+\Z", scope)
    within = (place[0] if place else GLOBAL) if found else call.scope
    return call.cloud.world.project(owner).table(table).get(within, name) is not None


def _found(schema: Json, value: Any, place: str) -> Iterator[tuple[str, str, str, Any]]:
    """References with their places, their table ('' where there is none) and what they are called."""
    for name, inner, below, of in _fields(schema, value, place):
        table, kind = TABLES.get(name) or ("", ABSENT.get(name, ""))
        if _NAT.match(below):
            table, kind = "subnetworks", "subnetwork"
        if not kind or of.get("$ref") in MESSAGES:
            yield from _found(of, inner, below)
        elif isinstance(inner, list):
            yield from ((f"{below}[{at}]", table, kind, each) for at, each in enumerate(inner))
        elif inner:
            yield below, table, kind, inner


def _fields(schema: Json, value: Any, place: str) -> Iterator[tuple[str, Any, str, Json]]:
    """Fields below a value, lists and maps gone through: name, value, place and schema."""
    if "$ref" in schema:
        schema = load().schemas[schema["$ref"]]
    if isinstance(value, list):
        for at, each in enumerate(value):
            yield from _fields(schema["items"], each, f"{place}[{at}]")
    elif isinstance(value, dict):
        known = schema.get("properties", {})
        for name, inner in value.items():
            if name in known:
                yield name, inner, f"{place}.{name}", known[name]
            elif isinstance(schema.get("additionalProperties"), dict):
                yield from _fields(schema["additionalProperties"], inner, f"{place}[{name}]")


def _reservations(schema: Json, value: Any, place: str) -> None:
    """An affinity to reservations by name: there are none. Raises ApiError."""
    for name, inner, below, of in _fields(schema, value, place):
        if name == "reservationAffinity":
            wanted = inner.get("values") or []
            if inner.get("consumeReservationType") == "SPECIFIC_RESERVATION" or wanted:
                asked = wanted[0] if wanted else ""
                raise errors.no_referenced(f"{below}.values[0]", asked, "reservation")
        else:
            _reservations(of, inner, below)
