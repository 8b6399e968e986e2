"""What may be asked of a managed instance group, completed with Google's defaults."""

from collections.abc import Sequence
from typing import Any

from provision.emulator.gce import errors
from provision.emulator.gce.call import Call, check_name
from provision.emulator.gce.models import creating, versions
from provision.emulator.gce.models.naming import HASHES
from provision.emulator.gce.models.versions import Version, Versions
from provision.emulator.gce.world import Json, last

LIMITS = {(False, False): 1000, (False, True): 2000, (True, False): 2000, (True, True): 4000}
"""VMs of a group by (regional, paginated): clouds.md 1.1."""
BASE_LENGTH = 58

UPDATE_POLICY = {
    "type": "OPPORTUNISTIC",
    "minimalAction": "REPLACE",
    "replacementMethod": "SUBSTITUTE",
}
LIFECYCLE = {"forceUpdateOnRepair": "NO", "defaultActionOnFailure": "REPAIR"}
KEPT = (
    "description", "namedPorts", "autoHealingPolicies", "targetPools", "targetSizePolicy",
    "instanceFlexibilityPolicy", "listManagedInstancesResults", "standbyPolicy",
    "allInstancesConfig", "statefulPolicy", "resourcePolicies",
)  # fmt: skip
"""Fields of the body that are kept as they came."""
UNEMULATED = ("statefulPolicy", "targetStoppedSize", "targetSuspendedSize")


def zones_of(call: Call, body: Json) -> tuple[str, ...]:
    """Zones the group spans: its own, or those of its distribution policy, or all of the region."""
    if "zone" in call.path:
        return (call.path["zone"],)
    region = call.cloud.catalogue.regions[call.path["region"]]
    policy = (body.get("distributionPolicy") or {}).get("zones") or []
    chosen = tuple(last(each.get("zone", "")) for each in policy)
    for zone in chosen:
        if zone not in region.zones:
            raise errors.invalid(
                "resource.distributionPolicy.zones", zone, "Zone is not in the group's region."
            )
    if chosen:
        return chosen
    # Google picks three where a region has more.
    return region.zones[:3]


def versions_of(call: Call, body: Json) -> Versions:
    """What VMs are to be made from: the body's versions, or its one template. Raises ApiError."""

    def link(given: str) -> str:
        found = creating.template(call.cloud, call.project, given, "resource.instanceTemplate")
        return str(found["selfLink"])

    if body.get("versions"):
        return versions.of(body["versions"], link)
    if not body.get("instanceTemplate"):
        raise errors.required("resource.instanceTemplate")
    return (Version(link(body["instanceTemplate"])),)


def base_name(call: Call, body: Json, name: str) -> str:
    """``baseInstanceName``, by default the group's name."""
    base = str(body.get("baseInstanceName") or name[:BASE_LENGTH])
    plain = HASHES.sub("0", base)
    if len(HASHES.findall(base)) > 1 or (HASHES.search(base) and not base.endswith("#")):
        raise errors.invalid(
            "resource.baseInstanceName", base, "A pattern may only end with one sequence of '#'."
        )
    check_name(plain, "resource.baseInstanceName")
    if len(base) > BASE_LENGTH:
        raise errors.invalid(
            "resource.baseInstanceName", base, f"Must be at most {BASE_LENGTH} characters long."
        )
    return base


def config(call: Call, body: Json, zones: Sequence[str], before: Json) -> Json:
    """The group's configuration after the body; ``before`` is what it was (empty for a new one)."""
    result: Json = {**before, **{key: body[key] for key in KEPT if key in body}}
    policy = {**UPDATE_POLICY, **before.get("updatePolicy", {}), **(body.get("updatePolicy") or {})}
    regional = "region" in call.path
    count = len(zones) if regional else 1
    if regional:
        policy.setdefault("instanceRedistributionType", "PROACTIVE")
    for field in ("maxSurge", "maxUnavailable"):
        policy[field] = _fixed_or_percent(policy.get(field) or {"fixed": count})
    if policy["replacementMethod"] == "RECREATE":
        policy["maxSurge"] = {"fixed": 0, "calculated": 0}
    result["updatePolicy"] = policy
    result["instanceLifecyclePolicy"] = {
        **LIFECYCLE,
        **before.get("instanceLifecyclePolicy", {}),
        **(body.get("instanceLifecyclePolicy") or {}),
    }
    result.setdefault("listManagedInstancesResults", "PAGELESS")
    if regional:
        result["distributionPolicy"] = _distribution(call, body, zones, before, policy)
    return result


def _fixed_or_percent(value: Json) -> Json:
    if "percent" in value:
        return {"percent": value["percent"], "calculated": 0}
    number = value.get("fixed", 0)
    return {"fixed": number, "calculated": number}


def _distribution(call: Call, body: Json, zones: Sequence[str], before: Json, policy: Json) -> Json:
    given = body.get("distributionPolicy") or {}
    shape = given.get("targetShape") or before.get("distributionPolicy", {}).get(
        "targetShape", "EVEN"
    )
    if shape in ("BALANCED", "ANY_SINGLE_ZONE"):
        redistribution = (body.get("updatePolicy") or {}).get("instanceRedistributionType")
        if redistribution != "NONE" and policy.get("instanceRedistributionType") != "NONE":
            raise errors.invalid(
                "resource.distributionPolicy.targetShape", shape,
                "Instance redistribution type must be NONE for this target shape.",
            )  # fmt: skip
    project = call.path["project"]
    links = [{"zone": call.cloud.world.link(project, "zones", zone)} for zone in zones]
    return {"zones": links, "targetShape": shape}


def size(call: Call, value: Any, paginated: bool, field: str) -> int:
    """A target size within the group's limits. Raises ApiError."""
    number = int(value)
    limit = LIMITS["region" in call.path, paginated]
    if number < 0:
        raise errors.invalid(field, number, "Must be greater than or equal to 0.")
    if number > limit:
        message = (
            f"Value for field '{field}' is too large: maximum size {limit}; actual size {number}."
        )
        raise errors.ApiError(400, "invalid", message)
    return number


def unemulated(body: Json) -> None:
    """Refuse what is Google's and not ours rather than ignore it. Raises ApiError."""
    for field in UNEMULATED:
        if body.get(field):
            raise errors.not_emulated(f"instanceGroupManagers with {field}")
