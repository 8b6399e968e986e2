"""Where a cluster stands."""

from types import SimpleNamespace
from typing import Any

import pytest

from provision.clouds.gce.place import place_of
from provision.clouds.gce.settings import Settings
from provision.errors import Finding
from provision.events import Event, Warned
from provision.spec.clouds import GceCloud


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


def test_ssh_for_the_whole_internet_is_told() -> None:
    events: list[Event] = []
    asked = GceCloud(ssh_from="anywhere", zones=("us-central1-b",))
    place = place_of(Region(), asked, [], emit=events.append)  # type: ignore[arg-type]  # a part of it
    assert place and place.ssh_from == "0.0.0.0/0"
    assert [event.text for event in events if isinstance(event, Warned)] == [
        "the whole internet may reach the controller's SSH (cloud.ssh_from: anywhere)"
    ]


class Offers(Region):
    """A region of three zones, and the machine types in each."""

    settings = Settings("p", "us-central1")

    def __init__(self, **offered: list[str]) -> None:
        self.offered, self.filters = offered, list[str]()

    def client(self, kind: type[Any]) -> Any:
        return SimpleNamespace(get=None, list=None, aggregated_list=None)

    def call(self, doing: str, method: Any) -> Any:
        return SimpleNamespace(zones=[f"https://x/zones/us-central1-{z}" for z in "abc"])

    def rows(self, doing: str, method: Any, filter: str) -> Any:  # Google's name for it
        self.filters.append(filter)
        for zone, names in self.offered.items():
            types = [SimpleNamespace(name=name) for name in names]
            yield f"zones/us-central1-{zone}", SimpleNamespace(machine_types=types)


@pytest.mark.parametrize(
    ("offered", "types", "zones", "told"),
    [
        ({"a": ["m"], "b": ["m", "n"], "c": ["m", "n"]}, ["m", "n"], "bc", 1),
        ({"a": ["m"], "b": ["m"], "c": ["m"]}, ["m"], "abc", 0),
        ({"a": ["m"], "b": ["n"]}, ["m", "n"], "abc", 0),
        ({}, ["n2-custom-4-8192"], "abc", 0),
        ({"c": ["m"]}, ["custom-2-4096", "m"], "c", 1),
    ],
    ids=["some", "all", "none has both", "custom ones are in no list", "one"],
)
def test_zones_that_nobody_named_are_those_with_the_machine_types(
    offered: dict[str, list[str]], types: list[str], zones: str, told: int
) -> None:
    wrong: list[Finding] = []
    events: list[Event] = []
    region: Any = Offers(**offered)
    place = place_of(region, GceCloud(ssh_from="10.0.0.0/8"), wrong, types, events.append)
    assert place and place.zones == tuple(f"us-central1-{zone}" for zone in zones)
    assert (len(events), wrong) == (told, []) and len(region.filters) <= 1
