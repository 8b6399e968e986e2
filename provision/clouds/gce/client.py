"""The one place that makes clients of Compute Engine, and the one that decides what is tried again.

Google's library is imported with the first client: that takes two seconds, and lists go without it. Its
own retries stay off, as they are silent and know nothing of rate limits, and so does its polling of
operations: that leaves the endpoint, and takes errors without an HTTP status for success.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from provision import extras
from provision.clouds.common.calls import OPERATION, PATIENCE, Calls
from provision.clouds.gce.api.listing import Lists, Row, query_of, rows
from provision.clouds.gce.api.request import fields_of, request_of, scope_of
from provision.clouds.gce.api.signin import client_of, credentials_of
from provision.clouds.gce.api.translate import translated
from provision.clouds.gce.service import GCE
from provision.clouds.gce.settings import Settings
from provision.events import Emit, ignore

if TYPE_CHECKING:
    from google.cloud.compute_v1 import Operation

PAGE = 500
"""Rows of a page, the most that Google gives."""

Client = TypeVar("Client")
Result = TypeVar("Result")
Found = TypeVar("Found")


class Gce:
    """Clients, calls, lists and operations of one project; may be used by several threads.

    ``stop``, ``clock``, ``sleep`` and ``until`` are as in :class:`Calls`, which every call goes by.
    Raises RefusedError where Google's library is not installed.
    """

    def __init__(
        self, settings: Settings, emit: Emit = ignore, *, stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] | None = None,
        until: float = math.inf,
    ) -> None:  # fmt: skip
        extras.check("gce", "cloud: gce")
        self.settings = settings
        self.calls = Calls(GCE, translated, emit, stop=stop, clock=clock, sleep=sleep, until=until)
        self._clients: dict[type[Any], Any] = {}
        self._credentials: Any = None
        self._lists: Lists | None = None
        self._lock = threading.Lock()

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

        return self.calls.tried(doing, attempt, deadline)

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
            found, token = self.calls.tried(doing, attempt, PATIENCE)
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
        finished: Operation = self.calls.waited(
            doing, operation, state=_status, done="DONE", deadline=deadline,
            look=lambda seen, left: self._look(seen, doing, left),
        )  # fmt: skip
        failure = exceptions.failed(doing, finished)
        if failure:
            raise failure
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
        scope, looking = scope_of(operation), f"look at the operation to {doing}"
        method = self.client(_operations_of(scope)).get
        return self.call(looking, method, deadline=left, operation=operation.name, **scope)


def _operations_of(scope: Mapping[str, str]) -> Any:
    """The client of the operations of a zone, a region or all."""
    from provision.clouds.gce.api.compute import compute_v1

    if "zone" in scope:
        return compute_v1.ZoneOperationsClient
    return (
        compute_v1.RegionOperationsClient
        if "region" in scope
        else compute_v1.GlobalOperationsClient
    )


def _status(operation: Any) -> str:
    return str(getattr(operation.status, "name", operation.status))
