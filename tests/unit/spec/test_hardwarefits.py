"""Hardware that does not go together is refused before anything is created, with a sentence."""

import pytest

from provision.errors import SpecError
from provision.plan import plan_of
from provision.spec import hardwarefits as fits
from provision.spec.reader import parse

ARM_IMAGE = "projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-arm64"


def told(cloud: str, group: str = "nodes: 2") -> list[str]:
    text = f"name: a\ncloud: {{kind: gce, {cloud}}}\ngroups: {{worker: {{{group}}}}}\n"
    loaded = parse(text, "a.yaml")
    try:
        plan_of(loaded.spec)
    except SpecError as error:
        return [str(finding) for finding in loaded.placed(error).findings]
    return []


@pytest.mark.parametrize(
    ("kind", "disk", "why"),
    [
        ("n4-standard-2", "pd-balanced", "takes Hyperdisk only"),
        ("c4-standard-4", "pd-ssd", "takes Hyperdisk only"),
        ("c4a-standard-4", "pd-standard", "takes Hyperdisk only"),
        ("c3-highcpu-192-metal", "pd-ssd", "takes Hyperdisk only"),
        ("a3-ultragpu-8g", "pd-balanced", "takes Hyperdisk only"),
        ("g4-standard-48", "pd-balanced", "takes Hyperdisk only"),
        ("ct6e-standard-4t", "pd-balanced", "takes Hyperdisk only"),
        ("e2-standard-2", "hyperdisk-balanced", "boots from Persistent Disk only"),
        ("a2-highgpu-1g", "hyperdisk-balanced", "boots from Persistent Disk only"),
        ("g2-standard-4", "hyperdisk-balanced", "boots from Persistent Disk only"),
        ("h3-standard-88", "pd-ssd", "takes no disk of type pd-ssd"),
        ("h3-standard-88", "pd-standard", "takes no disk of type pd-standard"),
        ("g2-standard-4", "pd-standard", "takes no disk of type pd-standard"),
        ("a3-highgpu-8g", "pd-standard", "takes no disk of type pd-standard"),
        ("custom-4-8192", "hyperdisk-balanced", "boots from Persistent Disk only"),
        ("c3-standard-4", "pd-standard", "takes no disk of type pd-standard"),
        ("c3-standard-4", "pd-extreme", "takes no disk of type pd-extreme"),
        ("n2-standard-64", "local-ssd", "no machine boots from"),
        ("c3-standard-4", "hyperdisk-throughput", "no machine boots from"),
        ("n4-standard-2", "hyperdisk-balanced", ""),
        ("c3-standard-4", "pd-balanced", ""),
        ("a2-highgpu-1g", "pd-standard", ""),
        ("a3-megagpu-8g", "hyperdisk-balanced", ""),
        ("h3-standard-88", "pd-balanced", ""),
        ("c3-standard-4", "hyperdisk-balanced", ""),
        ("n2-standard-64", "pd-extreme", ""),
        ("e2-standard-2", "pd-standard", ""),
        ("z9-standard-2", "pd-balanced", ""),
    ],
)
def test_a_machine_type_and_the_disk_it_boots_from(kind: str, disk: str, why: str) -> None:
    said = fits.disk(kind, disk)
    assert (why in said) if why else not said
    assert fits.disk(kind, fits.fitting(kind)) == ""


def test_a_disk_that_does_not_fit_is_a_finding_for_each_type_with_the_one_that_does() -> None:
    assert told("machines: n4-standard-2") == [
        "a.yaml:2: cloud.machines: n4-standard-2 takes Hyperdisk only, not pd-balanced; "
        "set groups.worker.disk_type: hyperdisk-balanced"
    ]
    assert told("machines: n4-standard-2", "nodes: 2, disk_type: hyperdisk-balanced") == []
    types = "nodes: 2, machine_types: [n2-standard-2, c4-standard-2]"
    (one,) = told("", types)
    assert one.startswith(
        "a.yaml:3: groups.worker.machine_types: c4-standard-2 takes Hyperdisk only"
    )
    (other,) = told("disk_type: hyperdisk-balanced, machines: c3-standard-4")
    assert other.startswith("a.yaml:2: cloud.controller_type: e2-standard-4 boots from Persistent")


def test_a_machine_type_and_the_image_it_boots() -> None:
    (said,) = told("machines: t2a-standard-2")
    assert "cloud.machines: t2a-standard-2 is ARM64, and the image ubuntu-2404-lts-amd64" in said
    both = f"machines: t2a-standard-2, controller_type: t2a-standard-4, image: {ARM_IMAGE}"
    assert told(both) == []
    (said,) = told(f"machines: t2a-standard-2, image: {ARM_IMAGE}")
    assert "cloud.controller_type: e2-standard-4 is ARM64" not in said and "is X86_64" in said
    (said,) = told("machines: t2a-standard-2, image: my-image")
    assert "all machines boot one image" in said
    assert told("machines: t2a-standard-2, controller_type: t2a-standard-2, image: mine") == []


def test_every_fact_is_of_a_known_form_and_has_a_source() -> None:
    kinds = (fits.NO_STANDARD, fits.NO_SSD, fits.EXTREME)
    tables = (fits.ARM, fits.HYPERDISK_ONLY, fits.PERSISTENT_ONLY, *kinds)
    assert all(series == fits.series(f"{series}-standard-2") for row in tables for series in row)
    some = {series for row in (fits.PERSISTENT_ONLY, *kinds) for series in row}
    assert not {*fits.HYPERDISK_ONLY} & some
    places = ("docs.cloud.google.com/", "Compute API", "github.com/")
    assert all(source.startswith(places) for source in fits.SOURCES)
