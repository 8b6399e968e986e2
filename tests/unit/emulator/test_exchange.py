"""One order of checks for every emulated API."""

from collections.abc import Awaitable, Callable

import pytest

from provision.emulator.exchange import Asked, Left, Trouble
from tests.unit.emulator.toy import Asking, ToyError, done

EVERYTHING = ["find", "admit", "read", "handle", "shown"]


def test_a_request_is_taken_step_by_step() -> None:
    asking = Asking()
    answer = asking.ask("/make/it")
    assert asking.toy.steps == EVERYTHING
    assert (answer.status, answer.content, answer.method) == (201, {"number": 1}, "toy.make")


def test_a_method_that_waits_is_waited_for() -> None:
    assert Asking().ask("/wait/it").content == {"number": 1}


def test_who_may_not_ask_is_refused_before_the_body_is_read() -> None:
    asking = Asking()
    asking.toy.nobody = True
    assert asking.ask("/make/it", data=b"?").content == {"wrong": "not you"}
    assert asking.toy.steps == ["find", "admit"]


def test_what_makes_no_sense_is_refused_before_it_is_done() -> None:
    asking = Asking()
    assert asking.ask("/make/it", data=b"?").status == 400
    assert asking.toy.made == 0


def test_a_dialled_fault_comes_before_all_other_checks() -> None:
    asking = Asking()
    asking.toy.nobody = True
    asking.dial(method="toy.make", status=503, message="gone", retry_after=7)
    answer = asking.ask("/make/it")
    assert (answer.status, answer.content) == (503, {"wrong": "gone"})
    assert answer.headers == {"Retry-After": "7"}
    assert asking.toy.steps == ["find"]


def test_a_slow_answer_is_the_answer_also_where_it_is_an_error() -> None:
    asking = Asking()
    asking.dial(method="toy.*", kind="slow", seconds=3)
    assert (asking.ask("/make/it").delay, asking.toy.made) == (3.0, 1)
    refused = asking.ask("/make/it", data=b"?")
    assert (refused.status, refused.delay) == (400, 3.0)
    assert asking.recorded()[-1]["seconds"] >= 3, "the client waits for it"


def test_a_dropped_request_is_not_done_and_recorded_without_a_status() -> None:
    asking = Asking()
    asking.dial(method="*", kind="drop")
    assert asking.ask("/make/it").drop
    assert (asking.toy.made, asking.recorded()[-1]["status"]) == (0, 0)


def test_a_part_of_a_batch_is_neither_dropped_nor_slow() -> None:
    asking = Asking()
    asking.dial(method="*", kind="drop")
    answer = asking.ask("/make/it", alone=False)
    assert (answer.drop, answer.status, answer.content) == (False, 503, {"wrong": "Backend Error"})
    assert asking.recorded()[-1]["status"] == 503
    asking.dial(method="*", kind="slow", seconds=3)
    assert asking.ask("/make/it", alone=False).delay == 0


def test_the_same_request_again_is_answered_and_not_done_again() -> None:
    asking = Asking()
    first, again, other = (asking.ask("/make/it", ident) for ident in ("one", "one", "two"))
    assert (first.content, again.content, other.content) == (
        {"number": 1}, {"number": 1}, {"number": 2},
    )  # fmt: skip
    assert asking.ask("/make/that", "one").content == {"wrong": "used"}


def test_a_request_that_was_refused_may_come_again_under_its_id() -> None:
    asking = Asking()
    assert asking.ask("/break/it", "one").status == 500
    assert asking.ask("/make/it", "one").status == 201


def test_a_bug_is_told_to_the_log_and_not_to_the_client(caplog: pytest.LogCaptureFixture) -> None:
    asking = Asking()
    answer = asking.ask("/break/it")
    assert answer.content == {"wrong": "Internal error: please report it with the log."}
    assert (answer.status, asking.recorded()[-1]["status"]) == (500, 500)
    assert "ZeroDivisionError" in caplog.text


def test_every_request_is_recorded_whatever_becomes_of_it() -> None:
    asking = Asking()
    asking.ask("/make/it", "one")
    (one,) = asking.recorded()
    assert (one["verb"], one["path"], one["method"]) == ("POST", "/make/it", "toy.make")
    assert (one["request_id"], one["agent"], one["status"]) == ("one", "me", 201)

    def failing(error: Exception) -> Callable[[], Awaitable[bytes]]:
        async def bring() -> bytes:
            raise error

        return bring

    asked = Asked("PUT", "/make/it", [], {})
    large = asking.toy.refusal(Trouble.LARGE, "large")
    assert done(asking.exchange.take(asked, failing(large))).status == 413
    assert done(asking.exchange.take(asked, failing(Left()))).status == 499
    assert [row["status"] for row in asking.recorded()] == [201, 413, 499]
    assert asking.toy.steps.count("find") == 1, "nothing is judged of what did not come"
    assert isinstance(large, ToyError)
