"""The one place that makes clients of Compute Engine, and the one that decides what is tried again.

Google's library is imported with the first client: that takes two seconds, and lists go without it. Its
own retries stay off, as they are silent and know nothing of rate limits, and so does its polling of
operations: that leaves the endpoint, and takes errors without an HTTP status for success.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_result,
    wait_random_exponential,
)

from provision import extras
from provision.clouds.gce.api.listing import Lists, Row, query_of, rows
from provision.clouds.gce.api.request import fields_of, request_of, scope_of
from provision.clouds.gce.api.signin import client_of, credentials_of
from provision.clouds.gce.api.translate import translated
from provision.clouds.gce.service import GCE
from provision.clouds.gce.settings import Settings
from provision.errors import InterruptedRun
from provision.events import Emit, Retried, ignore
from provision.failures import Answer, ServiceFailure, TookTooLong, Unreachable

if TYPE_CHECKING:
    from google.cloud.compute_v1 import Operation

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
PAGE = 500
"""Rows of a page, the most that Google gives."""

_BACKOFF = wait_random_exponential(multiplier=0.5, min=0.1, max=20.0)

Client = TypeVar("Client")
Result = TypeVar("Result")
Found = TypeVar("Found")


class Gce:
    """Clients, calls, lists and operations of one project; may be used by several threads.
    ``stop`` ends waits and retries early with InterruptedRun; ``patience`` (seconds) may be lowered at
    any time and bounds every call; so may ``until``, the time by ``clock`` beyond which no call and no
    wait goes on: the run's deadline. ``clock`` (seconds, monotonic) and ``sleep`` are for tests. Raises
    RefusedError where Google's library is not installed.
    """

    patience = PATIENCE

    def __init__(
        self, settings: Settings, emit: Emit = ignore, *, stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] | None = None,
        until: float = math.inf,
    ) -> None:  # fmt: skip
        extras.check("gce", "cloud: gce")
        self.settings, self.until = settings, until
        self._emit, self._clock = emit, clock
        self._stop = stop or threading.Event()
        self._sleep = sleep or self._stop.wait
        self._clients: dict[type[Any], Any] = {}
        self._credentials: Any = None
        self._lists: Lists | None = None
        self._lock = threading.Lock()
        self._answered = False

    def client(self, kind: type[Client]) -> Client:
        """The client of that class (``compute_v1.NetworksClient``), made once. Raises ServiceFailure."""
        with self._lock:
            if kind not in self._clients:
                self._clients[kind] = client_of(kind, self.settings, self._signed())
            made: Client = self._clients[kind]
            return made

    def call(
        self, doing: str, method: Callable[..., Result], /, *, deadline: float = PATIENCE, **fields: Any
    ) -> Result:  # fmt: skip
        """Ask once, and again for at most ``deadline`` seconds while it may work a little later.

        ``doing`` is for messages: ``create the network n``. ``method`` is a client's own, for changes
        the one that ends in ``_unary``; ``fields`` are its request's, where ``project`` and ``region``
        default to the settings'. A change has one ``request_id`` for all its tries, by which Google
        does it once. Raises ServiceFailure, InterruptedRun.
        """
        request = request_of(method, self.settings, fields)

        def attempt(timeout: float) -> Result:
            return method(request=request, retry=None, timeout=timeout)

        return self._tried(doing, attempt, deadline)

    def _tried(self, doing: str, attempt: Callable[[float], Result], deadline: float) -> Result:
        """The one retry policy. ``attempt`` is given the seconds that it may wait for a byte."""
        began = self._clock()
        deadline = min(deadline, max(1.0, self.until - began, min(LAST, self.until + LAST - began)))

        def once() -> Result:
            left = min(deadline, self.patience) - (self._clock() - began)
            try:
                with translated(doing):
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

    def pages(
        self, doing: str, method: Callable[..., Iterable[Found]], /, *, deadline: float = PATIENCE,
        **fields: Any,
    ) -> Iterator[list[Found]]:  # fmt: skip
        """A list, page by page, with ``deadline`` seconds for each; the rows are the SDK's.

        An aggregated list has pairs of a scope and what is in it. Raises as :meth:`call`.
        """
        if "max_results" in fields_of(method):
            fields.setdefault("max_results", PAGE)
        while True:
            pager: Any = self.call(doing, method, deadline=deadline, **fields)
            page = next(iter(pager.pages))
            # Without a token the pager ends here; else it would go on by itself, untold.
            token, page.next_page_token = page.next_page_token, ""
            yield list(pager)
            if not token:
                return
            fields["page_token"] = token

    def rows(
        self, doing: str, method: Callable[..., Iterable[Found]], /, *, deadline: float = PATIENCE,
        **fields: Any,
    ) -> Iterator[Found]:  # fmt: skip
        """The rows of all :meth:`pages`."""
        for page in self.pages(doing, method, deadline=deadline, **fields):
            yield from page

    def listed(self, doing: str, path: str, fields: str, wanted: str = "") -> Iterator[Row]:
        """A list without Google's library, by page: ``path`` is ``aggregated/instances`` and the like.

        ``fields`` are those of a row that are asked for (``name,labels``), ``wanted`` is a filter.
        Tried again and told like every call; raises as :meth:`call`.
        """
        query = query_of(path, fields, wanted, PAGE)

        def attempt(timeout: float) -> tuple[list[Row], str]:
            page = self._signed_lists().page(path, query, timeout)
            return list(rows(page, path)), page.get("nextPageToken", "")

        while True:
            found, token = self._tried(doing, attempt, PATIENCE)
            yield from found
            if not token:
                return
            query["pageToken"] = token

    def wait(self, operation: Any, deadline: float = OPERATION, doing: str = "") -> "Operation":
        """The operation once it is DONE: Google has taken it over, no machine need have booted.

        Raises ServiceFailure where it ended with an error (also one without an HTTP status), TookTooLong
        after ``deadline`` seconds, InterruptedRun.
        """
        from provision.clouds.gce.api import exceptions

        doing = doing or f"{operation.operation_type} {operation.target_link.rpartition('/')[2]}"
        began = self._clock()
        deadline = min(deadline, max(0.0, self.until - began))

        def left() -> float:
            return deadline - (self._clock() - began)

        if not _done(operation):
            self._pause(FIRST_LOOK, doing)
            operation = Retrying(
                retry=retry_if_result(lambda seen: not _done(seen)),
                wait=lambda state: min(LONGEST_LOOK, FIRST_LOOK * 1.3**state.attempt_number),
                stop=lambda state: state.upcoming_sleep > left(),
                sleep=lambda seconds: self._pause(seconds, doing),
                # Instead of an error of tenacity's own.
                retry_error_callback=lambda state: state.outcome and state.outcome.result(),
            )(lambda: self._look(operation, doing, left()))
        if not _done(operation):
            status = getattr(operation.status, "name", operation.status)
            words = f"its operation was still {status} after {deadline - left():.0f} s"
            raise TookTooLong(GCE, doing, Answer(words))
        failure = exceptions.failed(doing, operation)
        if failure:
            raise failure
        finished: Operation = operation
        return finished

    def close(self) -> None:
        """Let go of connections; the next call makes new ones."""
        with self._lock:
            for client in self._clients.values():
                client.transport.close()
            self._clients.clear()
            if self._lists:
                self._lists.close()
            self._lists = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self.close()

    def _signed(self) -> Any:
        """The credentials, looked up once. The caller holds the lock."""
        self._credentials = self._credentials or credentials_of(self.settings)
        return self._credentials

    def _signed_lists(self) -> Lists:
        with self._lock:
            self._lists = self._lists or Lists(self.settings, self._signed())
            return self._lists

    def _look(self, operation: Any, doing: str, left: float) -> Any:
        """The operation as it is now, asked in its own scope."""
        from provision.clouds.gce.api.compute import compute_v1

        scope = scope_of(operation)
        method: Callable[..., Any]
        if "zone" in scope:
            method = self.client(compute_v1.ZoneOperationsClient).get
        elif "region" in scope:
            method = self.client(compute_v1.RegionOperationsClient).get
        else:
            method = self.client(compute_v1.GlobalOperationsClient).get
        looking = f"look at the operation to {doing}"
        deadline = max(1.0, left)
        return self.call(looking, method, deadline=deadline, operation=operation.name, **scope)

    def _pause(self, seconds: float, doing: str) -> None:
        if not self._stop.is_set():
            self._sleep(seconds)
        if self._stop.is_set():
            raise InterruptedRun(
                f"stopped while waiting for GCE to {doing}", "run the same command again to go on"
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


def _done(operation: Any) -> bool:
    return getattr(operation.status, "name", "") == "DONE"


def _failure(state: RetryCallState) -> ServiceFailure:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, ServiceFailure)
    return error


def _before_next_try(state: RetryCallState) -> float:
    """Seconds: as long as Google asks for, or random up to a bound that doubles (full jitter)."""
    return max(_failure(state).said.retry_after or 0.0, _BACKOFF(state))
