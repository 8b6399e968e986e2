"""Which requests go wrong because a dial says so."""

from typing import Any

from provision.emulator.dials import Dials, Fault
from provision.emulator.faults import Faults
from provision.emulator.world import chance


class Dialled:
    def __init__(self, *rules: dict[str, Any]) -> None:
        self.turn(*rules)
        self.faults = Faults(lambda *about: chance(1, *about), lambda: self.dials)

    def turn(self, *rules: dict[str, Any]) -> None:
        self.dials = Dials(faults=tuple(Fault(**rule) for rule in rules))


def test_the_first_rule_that_matches_decides() -> None:
    dialled = Dialled({"method": "a.*", "status": 500}, {"method": "*", "status": 503})
    found = [dialled.faults.request(method) for method in ("a.b", "c.d")]
    assert [rule.status for rule in found if rule] == [500, 503]


def test_a_rule_strikes_as_often_as_it_says_and_anew_when_rules_are_turned() -> None:
    rule = {"method": "*", "times": 2}
    dialled = Dialled(rule)
    assert [bool(dialled.faults.request("a.b")) for _ in range(4)] == [True, True, False, False]
    dialled.turn(rule)
    assert dialled.faults.request("a.b")


def test_a_share_of_the_requests_is_struck_and_the_same_ones_by_the_same_seed() -> None:
    struck = [
        [bool(dialled.faults.request("a.b")) for _ in range(400)]
        for dialled in (Dialled({"method": "*", "share": 0.25}) for _ in range(2))
    ]
    assert struck[0] == struck[1]
    assert 60 < sum(struck[0]) < 140


def test_requests_and_operations_fail_by_rules_of_their_own() -> None:
    dialled = Dialled({"method": "*", "kind": "silent"}, {"method": "*", "kind": "drop"})
    request, operation = dialled.faults.request("a.b"), dialled.faults.operation("a.b")
    assert request and operation and (request.kind, operation.kind) == ("drop", "silent")


def test_only_the_slow_kind_waits() -> None:
    dialled = Dialled()
    assert dialled.faults.delay(Fault(method="*", kind="slow", seconds="2..3")) >= 2
    assert dialled.faults.delay(Fault(method="*")) == 0
