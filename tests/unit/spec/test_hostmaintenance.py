"""Machine types that cannot live-migrate, and those that can do nothing else."""

import pytest

from provision.spec.hostmaintenance import migrates, policy, terminates

STOPPED = [
    "a2-highgpu-1g", "a2-ultragpu-8g", "a3-megagpu-8g", "a4-highgpu-8g", "a4x-highgpu-4g",
    "g2-standard-4", "g2-custom-8-32768", "g4-standard-48", "h4d-standard-192", "ct6e-standard-4t",
    "ct5lp-hightpu-1t", "tpu7x-standard-4t", "c3-highcpu-192-metal", "z3-highmem-192-highlssd-metal",
    "z3-highmem-176", "z3-highmem-88-highlssd",
]  # fmt: skip
MOVED = ["e2-standard-4", "e2-custom-4-8192", "z3-highmem-14-standardlssd", "z3-highmem-8-highlssd"]
EITHER = [
    "n2-standard-4",
    "c4a-standard-4",
    "t2a-standard-1",
    "h3-standard-88",
    "g1-small",
    "custom-4-8192",
]


@pytest.mark.parametrize("kind", [*STOPPED, *MOVED, *EITHER])
def test_what_a_type_does_under_maintenance(kind: str) -> None:
    assert (terminates(kind), migrates(kind)) == (kind in STOPPED, kind in MOVED)


def test_one_type_that_cannot_migrate_decides_for_all() -> None:
    assert policy(["n2-standard-4", "a2-highgpu-1g"]) == {"maintenance": "TERMINATE"}
    assert policy(["n2-standard-4"]) == {}
