"""Lists, pages and partial answers in Google's JSON."""

from typing import Any

import pytest

from provision.emulator.agenda import Agenda
from provision.emulator.gce import rendering, urls
from provision.emulator.gce.call import Call, Rows
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.listing import fields, order
from provision.emulator.gce.world import Json, World
from provision.emulator.machines import NoMachines


def listing(**query: Any) -> Json | None:
    method = urls.load().methods["compute.instances.list"]
    call = Call(Cloud(World("http://x/", Agenda()), NoMachines()), method, {}, query, {})
    return rendering.shown(call, Rows("", ["a", "b", "c"], lambda key: {"name": key}, "p"))


def test_a_list_by_page() -> None:
    first = listing(maxResults=2)
    assert first is not None and [row["name"] for row in first["items"]] == ["a", "b"]
    last = listing(maxResults=2, pageToken=first["nextPageToken"])
    assert last == {"items": [{"name": "c"}]}
    assert listing(maxResults=0) == {"items": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}


@pytest.mark.parametrize("token", ["x", "%%%", "W10", "eyJhIjoxfQ", "é"])
def test_a_bad_token(token: str) -> None:
    with pytest.raises(ApiError, match="Invalid page token"):
        listing(pageToken=token)


@pytest.mark.parametrize("size", [-1, 501])
def test_a_bad_size(size: int) -> None:
    with pytest.raises(ApiError, match="maxResults"):
        listing(maxResults=size)


def test_orders() -> None:
    assert order.key("name") is None
    assert order.key("creationTimestamp  desc") == order.Order("creationTimestamp", descending=True)
    with pytest.raises(ApiError, match="orderBy"):
        order.key("size")


CONTENT: Json = {"items": [{"name": 1, "a": {"b": 2, "c": 3}, "x": 1}], "next": "t", "k": 1}


@pytest.mark.parametrize(
    ("mask", "left"),
    [
        ("items(name,a/b),next", {"items": [{"name": 1, "a": {"b": 2}}], "next": "t"}),
        ("items/name", {"items": [{"name": 1}]}),
        ("items/a(b,c)", {"items": [{"a": {"b": 2, "c": 3}}]}),
        ("*", CONTENT),
        ("items(*)", {"items": CONTENT["items"]}),
        ("items/*/b", {"items": [{"name": 1, "a": {"b": 2}, "x": 1}]}),
        (" k , next ", {"next": "t", "k": 1}),
        ("items/name,items/x", {"items": [{"name": 1, "x": 1}]}),
        ("nope", {}),
        ("items.name,next", {"items": [{"name": 1}], "next": "t"}),
        ("items.a.b,items/x", {"items": [{"a": {"b": 2}, "x": 1}]}),
        ("items.a(b),k", {"items": [{"a": {"b": 2}}], "k": 1}),
    ],
)
def test_partial_answers(mask: str, left: Json) -> None:
    assert fields.select(mask, CONTENT) == left


@pytest.mark.parametrize("mask", ["items(", "items)", ",", "a//b", "a(b))", "é", "a" * 20_000])
def test_bad_masks(mask: str) -> None:
    with pytest.raises(ApiError, match="Invalid field selection"):
        fields.select(mask, CONTENT)


ZONES: Json = {
    "items": {
        "zones/us-central1-a": {"instances": [{"name": "n1", "zone": "a", "labels": {"k": "v"}}]},
        "zones/us-central1-b": {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": "none"}},
        "regions/us-central1": {"instances": [{"name": "n2", "zone": "r"}]},
    },
    "nextPageToken": "t",
}
NAMED = {"instances": [{"name": "n1"}]}


@pytest.mark.parametrize(
    ("mask", "items"),
    [
        (
            "items/*/instances(name)",
            {"zones/us-central1-a": NAMED, "zones/us-central1-b": {},
             "regions/us-central1": {"instances": [{"name": "n2"}]}},
        ),
        ("items.zones.instances(name)", {"zones/us-central1-a": NAMED}),
        ("items/zones/*/instances/name", {"zones/us-central1-a": NAMED}),
        ("items(zones(instances(name)))", {"zones/us-central1-a": NAMED}),
        ("items/zones/us-central1-a/instances/name", {"zones/us-central1-a": NAMED}),
        ("items.zones.us-central1-a.instances.name", {"zones/us-central1-a": NAMED}),
        ("items/`zones/us-central1-a`/instances/name", {"zones/us-central1-a": NAMED}),
        ("items.zones", {key: ZONES["items"][key] for key in ZONES["items"] if key[0] == "z"}),
        ("items/zones/us-central1-b", {"zones/us-central1-b": ZONES["items"]["zones/us-central1-b"]}),
        ("items.regions.instances.name", {"regions/us-central1": {"instances": [{"name": "n2"}]}}),
        (
            "items.zones.instances(labels.k)",
            {"zones/us-central1-a": {"instances": [{"labels": {"k": "v"}}]}},
        ),
    ],
)  # fmt: skip
def test_a_key_with_a_slash_is_found_however_it_is_spelled(mask: str, items: Json) -> None:
    """slurm-gcp lists by ``items.zones.instances(...)``, openshift by ``items/*/instances(...)``."""
    schema = "InstanceAggregatedList"
    assert fields.select(f"{mask},nextPageToken", ZONES, schema) == {
        "items": items,
        "nextPageToken": "t",
    }


@pytest.mark.parametrize(
    ("mask", "named"),
    [
        ("item(name)", "item"), ("items/*/instance(name)", "instance"), ("pageToken", "pageToken"),
        ("items.zones.instances.nme", "nme"), ("kind/x", "x"), ("warning/*/nosuch", r"\*"),
        ("items/zones/us-central1-a/disks", "us-central1-a"),
    ],
)  # fmt: skip
def test_a_field_that_the_answer_cannot_have_is_refused_by_name(mask: str, named: str) -> None:
    """As recorded: ``Invalid field selection items`` (googleworkspace/java-samples#1547)."""
    with pytest.raises(ApiError, match=f"Invalid field selection {named}$"):
        fields.select(mask, ZONES, "InstanceAggregatedList")
