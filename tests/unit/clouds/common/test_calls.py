"""What is tried again, for how long, what of it is told, and how operations are waited for: of a toy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from provision.clouds.common.calls import (
    ATTEMPT,
    FIRST_PATIENCE,
    LAST,
    PATIENCE,
    Calls,
    retry_after,
)
from provision.errors import InterruptedRun
from provision.events import Event, Retried
from provision.failures import (
    Answer,
    NotFound,
    ServiceFailure,
    TookTooLong,
    Unavailable,
    Unreachable,
)
from tests.unit.test_failures import TOY


class Broken(Exception):
    """What the toy's library raises: it holds the failure that it stands for."""


@contextmanager
def translated(doing: str) -> Iterator[None]:
    try:
        yield
    except Broken as error:
        kind, said = error.args
        raise kind(TOY, doing, said) from error


def busy(retry_after: float | None = None) -> Broken:
    return Broken(Unavailable, Answer("too busy", 503, retry_after=retry_after))


LOST = Broken(Unreachable, Answer("refused"))
GONE = Broken(NotFound, Answer("no such brick", 404))


class Bench:
    """Calls on a clock that only sleeping and attempts move forward, in seconds."""

    def __init__(
        self, *answers: Any, endless: bool = False, attempt: float = 0.0, **more: Any
    ) -> None:
        self.now, self.attempt = 1000.0, attempt
        self.slept: list[float] = []
        self.timeouts: list[float] = []
        self.told: list[Event] = []
        self.stop = threading.Event()
        self.answers = iter(lambda: answers[0], None) if endless else iter(answers)
        self.calls = Calls(
            TOY, translated, self.told.append, stop=self.stop, clock=lambda: self.now,
            sleep=self.sleep, **more,
        )  # fmt: skip

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def ask(self, **more: Any) -> Any:
        def attempt(timeout: float) -> Any:
            self.timeouts.append(timeout)
            self.now += self.attempt
            found = next(self.answers)
            if isinstance(found, Exception):
                raise found
            return found

        return self.calls.tried("grow", attempt, **more)

    def wait(self, **more: Any) -> Any:
        return self.calls.waited(
            "grow",
            "running",
            state=str,
            done="done",
            look=lambda seen, left: next(self.answers),
            **more,
        )


def test_what_may_work_later_is_tried_again_and_told_and_nothing_else() -> None:
    bench = Bench(busy(), busy(), "brick")
    assert bench.ask() == "brick"
    retries = [event for event in bench.told if isinstance(event, Retried)]
    assert [(each.what, each.attempt, each.error) for each in retries] == [
        ("grow", 1, "too busy"), ("grow", 2, "too busy"),
    ]  # fmt: skip
    assert [each.wait for each in retries] == [round(seconds, 3) for seconds in bench.slept]
    final = Bench(GONE)
    with pytest.raises(NotFound):
        final.ask()
    bug = Bench(KeyError("items"))
    with pytest.raises(KeyError):
        bug.ask()
    assert (final.told, final.slept, bug.told, bug.slept) == ([], [], [], [])


def test_waits_grow_with_jitter_up_to_a_bound_and_outlast_two_minutes() -> None:
    bench = Bench(busy(), endless=True)
    with pytest.raises(Unavailable) as caught:
        bench.ask()
    assert 120 < sum(bench.slept) <= PATIENCE
    assert all(wait <= min(20.0, 0.5 * 2**n) for n, wait in enumerate(bench.slept))
    assert len(set(bench.slept)) > len(bench.slept) // 2
    said = f"after {len(bench.slept) + 1} tries in {sum(bench.slept):.0f} s"
    assert said in str(caught.value) and isinstance(caught.value.__cause__, Broken)


