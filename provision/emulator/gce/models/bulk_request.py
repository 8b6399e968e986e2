"""What a bulk request asks for: its VMs' names, what they are made from, and where they may stand."""

from collections.abc import Sequence

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, check_name
from provision.emulator.gce.models import creating, naming
from provision.emulator.gce.models.blueprints import Blueprint, for_vms
from provision.emulator.gce.world import Json, last


def shape(call: Call) -> str:
    """``targetShape`` of the location policy; Google's default is one zone for all."""
    policy = call.body.get("locationPolicy") or {}
    return str(policy.get("targetShape") or "ANY_SINGLE_ZONE")


def plans(call: Call) -> list[Blueprint]:
    """What VMs are made from, best first: one for each machine type the request is content with."""
    body = call.body
    given: Json = dict(body.get("instanceProperties") or {})
    if body.get("sourceInstanceTemplate"):
        base = creating.template_properties(
            call.cloud, call.project, body["sourceInstanceTemplate"]
        )
        given = base | given
    policy = (body.get("instanceFlexibilityPolicy") or {}).get("instanceSelections") or {}
    choices = flexible(policy) or [given.get("machineType", "")]
    return [
        for_vms(call.cloud, call.project, given | {"machineType": kind}, "instanceProperties")
        for kind in choices
    ]


def flexible(selections: Json) -> list[str]:
    """Machine types of an ``instanceFlexibilityPolicy``, by rank."""
    ranked = sorted(selections.items(), key=lambda item: (item[1].get("rank", 0), item[0]))
    return [kind for _, selection in ranked for kind in selection.get("machineTypes") or []]


def allowed(call: Call, zones: Sequence[str]) -> list[str]:
    """Zones that the location policy lets in, of those of the scope. Raises ApiError."""
    policy = (call.body.get("locationPolicy") or {}).get("locations") or {}
    wishes = {last(zone): wish.get("preference", "ALLOW") for zone, wish in policy.items()}
    unknown = set(wishes) - set(zones)
    if unknown:
        name = sorted(unknown)[0]
        raise errors.invalid("locationPolicy.locations", name, "Zone is not in the region.")
    chosen = [zone for zone in zones if wishes.get(zone) == "ALLOW"]
    return chosen or [zone for zone in zones if wishes.get(zone) != "DENY"]


def names(call: Call, count: int, zones: Sequence[str]) -> list[str]:
    """Names of the VMs, given or made from the pattern. Raises ApiError."""
    each = call.body.get("perInstanceProperties") or {}
    pattern = call.body.get("namePattern", "")
    if bool(each) == bool(pattern):
        raise errors.invalid(
            "namePattern", pattern,
            "Exactly one of namePattern and perInstanceProperties must be specified.",
        )  # fmt: skip
    if each:
        chosen = [own.get("name") or key for key, own in each.items()]
        if len(chosen) != count:
            raise errors.invalid("count", count, "Must be the number of perInstanceProperties.")
    else:
        if len(naming.HASHES.findall(pattern)) != 1:
            raise errors.invalid("namePattern", pattern, "Must contain one sequence of '#'.")
        existing = [n for zone in zones for n in call.table("instances").names(f"zones/{zone}")]
        fresh = naming.after_largest(pattern, existing)
        chosen = [next(fresh) for _ in range(count)]
    for name in chosen:
        check_name(name, "name")
    if len(set(chosen)) != len(chosen):
        raise errors.invalid("perInstanceProperties", "name", "Every name can appear only once.")
    return chosen


def taken(call: Call, wanted: list[str], zones: Sequence[str]) -> dict[str, str]:
    """Names that a VM has already, with its zone: each is a VM that could not be made, and no more."""
    table = call.table("instances")
    return {
        name: zone
        for zone in zones
        for name in wanted
        if table.get(f"zones/{zone}", name) is not None
    }
