"""One call of a cloud's API, tried again, told and stopped by one policy; one operation waited for.

Any SDK fits: what it raises is translated by the cloud's own table, and what a call or a look at an
operation is comes as a function. Retries of the SDKs' own stay off, as they are silent and know nothing
of rate limits.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_result,
    wait_random_exponential,
)

from provision.errors import InterruptedRun
from provision.events import Emit, Retried, ignore
from provision.failures import Answer, Service, ServiceFailure, TookTooLong, Unreachable

PATIENCE = 300.0
"""Seconds one call is tried for. Rate limits refill at the next full minute, and others want theirs."""
FIRST_PATIENCE = 20.0
"""Seconds for a lost connection while nothing has answered yet: more likely there is no way at all."""
ATTEMPT = 60.0
"""Seconds without a byte after which one attempt counts as lost."""
OPERATION = 600.0
"""Seconds an operation is waited for."""
FIRST_LOOK, LONGEST_LOOK = 0.2, 2.0
"""Seconds between two looks at an operation, at first and at most."""
LAST = 5.0
"""Seconds that calls after the deadline of a run may take together: they only say what there is."""

_BACKOFF = wait_random_exponential(multiplier=0.5, min=0.1, max=20.0)

Result = TypeVar("Result")
Operation = TypeVar("Operation")
Translated = Callable[[str], AbstractContextManager[None]]
"""Turns what a cloud's libraries raise within it into ServiceFailure; it is given what is being done."""


class Calls:
    """The calls of one client; may be used by several threads.

    ``stop`` ends waits and retries early with InterruptedRun; ``patience`` (seconds) may be lowered at
    any time and bounds every call; so may ``until``, the time by ``clock`` beyond which no call and no
    wait goes on: the run's deadline. ``clock`` (seconds, monotonic) and ``sleep`` are for tests.
    """

    patience = PATIENCE

    def __init__(
        self, service: Service, translated: Translated, emit: Emit = ignore, *,
        stop: threading.Event | None = None, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None, until: float = math.inf,
    ) -> None:  # fmt: skip
        self.until = until
        self._service, self._translated = service, translated
        self._emit, self._clock = emit, clock
        self._stop = stop or threading.Event()
        self._sleep = sleep or self._stop.wait
        self._answered = False

    def tried(
        self, doing: str, attempt: Callable[[float], Result], deadline: float = PATIENCE
    ) -> Result:
        """Ask once, and again for at most ``deadline`` seconds while it may work a little later.

        ``doing`` is for messages: ``create the network n``. ``attempt`` is given the seconds that it
        may wait for a byte. Raises ServiceFailure, InterruptedRun.
        """
        began = self._clock()
        deadline = min(deadline, max(1.0, self.until - began, min(LAST, self.until + LAST - began)))

        def once() -> Result:
            left = min(deadline, self.patience) - (self._clock() - began)
            try:
                with self._translated(doing):
                    result = attempt(max(1.0, min(ATTEMPT, left)))
            except ServiceFailure as failure:
                self._answered = self._answered or failure.status > 0
                raise
            self._answered = True
            return result

        return Retrying(
            retry=retry_if_exception(
                lambda error: isinstance(error, ServiceFailure) and error.transient
            ),
            wait=_before_next_try,
            stop=lambda state: self._patience_ends(state, began, deadline),
            before_sleep=lambda state: self._tell(doing, state),
            sleep=lambda seconds: self._pause(seconds, doing),
            retry_error_callback=lambda state: self._give_up(state, began),
        )(once)

    def waited(
        self, doing: str, operation: Operation, *, state: Callable[[Operation], str], done: str,
        look: Callable[[Operation, float], Operation], deadline: float = OPERATION,
    ) -> Operation:  # fmt: skip
        """The operation once its ``state`` is ``done``; how it ended is for the caller to read.

        ``look`` answers it as it is now, and is given the seconds that are left. Raises TookTooLong
        after ``deadline`` seconds, InterruptedRun.
        """
        began = self._clock()
        deadline = min(deadline, max(0.0, self.until - began))

        def left() -> float:
            return deadline - (self._clock() - began)

        if state(operation) != done:
            self._pause(FIRST_LOOK, doing)
            operation = Retrying(
                retry=retry_if_result(lambda seen: state(seen) != done),
                wait=lambda tries: min(LONGEST_LOOK, FIRST_LOOK * 1.3**tries.attempt_number),
                stop=lambda tries: tries.upcoming_sleep > left(),
                sleep=lambda seconds: self._pause(seconds, doing),
                # Instead of an error of tenacity's own.
                retry_error_callback=lambda tries: tries.outcome and tries.outcome.result(),
            )(lambda: look(operation, max(1.0, left())))
        if state(operation) != done:
            words = f"its operation was still {state(operation)} after {deadline - left():.0f} s"
            raise TookTooLong(self._service, doing, Answer(words))
        return operation

    def _pause(self, seconds: float, doing: str) -> None:
        if not self._stop.is_set():
            self._sleep(seconds)
        if self._stop.is_set():
            raise InterruptedRun(
                f"stopped while waiting for {self._service.name} to {doing}",
                "run the same command again to go on",
            )

    def _patience_ends(self, state: RetryCallState, began: float, deadline: float) -> bool:
        deadline = min(deadline, self.patience)
        if isinstance(_failure(state), Unreachable) and not self._answered:
            deadline = min(deadline, FIRST_PATIENCE)
        return self._clock() - began + state.upcoming_sleep > deadline

    def _tell(self, doing: str, state: RetryCallState) -> None:
        wait, error = round(state.upcoming_sleep, 3), _failure(state).said.words
        self._emit(Retried(what=doing, attempt=state.attempt_number, wait=wait, error=error))

    def _give_up(self, state: RetryCallState, began: float) -> Any:
        failure = _failure(state)
        raise failure.after(state.attempt_number, self._clock() - began) from failure.__cause__


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of the header: a number, or a time to compare with the answer's own date (RFC 9110)."""
    value = headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, until.total_seconds())
    except (TypeError, ValueError):
        return None


def _failure(state: RetryCallState) -> ServiceFailure:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, ServiceFailure)
    return error


def _before_next_try(state: RetryCallState) -> float:
    """Seconds: as long as the cloud asks for, or random up to a bound that doubles (full jitter)."""
    return max(_failure(state).said.retry_after or 0.0, _BACKOFF(state))