def test_retry_after_is_honoured_and_never_beyond_the_deadline() -> None:
    bench = Bench(busy(33.0), "brick")
    bench.ask()
    assert bench.slept == [33.0]
    bench = Bench(busy(3600.0), endless=True)
    with pytest.raises(Unavailable):
        bench.ask()
    assert bench.slept == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "7"}, 7.0), ({}, None), ({"Retry-After": "soon"}, None),
     ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
     ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0.0),
     ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}, None)],
)  # fmt: skip
def test_the_header_is_seconds_or_a_time(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_the_deadline_is_the_callers_and_bounds_each_attempt() -> None:
    bench = Bench(busy(), endless=True, attempt=7.0)
    with pytest.raises(Unavailable):
        bench.ask(deadline=30.0)
    assert bench.now - 1000.0 <= 30.0 + 7.0
    assert bench.timeouts[0] == 30.0 and bench.timeouts[-1] < 30.0
    bench = Bench("brick")
    bench.ask()
    assert bench.timeouts == [ATTEMPT]


def test_the_runs_deadline_bounds_all_and_leaves_a_little_to_say_what_there_is() -> None:
    bench = Bench(busy(), endless=True, until=1020.0)
    with pytest.raises(Unavailable):
        bench.ask()
    assert bench.now <= 1020.0
    late = Bench(busy(), endless=True, until=990.0, attempt=0.5)
    with pytest.raises(Unavailable):
        late.ask()
    assert late.now - 1000.0 <= LAST and late.timeouts[0] == 1.0


def test_without_any_answer_yet_a_lost_connection_is_soon_given_up() -> None:
    bench = Bench(LOST, endless=True)
    with pytest.raises(Unreachable):
        bench.ask()
    assert sum(bench.slept) <= FIRST_PATIENCE
    for first in ("brick", GONE):
        bench = Bench(first)
        if first is GONE:
            with pytest.raises(NotFound):
                bench.ask()
        else:
            bench.ask()
        bench.answers = iter(lambda: LOST, None)
        with pytest.raises(Unreachable):
            bench.ask()
        assert sum(bench.slept) > FIRST_PATIENCE


def test_patience_may_be_lowered_at_any_time() -> None:
    bench = Bench(busy(), endless=True)
    bench.calls.patience = 5.0
    with pytest.raises(ServiceFailure):
        bench.ask()
    assert sum(bench.slept) <= 5.0 and max(bench.timeouts) <= 5.0


def test_stopping_ends_a_retry_and_a_wait_for_an_operation() -> None:
    bench = Bench(busy(), endless=True)
    bench.stop.set()
    with pytest.raises(InterruptedRun, match="stopped while waiting for Toy to grow: run the same"):
        bench.ask()
    assert len(bench.timeouts) == 1
    bench = Bench("running", endless=True)
    bench.stop.set()
    with pytest.raises(InterruptedRun):
        bench.wait()
    assert bench.slept == []


def test_stopping_wakes_a_wait_that_runs() -> None:
    stop = threading.Event()
    calls = Calls(TOY, translated, stop=stop)
    threading.Timer(0.05, stop.set).start()

    def attempt(timeout: float) -> None:
        raise busy(60.0)

    with pytest.raises(InterruptedRun):
        calls.tried("grow", attempt)


def test_an_operation_is_looked_at_ever_more_seldom_until_it_is_done() -> None:
    bench = Bench(*["running"] * 15, "done", "never asked for")
    assert bench.wait() == "done"
    assert len(bench.slept) == 16 and bench.slept == sorted(bench.slept)
    assert (bench.slept[0], bench.slept[-1]) == (0.2, 2.0)


def test_what_is_done_already_is_not_looked_at() -> None:
    bench = Bench()
    assert bench.calls.waited(
        "grow", "done", state=str, done="done", look=lambda seen, left: pytest.fail("looked")
    )
    assert bench.slept == []


@pytest.mark.parametrize(("until", "most"), [(float("inf"), 30.0), (1010.0, 10.0)])
def test_an_operation_that_takes_too_long_says_how_it_was(until: float, most: float) -> None:
    bench = Bench("pending", endless=True, until=until)
    with pytest.raises(TookTooLong, match=r"still pending after .* s.*it goes on at Toys Inc"):
        bench.wait(deadline=30.0)
    assert most - 5 < sum(bench.slept) <= most
