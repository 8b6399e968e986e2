"""Pieces of the emulated world that need no server."""

import random
from typing import Any

import pytest

from provision.emulator.addresses import NoAddress
from provision.emulator.dials import FAULT_KINDS, DialError, draw, merged
from provision.emulator.gce import urls
from provision.emulator.gce.catalogue import catalogue
from provision.emulator.gce.dials import Dials, turned
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.models import metadata, naming
from provision.emulator.gce.models.subnetworks import CODES, Subnetwork


def subnetwork(cidr: str) -> Subnetwork:
    return Subnetwork("s", "projects/p/regions/r/subnetworks/s", "net", "r", {}, cidr=cidr)


def test_addresses_are_given_lowest_first_and_come_back() -> None:
    made = subnetwork("10.0.0.0/28")
    given = [made.allocate() for _ in range(12)]
    assert given == [f"10.0.0.{n}" for n in range(2, 14)]
    with pytest.raises(NoAddress) as caught:
        made.allocate()
    assert CODES[caught.value.why] == "IP_SPACE_EXHAUSTED_WITH_DETAILS"
    made.release("10.0.0.7")
    assert made.allocate() == "10.0.0.7"


def test_an_address_that_is_asked_for() -> None:
    made = subnetwork("10.0.0.0/28")
    assert made.allocate("10.0.0.2") == "10.0.0.2"
    assert made.allocate() == "10.0.0.3"
    for wanted in ("10.0.0.2", "10.0.0.1", "10.0.1.5"):
        with pytest.raises(NoAddress):
            made.allocate(wanted)


def test_names_by_pattern() -> None:
    fresh = naming.lowest_free("n-####", {"n-0001", "n-0003"})
    assert [next(fresh), next(fresh)] == ["n-0002", "n-0004"]
    after = naming.after_largest("n-##", ["n-50", "n-x", "m-99", "n-07"])
    assert [next(after), next(after)] == ["n-51", "n-52"]
    drawn = naming.random_names("web", set(), random.Random)
    assert next(drawn) == next(naming.random_names("web", set(), random.Random))


@pytest.mark.parametrize(
    ("text", "low", "high"), [("2.5", 2.5, 2.5), ("20..40", 20, 40), ("30~5", 0, 90)]
)
def test_durations_are_drawn_within_their_bounds(text: str, low: float, high: float) -> None:
    values = [draw(text, random.Random(n)) for n in range(50)]
    assert all(low <= value <= high for value in values)


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "5..", "-3..4", "1~", "nan", "inf", "20..1", "5~nan", "1..inf", "1~-1"]
)
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="boot"):
        merged(Dials(), {"boot": text})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bot": 1}, "bot: there is no such dial; did you mean 'boot'?"),
        ({"die": {"aftr": 3}}, "die.aftr: there is no such dial; did you mean 'after'?"),
        ({"boot": True}, "boot: give seconds: 2.5, a range 20..40, or 30~5"),
        ({"boot": "20..1"}, "boot: the range 20..1 ends before it begins: write 1..20"),
        ({"seed": True}, "seed: must be a valid integer"),
        ({"faults": [{}]}, "faults.0.method: Field required"),
        ({"faults": [{"method": "*", "kind": "slow"}]}, "faults.0: a fault of kind slow needs seconds"),
        (
            {"faults": [{"method": "instnaces.insert"}]},
            "faults.0.method: no method is called instnaces.insert; did you mean 'instances.insert'?",
        ),
        ({"denied": ["x.y"]}, "denied.0: no method is called x.y"),
        (
            {"capacity": {"us-central1-x": {"n2-standrad-4": 1}}},
            "capacity.us-central1-x: there is no such zone; did you mean 'us-central1-f'?; "
            "capacity.us-central1-x.n2-standrad-4: there is no such machine type; "
            "did you mean 'n2-standard-4'?",
        ),
        (
            {"quota": {"us-central1": {"N2_CPU": 1}}},
            "quota.us-central1.N2_CPU: nothing counts in it; did you mean 'N2_CPUS'?",
        ),
    ],
)  # fmt: skip
def test_a_dial_that_would_do_nothing_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DialError) as caught:
        turned(Dials(), change)
    assert str(caught.value) == said


def test_dials_as_they_are_read_can_be_written_back() -> None:
    rules = [{"method": "*.insert", "kind": kind, "seconds": 1 if kind == "slow" else 0}
             for kind in FAULT_KINDS]  # fmt: skip
    dials = turned(Dials(), {"faults": rules, "denied": ["compute.*"], "boot": "1..1"})
    assert turned(Dials(), dials.model_dump(mode="json")) == dials


def test_none_takes_a_capacity_away_and_is_no_limit_for_a_rate() -> None:
    dials = merged(Dials(), {"capacity": {"z": {"*": 1}}, "rates": {"reads": None}})
    assert (dials.capacity, dials.rates.reads) == ({"z": {"*": 1}}, None)
    assert merged(dials, {"capacity": {"z": None}}).capacity == {}
    assert merged(dials, {"seed": 3}).rates.reads is None


def test_urls_know_googles_methods() -> None:
    found = urls.load().find("POST", "/compute/v1/projects/p/zones/z/instances/bulkInsert")
    assert found.method.id == "compute.instances.bulkInsert"
    found = urls.load().find("GET", "/compute/v1/projects/p/zones/z/instances/a%2Db")
    assert (found.method.id, found.path_params["instance"]) == ("compute.instances.get", "a-b")
    for verb, path in (
        ("PUT", "/compute/v1/projects/p"),
        ("GET", "/compute/v2/projects/p"),
        ("GET", "/"),
    ):
        with pytest.raises(ApiError) as caught:
            urls.load().find(verb, path)
        assert caught.value.status == 404


def test_user_data_is_decoded_as_cloud_init_would() -> None:
    import base64
    import gzip

    packed = base64.b64encode(gzip.compress(b"#cloud-config\n")).decode()
    assert metadata.user_data({"user-data": "x"}) == "x"
    assert (
        metadata.user_data({"user-data": packed, "user-data-encoding": "base64"})
        == "#cloud-config\n"
    )
    assert metadata.user_data({"user-data": "abcde", "user-data-encoding": "base64"}) == "abcde"


def test_metadata_limits() -> None:
    metadata.check({"items": [{"key": "a", "value": "x" * 262_144}]}, "m")
    for items in (
        [{"key": "a", "value": "x" * 262_145}],
        [{"key": "a b", "value": ""}],
        [{"key": "a", "value": ""}, {"key": "a", "value": ""}],
        [{"key": f"k{n}", "value": "x" * 200_000} for n in range(3)],
    ):
        with pytest.raises(ApiError):
            metadata.check({"items": items}, "m")


def test_the_catalogue_is_whole() -> None:
    found = catalogue()
    assert all(region.zones for region in found.regions.values())
    ranges = [region.subnet for region in found.regions.values()]
    assert len(ranges) == len(set(ranges))
    metrics = {kind.metric for kind in found.machine_types.values()}
    assert metrics <= set(found.data["quotas"]["regions"])
