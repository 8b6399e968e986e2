"""The run's deadline bounds every call and every operation, whatever else they are allowed."""

import time
from pathlib import Path
from typing import Any

import pytest

from provision.clouds.common.calls import LAST
from provision.clouds.gce.client import Gce
from provision.clouds.gce.settings import resolve
from provision.failures import TookTooLong, Unreachable
from tests.emulator.conftest import Gce as Emulated

ENDLESS = 100_000.0
SECONDS = 2.0
SLACK = 30.0


def client(gce: Emulated) -> Gce:
    where = {"PROVISION_GCE_ENDPOINT": gce.endpoint}
    made = Gce(resolve(where, Path("/nowhere"), project="p", region="us-central1"))
    return made


def networks(gce: Gce) -> type[Any]:
    from google.cloud import compute_v1

    return compute_v1.NetworksClient


def insert(gce: Gce) -> None:
    body = {"name": "n", "auto_create_subnetworks": False}
    doing = "create the network n"
    method = gce.client(networks(gce)).insert_unary
    gce.wait(gce.call(doing, method, network_resource=body), 600, doing)


@pytest.mark.parametrize(
    ("dials", "failure"),
    [
        ({"operations": {"networks": {"insert": ENDLESS}}}, TookTooLong),
        (
            {"faults": [{"method": "networks.insert", "kind": "slow", "seconds": ENDLESS}]},
            Unreachable,
        ),
    ],
    ids=["an operation that never ends", "an API that takes a request and never answers"],
)
def test_what_hangs_is_given_up_at_the_deadline(
    gce: Emulated, nobody: None, dials: dict[str, Any], failure: type[Exception]
) -> None:
    gce.turn(**dials)
    with client(gce) as ours:
        began = time.monotonic()
        ours.calls.until = began + SECONDS
        with pytest.raises(failure, match="create the network n"):
            insert(ours)
        assert time.monotonic() - began < SECONDS + SLACK


def test_after_the_deadline_there_are_a_few_seconds_to_say_what_there_is(
    gce: Emulated, nobody: None
) -> None:
    with client(gce) as ours:
        ours.calls.until = time.monotonic() - 1
        assert [row.name for row in ours.rows("list", ours.client(networks(ours)).list)] == [
            "default"
        ]
        gce.turn(faults=[{"method": "networks.list", "kind": "slow", "seconds": ENDLESS}])
        began = time.monotonic()
        with pytest.raises(Unreachable):
            list(ours.rows("list", ours.client(networks(ours)).list))
        assert time.monotonic() - began < LAST + SLACK
