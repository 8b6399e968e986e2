"""Asking before what costs money, and shrinking to what fits, against a cloud in memory."""

import pytest

from provision.cloud import Cost, Limit
from provision.errors import DeclinedError, Finding, RefusedError, UsageError
from provision.events import Noted, Warned
from provision.names import ENDLESS
from provision.recipes import consent
from provision.recipes import up as recipe
from provision.recipes.consent import Purchase
from provision.recipes.outcome import Outcome
from provision.spec.models import Spec
from provision.workspace import Workspace
from tests.world import World

COST = Cost({"big": 1, "small": 8}, 2.5, "about $2.50 an hour")
PAGE = "https://example.test/quotas"


def spec(**groups: int) -> Spec:
    counts = {name: {"nodes": nodes} for name, nodes in (groups or {"worker": 8}).items()}
    return Spec.model_validate({"name": "demo", "groups": counts})


def up(world: World, answer: bool | Exception | None = None, **more: int) -> Outcome:
    """``answer`` is what whoever is asked says; None asks nobody."""

    def agree(purchase: Purchase) -> bool:
        world.asked.append(purchase)
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    asked = None if answer is None else agree
    return recipe.up(spec(**more), world.events.append, agree=asked, shrink=True)


@pytest.fixture(autouse=True)
def paid(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.cloud.billed = True
    world.cloud.price = COST


def test_who_agrees_gets_it_and_is_asked_once(world: World) -> None:
    assert up(world, True).joined == 8
    assert world.asked == [Purchase("demo", 9, COST)]
    assert "demo costs about $2.50 an hour" in [
        e.text for e in world.events if isinstance(e, Noted)
    ]
    assert up(world, True).created == 0
    assert len(world.asked) == 1, "nothing is to be created, so there is nothing to ask"


def test_a_no_creates_nothing_and_leaves_nothing(world: World) -> None:
    with pytest.raises(DeclinedError, match="nothing was created") as caught:
        up(world, False)
    assert caught.value.exit_code == 130
    assert "apply" not in world.cloud.calls and "prepare" not in world.cloud.calls
    assert not Workspace("demo").folder.exists()


def test_a_no_to_growing_keeps_what_is_there(world: World) -> None:
    assert up(world, True).joined == 8
    with pytest.raises(DeclinedError):
        up(world, False, worker=10)
    assert world.asked[-1].machines == 2 and len(world.workers) == 8
    assert Workspace("demo").folder.exists()


def test_where_nobody_can_be_asked_nothing_is_created(world: World) -> None:
    with pytest.raises(UsageError):
        up(world, UsageError("there is no terminal", "give --yes"))
    assert "apply" not in world.cloud.calls and not Workspace("demo").folder.exists()


def test_who_does_not_want_to_be_asked_is_not(world: World) -> None:
    assert up(world).joined == 8 and world.asked == []


def test_where_nobody_pays_nobody_is_asked(world: World) -> None:
    world.cloud.billed = False
    assert up(world, False).joined == 8 and world.asked == []


def test_what_is_wrong_is_told_before_anybody_is_asked(world: World) -> None:
    world.cloud.findings = [Finding("quota", "short", "ask for more")]
    with pytest.raises(RefusedError):
        up(world, True)
    assert world.asked == []


def test_shrinking_takes_what_fits_and_says_so(world: World) -> None:
    world.cloud.limits = [
        Limit("CPUS", "here", 18, 12, 0, 5, PAGE),
        Limit("DISKS", "here", 9, 99, 0, ENDLESS),
    ]
    outcome = up(world)
    assert (outcome.asked, outcome.joined, len(world.workers)) == (5, 5, 5)
    assert [event.text for event in world.events if isinstance(event, Warned)] == [
        "demo shrinks to fit the quota (CPUS in here): worker has 5 nodes instead of 8"
    ]
    kept = Workspace("demo").spec()
    assert kept and kept.groups["worker"].nodes == 5


def test_of_several_groups_the_last_shrinks(world: World) -> None:
    world.cloud.limits = [Limit("CPUS", "here", 18, 12, 0, 7, PAGE)]
    assert up(world, small=4, big=6).asked == 7
    assert [name for name in world.workers if "big" in name] == [
        f"demo-big-000{number}" for number in (1, 2, 3)
    ]


def test_where_not_even_one_fits_the_check_refuses(world: World) -> None:
    world.cloud.limits = [Limit("CPUS", "here", 18, 1, 0, 0, PAGE)]
    world.cloud.findings = [Finding("quota CPUS in here", "not even one node fits", "ask for more")]
    with pytest.raises(RefusedError, match="not even one node fits"):
        up(world)
    assert not world.cloud.there


def test_what_is_short_and_how_much_fits(world: World) -> None:
    world.cloud.limits = [Limit("CPUS", "here", 18, 12, 2, 5, PAGE), Limit("X", "here", 1)]
    room = consent.headroom(spec(), world.events.append)
    assert (room.fits, room.sizes) == (False, {"worker": 5})
    assert [(limit.left, limit.short) for limit in room.limits] == [(10, True), (None, False)]
    assert world.cloud.calls == ["close"], "nothing was created"


def test_a_cloud_without_quotas_is_checked_otherwise(world: World) -> None:
    assert consent.headroom(spec(), world.events.append).fits
    world.cloud.findings = [Finding("host: memory", "too little", "use fewer")]
    with pytest.raises(RefusedError, match="too little"):
        consent.headroom(spec(), world.events.append)
