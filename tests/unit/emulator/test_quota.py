"""What an account may use, and what a zone has room for."""

import pytest

from provision.emulator.dials import Dials
from provision.emulator.quota import Capacity, Exceeded, Quota
from provision.emulator.world import Account

LIMITS = {"regions": {"cores": 10.0, "family": 4.0}, "global": {"networks": 2.0}}


def test_all_is_charged_or_nothing() -> None:
    quota, account = Quota(LIMITS, Dials), Account("a", 0.0)
    quota.charge(account, {("r", "cores"): 6.0})
    with pytest.raises(Exceeded) as caught:
        quota.charge(account, {("global", "networks"): 1.0, ("r", "cores"): 5.0})
    assert (caught.value.metric, caught.value.limit, caught.value.place) == ("cores", 10.0, "r")
    assert account.usage == {("r", "cores"): 6.0}
    quota.charge(account, {("other", "cores"): 10.0})
    quota.release(account, {("r", "cores"): 6.0})
    assert account.usage["r", "cores"] == 0


def test_a_dial_is_above_the_first_limits_and_a_place_above_all_places() -> None:
    dials = Dials(quota={"regions": {"cores": 7}, "r": {"cores": 3, "new": 1}})
    quota = Quota(LIMITS, lambda: dials)
    found = [quota.limit(place, "cores") for place in ("r", "other")]
    assert found == [3, 7]
    assert quota.limit("global", "cores") is None
    listed = list(quota.listed(Account("a", 0.0), "r", {"family"}))
    assert listed == [("cores", 3.0, 0.0), ("new", 1.0, 0.0)]


def test_a_dimension_has_a_limit_of_its_own_or_that_of_its_metric() -> None:
    dials = Dials(quota={"r": {"family:c4": 8}})
    quota = Quota(LIMITS, lambda: dials)
    assert [quota.limit("r", name) for name in ("family:c4", "family:n2")] == [8, 4]


def test_a_zone_is_full_for_a_type_or_for_all() -> None:
    dials = Dials(capacity={"z": {"small": 1, "*": 2}})
    room = Capacity(lambda: dials)
    room.take("z", "small")
    assert (room.full("z", "small"), room.full("z", "large"), room.full("y", "small")) == (
        True, False, False,
    )  # fmt: skip
    room.take("z", "large")
    assert room.full("z", "large")
    room.give("z", "small")
    assert not room.full("z", "small")
