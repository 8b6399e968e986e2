"""Addresses of a range, whichever cloud keeps how many of them."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import pytest

from provision.emulator.addresses import NoAddress, Pool, Why


class Kept(Pool):
    """The first four and the last one are the cloud's own, as elsewhere than at Google."""

    FIRST: ClassVar[int] = 4
    LAST: ClassVar[int] = 1


def none(why: Why, ask: Callable[[], str]) -> None:
    with pytest.raises(NoAddress) as caught:
        ask()
    assert caught.value.why == why


def test_the_lowest_free_address_is_given_and_never_one_of_the_clouds_own() -> None:
    pool = Kept(cidr="10.0.0.0/28")
    assert [pool.allocate() for _ in range(11)] == [f"10.0.0.{n}" for n in range(4, 15)]
    none(Why.FULL, pool.allocate)
    pool.release("10.0.0.9")
    assert pool.allocate() == "10.0.0.9"


def test_an_address_that_is_asked_for_is_inside_and_free() -> None:
    pool = Kept(cidr="10.0.0.0/28")
    assert pool.allocate("10.0.0.5") == "10.0.0.5"
    none(Why.TAKEN, lambda: pool.allocate("10.0.0.5"))
    for wanted in ("10.0.0.3", "10.0.0.15", "10.0.1.5"):
        none(Why.OUTSIDE, partial(pool.allocate, wanted))
    assert [pool.allocate(), pool.allocate()] == ["10.0.0.4", "10.0.0.6"]


def test_a_static_address_goes_to_nobody_who_does_not_ask_for_it() -> None:
    pool = Kept(cidr="10.0.0.0/28")
    assert pool.reserve() == "10.0.0.4"
    assert pool.is_reserved("10.0.0.4") and pool.allocate() == "10.0.0.5"
    none(Why.TAKEN, lambda: pool.reserve("10.0.0.4"))
    assert pool.allocate("10.0.0.4") == "10.0.0.4"
    pool.release("10.0.0.4")
    assert pool.allocate() == "10.0.0.6", "it is still static"
    pool.unreserve("10.0.0.4")
    assert pool.allocate() == "10.0.0.4"


def test_an_address_that_came_back_and_was_reserved_since_is_not_given_out() -> None:
    pool = Kept(cidr="10.0.0.0/28")
    assert [pool.allocate(), pool.allocate()] == ["10.0.0.4", "10.0.0.5"]
    pool.release("10.0.0.4")
    pool.reserve("10.0.0.4")
    assert pool.allocate() == "10.0.0.6"
