"""Where a cluster stands."""

from types import SimpleNamespace
from typing import Any

from provision.clouds.gce.place import place_of
from provision.clouds.gce.settings import Settings
from provision.errors import Finding
from provision.speccloud import GceCloud


class Region:
    """Stands where a client of GCE is asked for its region."""

    settings = Settings("p", "us-central1", zones=("us-central1-b", "us-central1-z"))

    def client(self, kind: type[Any]) -> Any:
        return SimpleNamespace(get=None, list=None)

    def call(self, doing: str, method: Any) -> Any:
        names = ("us-central1-b", "us-central1-ai1a", "us-central1-a")
        return SimpleNamespace(zones=[f"https://x/zones/{name}" for name in names])


def test_zones_are_the_regions_but_for_those_of_accelerators() -> None:
    wrong: list[Finding] = []
    place = place_of(Region(), GceCloud(ssh_from="10.0.0.0/8"), wrong)  # type: ignore[arg-type]  # a part of it
    assert place and place.zones == ("us-central1-b",)
    assert [str(finding) for finding in wrong] == [
        "cloud.zones: us-central1-z is not there or not up; choose among us-central1-a, us-central1-b"
    ]
