"""Whether the zones have the machine types and disk types that a plan asks for, and the image exists."""

import re
from collections.abc import Iterator

from provision.clouds.common.offers import lacking, nearest_offered
from provision.clouds.gce.account.survey import Survey, disk_types, machine_types
from provision.clouds.gce.client import Gce
from provision.clouds.gce.place import Place
from provision.errors import Finding
from provision.events import Emit, Warned
from provision.plan import Plan
from provision.suggest import meant

UNUSABLE = ("OBSOLETE", "DELETED")
"""States of an image that nothing can be made of any more."""
_SIZES = re.compile(r"(\d+)GB-(\d+)([GT])B")


def vcpus(seen: Survey) -> dict[str, int]:
    """Of each machine type that some zone has."""
    return {name: kind.guest_cpus for (name, _), kind in seen.machine_types.items() if kind}


def findings(gce: Gce, place: Place, plan: Plan, seen: Survey, emit: Emit) -> Iterator[Finding]:
    """What is not there, with the nearest that is."""
    for name, where in machine_types(plan, place).items():
        yield from lacking(
            "machine type", name, where, place.zones, place.region, seen.machine_types,
            lambda: _types(gce, place), "'gcloud compute machine-types list'",
        )  # fmt: skip
    kinds = disk_types(plan, place)
    for name in dict.fromkeys(name for name, _ in kinds):
        where = next(f"{where}_type" for (kind, _), where in kinds.items() if kind == name)
        yield from lacking(
            "disk type", name, where, place.zones, place.region, seen.disk_types,
            lambda: _disks(gce, place), "'gcloud compute disk-types list'",
        )  # fmt: skip
    yield from _sizes(plan, place, seen)
    yield from _image(gce, place, seen, emit)
    yield from _processors(plan, place, seen)


def _sizes(plan: Plan, place: Place, seen: Survey) -> Iterator[Finding]:
    for (name, size), where in disk_types(plan, place).items():
        kind = next((k for (n, _), k in seen.disk_types.items() if n == name and k), None)
        found = _SIZES.fullmatch(kind.valid_disk_size) if kind else None
        if found:
            least, most = int(found[1]), int(found[2]) * (1024 if found[3] == "T" else 1)
            if not least <= size <= most:
                problem = f"a disk of type {name} has {least} to {most} GiB, not {size}"
                yield Finding(
                    f"{where}_gb", problem, "choose a size in that range, or another type"
                )
        if seen.image is not None and size < seen.image.disk_size_gb:
            least = seen.image.disk_size_gb
            problem = f"the image {seen.image.name} needs a disk of {least} GiB, not {size}"
            yield Finding(f"{where}_gb", problem, f"set {where}_gb: {least} or more")


def _processors(plan: Plan, place: Place, seen: Survey) -> Iterator[Finding]:
    """What no name tells: the image's processor, and each type's, as Google has them."""
    if seen.image is None:
        return
    wanted = seen.image.architecture
    for name, where in machine_types(plan, place).items():
        kinds = [kind for (each, _), kind in seen.machine_types.items() if each == name and kind]
        its = next((kind.architecture for kind in kinds), "")
        if wanted and its and its != wanted:
            problem = f"{name} is {its}, and the image {seen.image.name} is for {wanted}"
            yield Finding(where, problem, f"choose a type for {wanted}, or an image for {its}")


def _image(gce: Gce, place: Place, seen: Survey, emit: Emit) -> Iterator[Finding]:
    image, where = seen.image, "cloud.image"
    project, _, name = place.image.removeprefix("projects/").partition("/global/images/")
    if image is None:
        if any(f.doing == f"read the image {name} of {project}" for f in seen.failures):
            return
        near = nearest_offered(name, lambda: _images(gce, project, name))
        gcloud = f"'gcloud compute images list --project {project}'"
        fix = meant(near, f"projects/{project}/global/images/{{}}") or f"see {gcloud}"
        yield Finding(where, f"{project} has no image {name}", fix)
    elif image.deprecated.state in UNUSABLE:
        problem = f"{image.name} is {image.deprecated.state.lower()}"
        fix = "choose its family, or a newer image"
        if image.deprecated.replacement:
            fix = f"take its replacement: {image.deprecated.replacement.partition('/v1/')[2]}"
        yield Finding(where, problem, fix)
    elif project == "debian-cloud" or image.family.startswith("debian"):
        emit(
            Warned(
                text=f"{where}: {image.name} is a Debian image, and Debian's images on GCE carry no"
                " cloud-init: machines boot and never join unless yours does; take Ubuntu's"
            )
        )


def _types(gce: Gce, place: Place) -> set[str]:
    from provision.clouds.gce.api.compute import compute_v1

    client = gce.client(compute_v1.MachineTypesClient)
    return {row.name for row in gce.rows("list machine types", client.list, zone=place.zones[0])}


def _disks(gce: Gce, place: Place) -> set[str]:
    from provision.clouds.gce.api.compute import compute_v1

    client = gce.client(compute_v1.DiskTypesClient)
    return {row.name for row in gce.rows("list disk types", client.list, zone=place.zones[0])}


def _images(gce: Gce, project: str, name: str) -> set[str]:
    """Families where one is looked for, as the spec writes them; else images."""
    from provision.clouds.gce.api.compute import compute_v1

    client = gce.client(compute_v1.ImagesClient)
    rows = list(gce.rows("list images", client.list, project=project))
    if name.startswith("family/"):
        return {f"family/{row.family}" for row in rows if row.family}
    return {row.name for row in rows if not row.deprecated.state}
