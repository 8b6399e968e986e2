"""Failures of any cloud: a toy's own words make every sentence, and no other cloud's stand in one."""

import pytest

from provision import failures, refusals
from provision.failures import Answer, Cause, Service, ServiceFailure

TOY = Service(
    name="Toy", owner="Toys Inc", account="toybox", login="toy login", give_key="export TOY_KEY=FILE",
    renew_key="cut a new TOY_KEY", role="toy.admin", endpoint="TOY_ENDPOINT", status_page="https://toy/up",
    quota_page="https://toy/quota", rates_page="https://toy/rates", billing_page="https://toy/pay",
)  # fmt: skip
KINDS = [
    kind
    for module in (failures, refusals)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, ServiceFailure)
]


def made(
    kind: type[ServiceFailure], words: str = "it {went}\nwrong", **facts: str
) -> ServiceFailure:
    return kind(TOY, "build the tower", Answer(words, facts=facts))


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_one_sentence_of_its_own_cloud_with_a_next_step(kind: type[ServiceFailure]) -> None:
    found = made(kind)
    assert "build the tower" in found.problem and found.next_step
    assert not any(word in str(found) for word in ("\n", "Google", "GCE", "gcloud", "Azure"))


@pytest.mark.parametrize(
    ("kind", "step"),
    [(failures.ServiceFailure, "https://toy/up"), (failures.RateLimited, "https://toy/rates"),
     (failures.Unreachable, "TOY_ENDPOINT"), 
     (failures.NoCredentials, "'toy login', or export TOY_KEY=FILE"),
     (failures.ExpiredCredentials, "'toy login', or cut a new TOY_KEY"), (failures.TookTooLong, "Toys Inc"),
     (failures.NotFound, "toybox"), (refusals.Denied, "the toybox's owner for a role with it (toy.admin)"),
     (refusals.NoBilling, "https://toy/pay"), (refusals.OverQuota, "https://toy/quota")],
)  # fmt: skip
def test_the_next_step_leads_to_the_clouds_own_places(
    kind: type[ServiceFailure], step: str
) -> None:
    assert step in made(kind).next_step


def test_facts_make_a_refusal_precise_and_their_want_does_not_break_it() -> None:
    full = made(refusals.OverQuota, metric="BRICKS", limit="12.0", family="red", region="attic")
    assert full.problem.endswith("(it takes more BRICKS for red than the quota of 12 in attic)")
    assert (
        "for want of quota (it {went} wrong)" in made(refusals.OverQuota, metric="BRICKS").problem
    )
    whole = made(refusals.OverQuota, metric="BRICKS", limit="1.5")
    assert whole.problem.endswith("than the quota of 1.5 in all the toybox)")
    denied = made(refusals.Denied, permission="toy.take", resource="toybox/1")
    assert "the permission toy.take is missing on toybox/1" in denied.problem
    out = made(refusals.StockOut, zone="shelf-a", elsewhere="shelf-b shelf-c")
    assert "zone shelf-a has no" in out.problem and "(shelf-b, shelf-c have some)" in out.next_step


def test_the_clouds_own_next_step_counts_before_the_kinds() -> None:
    found = failures.NotFound(TOY, "look", Answer("no", fix="ask your mother"))
    assert found.next_step == "ask your mother"


def test_tries_are_told_and_everything_else_is_kept() -> None:
    first = refusals.StockOut(TOY, "build", Answer("no", 503, facts={"zone": "a"}))
    found = first.after(4, 61.2)
    assert found.problem == f"{first.problem}, after 4 tries in 61 s"
    assert (found.zone, found.status, found.service) == ("a", 503, TOY)


def test_waiting_mends_only_boots_and_what_is_not_known() -> None:
    assert {cause for cause in Cause if not cause.hopeless} == {Cause.BOOT, Cause.OTHER}
