"""Filters as gcloud, libcloud, Terraform, autoscalers and launchers write them, over one row."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.listing import filter

ROW = {
    "name": "web-1",
    "status": "RUNNING",
    "id": "77",
    "labels": {"owner": "me", "k": "v", "ray-cluster-name": "x"},
    "creationTimestamp": "2026-01-02T00:00:00.000+00:00",
    "networkInterfaces": [{"name": "nic0", "networkIP": "10.0.0.2"}],
    "metadata": {"items": [{"key": "created-by", "value": "projects/1/zones/z/g"}]},
    "scheduling": {"automaticRestart": True, "preemptible": False},
    "tags": {"items": ["http", "https"]},
    "zone": "https://www.googleapis.com/compute/v1/projects/p/zones/us-central1-a",
    "operationGroupId": "0af-1",
}
HOLDS = [
    'name = "web-1"', "name=web-1", "name='web-1'", "name:web*", "name:web", "name = web-*", "name=WEB-1",
    'name eq "web-.*"', 'name eq ".*(^web-1$).*"', "name eq web-1", "name ne web-2", 'name eq "(web-1|x)"',
    '(name = "a") OR (name = "web-1")', "labels.k=v status!=TERMINATED",
    "labels.k = v AND status = RUNNING",
    "(labels.owner = me) AND (status = RUNNING)", "(labels.owner = me) (status = RUNNING)",
    "labels.owner:*", "NOT labels.nope:*", "-labels.nope:*", "labels:owner", "labels.ray-cluster-name = x",
    "((labels.ray-cluster-name = x) AND ((status = RUNNING) OR (status = STAGING)))",
    "networkInterfaces.networkIP=10.0.0.2", 'networkInterfaces.networkIP = "10.0.0.2"',
    'metadata.items.key["created-by"].value eq ".*projects/1.*"',
    'metadata.items.key["created-by"].value = "projects/1/zones/z/g"',
    "(status eq RUNNING) (name eq web.*)", "(status eq RUNNING) OR (name eq nope)",
    "creationTimestamp>2025-01-01T00:00:00Z", 'creationTimestamp < "2027-01-01"', "id>76", "id >= 77",
    "id<=77", "scheduling.automaticRestart=true", "scheduling.automaticRestart eq true",
    "scheduling.preemptible = false", "labels.k:(a v)", "labels.k=(a, v)", "status:(RUNNING OR STOPPED)",
    "zone=https://www.googleapis.com/compute/v1/projects/p/zones/us-central1-a", "zone:us-central1-a",
    "zone eq .*/us-central1-a", "tags.items=http", "tags.items:https", "operationGroupId=0af-1",
    "status != TERMINATED AND (name = a OR name = web-1)", "NOT (name = a)", "NOT name = a AND id = 77",
    "labels.none != x", "name = \"web-1\" AND NOT status = STOPPED",
]  # fmt: skip
FAILS = [
    "name = web-2", "name eq web", "name ne web-1", 'name ne ".*"', "labels.nope:*", "-labels.owner:*",
    "NOT labels.owner:*", "status = RUNNING AND name = a", "id > 77", "name = a OR name = b",
    "labels.k = w", "tags.items = ssh", "zone = us-central1-a", "labels.k:(a b)", "id < 77",
    "creationTimestamp > 2027-01-01T00:00:00Z", "scheduling.preemptible = true", "nope = x", "nope eq x",
    'metadata.items.key["other"].value eq ".*"', "(status eq RUNNING) (name eq nope)",
]  # fmt: skip
BAD = [
    "", "   ", "name", "name =", "= a", "name = web-1 OR", "((name=web-1", "name = a)", "name ==", "AND",
    "name eq", "name eq [", "name eq (a+)+b", 'name = "x', "name:()", "name = a b c", "(" * 60 + "name = a",
    "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOLDS)
def test_a_filter_that_holds(text: str) -> None:
    assert filter.compile(text)(ROW) is True


@pytest.mark.parametrize("text", FAILS)
def test_a_filter_that_does_not(text: str) -> None:
    assert filter.compile(text)(ROW) is False


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_read_is_refused_as_google_does(text: str) -> None:
    with pytest.raises(ApiError, match="Invalid list filter expression") as caught:
        filter.compile(text)
    assert (caught.value.status, caught.value.reason) == (400, "invalid")


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="ab.=!<>:()\" '*-ANDORNTeqne[]", max_size=40))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with contextlib.suppress(ApiError):
        filter.compile(text)(ROW)
