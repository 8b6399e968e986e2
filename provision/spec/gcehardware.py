"""Machine types, disks and images of a spec for GCE that do not go together there."""

from collections.abc import Iterator

from provision.errors import Finding
from provision.spec import hardwarefits as fits
from provision.spec.clouds import GceCloud
from provision.spec.hostmaintenance import migrates, terminates
from provision.spec.models import Spec


def mixed(spec: Spec) -> Iterator[Finding]:
    """A group has one host maintenance policy for all its machine types."""
    for name, group in spec.groups.items():
        moved = [kind for kind in group.machine_types if migrates(kind)]
        stopped = [kind for kind in group.machine_types if terminates(kind)]
        if moved and stopped and not group.spot:
            yield Finding(
                f"groups.{name}.machine_types",
                f"GCE can only live-migrate {moved[0]} and cannot live-migrate {stopped[0]}",
                "put them in two groups",
            )


def disks(spec: Spec) -> Iterator[Finding]:
    """Every machine type takes the disk that it shall boot from."""
    cloud = _cloud_of(spec)
    wanted = [("cloud.controller_type", "cloud", cloud.controller_type, cloud.disk_type)]
    for name, group in spec.groups.items():
        disk, own = group.disk_type or cloud.disk_type, f"groups.{name}"
        where = f"{own}.machine_types" if group.machine_types else "cloud.machines"
        wanted += [(where, own, kind, disk) for kind in group.machine_types or (cloud.machines,)]
    told = set()
    for where, place, kind, disk in wanted:
        why = fits.disk(kind, disk)
        if why and (where, why) not in told:
            told.add((where, why))
            yield Finding(where, why, f"set {place}.disk_type: {fits.fitting(kind)}")


def processors(spec: Spec) -> Iterator[Finding]:
    """All machines boot one image, which is for one kind of processor."""
    cloud = _cloud_of(spec)
    kinds = [("cloud.controller_type", cloud.controller_type)]
    for name, group in spec.groups.items():
        where = f"groups.{name}.machine_types" if group.machine_types else "cloud.machines"
        kinds += [(where, kind) for kind in group.machine_types or (cloud.machines,)]
    image, known = cloud.image.rpartition("/")[2], fits.image_architecture(cloud.image)
    first = kinds[0][1]
    for where, kind in dict.fromkeys(kinds):
        mine = fits.architecture(kind)
        if known and mine != known:
            fix = f"choose a type for {known}, or an image for {mine} in cloud.image"
            yield Finding(where, f"{kind} is {mine}, and the image {image} is for {known}", fix)
        elif not known and mine != fits.architecture(first):
            problem = f"{kind} is {mine} and {first} is {fits.architecture(first)}"
            yield Finding(where, problem, "all machines boot one image: choose types of one kind")


def _cloud_of(spec: Spec) -> GceCloud:
    assert isinstance(spec.cloud, GceCloud), "a spec for this cloud"
    return spec.cloud
