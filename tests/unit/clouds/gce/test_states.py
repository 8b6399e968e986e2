"""What instance groups and VMs say of themselves, as the contract's values."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud import compute_v1 as c

from provision.cloud import Phase
from provision.clouds.gce import states
from provision.failures import Cause
from provision.labels import CLUSTER, GROUP, ROLE

IDENT = "projects/p/regions/r1/instanceGroupManagers/d-worker"
STOCK = "ZONE_RESOURCE_POOL_EXHAUSTED"


def stamp(ago: float) -> str:
    return datetime.fromtimestamp(time.time() - ago, UTC).isoformat()


class Group:
    """An instance group as Google shows it, and its errors: (code, seconds ago)."""

    def __init__(self, target: int, errors: Any = (), **actions: int) -> None:
        self.shown = c.InstanceGroupManager(target_size=target, current_actions=actions)
        self.told = [
            c.InstanceManagedByIgmError(
                error={"code": code, "message": "two\nlines"}, timestamp=stamp(ago)
            )
            for code, ago in errors
        ]
        self.asked = 0

    def get(self, ident: str) -> Any:
        return self.shown

    def errors(self, ident: str) -> Any:
        self.asked += 1
        return iter(self.told)


def state(group: Any) -> Any:
    return states.state(group, IDENT, "worker")


def test_a_group_that_has_all_is_read_by_one_call() -> None:
    group = Group(5, none=5)
    seen = state(group)
    assert (seen.name, seen.group, seen.target, seen.created) == ("d-worker", "worker", 5, 5)
    assert (seen.counts, seen.failures, seen.words, group.asked) == ({}, {}, "", 0)


def test_one_that_deletes_is_counted_and_not_asked_for_errors() -> None:
    group = Group(5, none=5, deleting=3)
    assert state(group).counts == {"deleting": 3} and group.asked == 0


@pytest.mark.parametrize(
    ("errors", "words", "failures", "hopeless"),
    [
        ([], "", {}, False),
        ([(STOCK, 5)], f"{STOCK}: two lines", {Cause.STOCK_OUT: 1}, True),
        ([("QUOTA_EXCEEDED", 5)], "QUOTA_EXCEEDED: two lines", {Cause.QUOTA: 1}, True),
        ([("SOMETHING_ELSE", 5)], "SOMETHING_ELSE: two lines", {Cause.OTHER: 1}, False),
        ([(STOCK, 50), ("NEW", 5)], "NEW: two lines", {Cause.OTHER: 1, Cause.STOCK_OUT: 1}, False),
        ([("NEW", 50), (STOCK, 5), (STOCK, 7)], f"{STOCK}: two lines",
         {Cause.STOCK_OUT: 2, Cause.OTHER: 1}, True),
        ([(STOCK, states.FRESH + 20)], "", {}, False),
    ],
)  # fmt: skip
def test_fresh_errors_are_counted_by_cause_and_the_latest_is_told(
    errors: Any, words: str, failures: dict[Cause, int], hopeless: bool
) -> None:
    seen = state(Group(5, errors, none=2, creating=3))
    assert (seen.created, seen.counts) == (2, {"creating": 3})
    assert (seen.words, seen.failures, seen.hopeless) == (words, failures, hopeless)


def test_a_group_that_is_not_there_has_nothing() -> None:
    group = Group(0)
    group.shown = None  # type: ignore[assignment]  # gone
    assert (state(group).target, state(group).created) == (0, 0)


@pytest.mark.parametrize(
    ("status", "phase"),
    [("PROVISIONING", Phase.REQUESTED), ("STAGING", Phase.REQUESTED), ("RUNNING", Phase.STARTED),
     ("STOPPING", Phase.STOPPED), ("TERMINATED", Phase.STOPPED), ("SUSPENDED", Phase.STOPPED)],
)  # fmt: skip
def test_a_vm(status: str, phase: Phase) -> None:
    made = c.Instance(
        name="d-worker-0001", id=7, status=status, creation_timestamp="2026-01-01T00:00:00+00:00",
        last_start_timestamp="2026-01-01T00:00:09.5+00:00", zone="https://x/zones/r1-a",
        labels={CLUSTER: "d", ROLE: "worker", GROUP: "worker"},
        network_interfaces=[{"network_i_p": "10.0.0.9"}],
    )  # fmt: skip
    # As Google's own library spells it in JSON.
    shown = json.loads(c.Instance.to_json(made, always_print_fields_with_no_presence=False))
    seen = states.machine(shown)
    assert (seen.phase, seen.cluster, seen.group, seen.role) == (phase, "d", "worker", "worker")
    assert (seen.address, seen.external, seen.zone, seen.ident) == ("10.0.0.9", "", "r1-a", "7")
    assert seen.started == (seen.requested + 9.5 if phase is Phase.STARTED else None)
