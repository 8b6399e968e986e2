"""Versions of a managed instance group: templates side by side, and how many VMs each is to have.

The document on ``InstanceGroupManager.versions``: one version leaves ``targetSize`` unset and gets the
rest; a fixed size is at most the group's, a percentage of it is rounded; they override a plain template.
https://cloud.google.com/compute/docs/instance-groups/rolling-out-updates-to-managed-instance-groups
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from provision.emulator.gce import errors
from provision.emulator.gce.world import Json

MOST = 2
"""Versions of one group (the page above: a canary beside the rest)."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version; ``size`` is a ``FixedOrPercent``, None for whatever the others leave."""

    template: str
    name: str = ""
    size: Json | None = field(default=None, compare=False)

    def json(self) -> Json:
        """As a VM of the group shows it."""
        return {"instanceTemplate": self.template, **({"name": self.name} if self.name else {})}


Versions = tuple[Version, ...]


def of(given: Sequence[Json], link: Callable[[str], str]) -> Versions:
    """The versions of a body; ``link`` checks a template's and completes it. Raises ApiError."""
    where = "resource.versions"
    if len(given) > MOST:
        raise errors.invalid(where, len(given), f"A group can have at most {MOST} versions.")
    made = []
    for index, each in enumerate(given):
        size = each.get("targetSize")
        place = f"{where}[{index}].targetSize"
        if size is not None and len(size.keys() & {"fixed", "percent"}) != 1:
            raise errors.invalid(place, "", "Exactly one of fixed and percent must be specified.")
        if size is not None and not 0 <= size.get("percent", 0) <= 100:
            raise errors.invalid(place, size["percent"], "Must be between 0 and 100.")
        if size is not None and size.get("fixed", 0) < 0:
            raise errors.invalid(place, size["fixed"], "Must be greater than or equal to 0.")
        if not each.get("instanceTemplate"):
            raise errors.required(f"{where}[{index}].instanceTemplate")
        made.append(Version(link(each["instanceTemplate"]), str(each.get("name", "")), size))
    if sum(1 for version in made if version.size is None) != 1:
        raise errors.invalid(where, "", "Exactly one version must leave targetSize unset.")
    if len(set(made)) != len(made):
        raise errors.invalid(where, made[0].name, "Every version can appear at most once.")
    return tuple(made)


def rest(versions: Versions) -> Version:
    """The version that all VMs get which no other claims."""
    return next(version for version in versions if version.size is None)


def sizes(versions: Versions, target: int) -> dict[Version, int]:
    """How many VMs each is to have in a group of that size."""
    result, left = {}, target
    for version in versions:
        if version.size is not None:
            share = version.size.get("percent")
            # Rounded half up.
            wanted = version.size.get("fixed", 0) if share is None else (target * share + 50) // 100
            result[version] = min(wanted, left)
            left -= result[version]
    result[rest(versions)] = left
    return result


def missing(wanted: dict[Version, int], there: Counter[Version], versions: Versions) -> Version:
    """What the next VM is to be made from: a version that lacks VMs, the claimed ones first."""
    for version in versions:
        if version.size is not None and there[version] < wanted[version]:
            return version
    return rest(versions)


def outdated(wanted: dict[Version, int], there: Iterable[Version]) -> list[int]:
    """Places in ``there`` whose version is none of the group's, or has more VMs than it is to have."""
    left = Counter(wanted)
    result = []
    for place, version in enumerate(there):
        if left[version] > 0:
            left[version] -= 1
        else:
            result.append(place)
    return result


def shown(versions: Versions, target: int) -> list[Json]:
    """As the group shows them, with the sizes that were worked out."""
    wanted = sizes(versions, target)
    return [
        {**version.json(), "targetSize": {**(version.size or {}), "calculated": wanted[version]}}
        for version in versions
    ]
