"""From a request to its answer: one order of checks for every emulated API.

Who has no business here (``access.py``) and a body without bounds (``bodies.py``) are refused before. Then

which method -> dialled faults -> may this caller ask now -> what is asked -> the same request again?
-> the method itself -> how its result looks

and every exchange is recorded with the time that it took.
"""

import inspect
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from provision.emulator.dials import Fault
from provision.emulator.faults import Faults
from provision.emulator.record import Record

Json = dict[str, Any]
log = logging.getLogger(__name__)
REPEATS_KEPT = 50_000
"""Requests that are known again by their ids."""


class Trouble(StrEnum):
    """What any API refuses, in words and with a status of its own."""

    LATE = "the body did not come in time"
    LARGE = "the body is too large"
    PACKED = "the body cannot be unpacked"
    WRONG = "what is asked makes no sense"
    UNKNOWN = "no token, or not the right one"
    STRANGER = "not from where it may be asked"
    KIND = "another kind of content than is read"
    NOWHERE = "there is nothing at that path"
    BUG = "something of ours broke"


class Refusal(Exception, ABC):  # the APIs' own are called errors
    """An error as an API answers it."""

    status: int
    headers: Mapping[str, str] = {}

    @abstractmethod
    def body(self) -> Json:
        """The answer's JSON."""


class Left(Exception):  # nothing is wrong with the request
    """The client has gone before its whole request came."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``query`` keeps the order; names in ``headers`` are lower case."""

    verb: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(slots=True)
class Answer:
    """What goes back: JSON (None for none) with a status and perhaps headers."""

    status: int
    content: Json | None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds to wait before it is sent."""
    drop: bool = False
    """Close the connection without a word."""
    method: str = ""


def refused(error: Refusal) -> Answer:
    """The answer that an error is."""
    return Answer(error.status, error.body(), dict(error.headers))


@dataclass(frozen=True, slots=True)
class Repeat:
    """By what a request is known again, and what is asked under that id."""

    key: Hashable
    asked: str


class Found(Protocol):
    """A method that a request means."""

    @property
    def id(self) -> str:
        """Its name, as dials and the record have it."""


F = TypeVar("F", bound=Found)
C = TypeVar("C")


class Api(Protocol[F, C]):
    """One emulated API: what is its own about each check. All may raise :class:`Refusal`."""

    headers: Mapping[str, str]
    """Of every answer that has content."""

    def find(self, asked: Asked) -> F:
        """The method that a verb and a path mean."""

    def admit(self, found: F) -> None:
        """Refuse who is nobody here, and who has asked too often lately."""

    def read(self, found: F, asked: Asked) -> C:
        """The request by the API's own schema; refuses what the caller may not."""

    def repeat(self, call: C, asked: Asked) -> Repeat | None:
        """By what it would be known again, None for what always is done anew."""

    def reused(self, call: C) -> Refusal:
        """An id came again with another request."""

    def handle(self, call: C) -> Any | Awaitable[Any]:
        """Do it."""

    def shown(self, call: C, result: Any) -> Answer:
        """The result as it is answered."""

    def failed(self, fault: Fault) -> Refusal:
        """What a dialled fault of the kind ``http`` answers."""

    def refusal(self, trouble: Trouble, message: str) -> Refusal:
        """What any API refuses, in this one's shape."""

    def request_id(self, asked: Asked) -> str:
        """The client's own id of a request, '' for none."""

    def indented(self, asked: Asked) -> bool:
        """Whether JSON is sent for people to read."""


class Exchange(Generic[F, C]):
    """Takes the requests of one emulated API."""

    def __init__(self, api: Api[F, C], faults: Faults) -> None:
        self.api, self._faults = api, faults
        self.record = Record()
        self._seen: dict[Hashable, tuple[str, Any]] = {}

    async def take(
        self, asked: Asked, body: Callable[[], Awaitable[bytes]], *, alone: bool = True
    ) -> Answer:
        """Answer one request, and record it. ``body`` brings the body. Never raises.

        A request that is not ``alone`` on its connection can neither wait nor be dropped.
        """
        began, clock = time.time(), time.monotonic()
        answer = Answer(500, None)
        try:
            answer = await self._answer(replace(asked, body=await body()))
            if not alone:
                answer = self._within(answer)
        except Refusal as error:
            answer = refused(error)
        except Left:
            answer = Answer(499, None)
        except Exception as error:  # noqa: BLE001  # answered as the API does, and told as a bug
            bug(error)
            told = "Internal error: please report it with the log."
            answer = refused(self.api.refusal(Trouble.BUG, told))
        finally:
            self.record.add(
                began=began, verb=asked.verb, path=asked.path, method=answer.method,
                status=0 if answer.drop else answer.status,
                seconds=time.monotonic() - clock + answer.delay,
                request_id=self.api.request_id(asked), agent=asked.headers.get("user-agent", ""),
            )  # fmt: skip
        return answer

    async def _answer(self, asked: Asked) -> Answer:
        method, headers, delay = "", dict[str, str](), 0.0
        try:
            found = self.api.find(asked)
            method = found.id
            fault = self._faults.request(method)
            if fault is not None:
                if fault.kind == "drop":
                    return Answer(200, {}, drop=True, method=method)
                if fault.kind == "http":
                    if fault.retry_after is not None:
                        headers["Retry-After"] = str(fault.retry_after)
                    raise self.api.failed(fault)
                delay = self._faults.delay(fault)
            self.api.admit(found)
            call = self.api.read(found, asked)
            answer = self.api.shown(call, await self._result(call, asked))
        except Refusal as error:
            answer = refused(error)
        answer.headers |= headers
        answer.delay, answer.method = delay, method
        return answer

    async def _result(self, call: C, asked: Asked) -> Any:
        repeat = self.api.repeat(call, asked)
        if repeat and repeat.key in self._seen:
            before, result = self._seen[repeat.key]
            if before != repeat.asked:
                raise self.api.reused(call)
            return result
        result = self.api.handle(call)
        if inspect.isawaitable(result):
            result = await result
        if repeat:
            self._seen[repeat.key] = (repeat.asked, result)
            if len(self._seen) > REPEATS_KEPT:
                del self._seen[next(iter(self._seen))]
        return result

    def _within(self, answer: Answer) -> Answer:
        """An answer as part of another one."""
        if not answer.drop:
            return replace(answer, delay=0.0)
        away = Fault(method=answer.method, message="Backend Error")
        return replace(refused(self.api.failed(away)), method=answer.method)


def bug(error: Exception) -> None:
    """Something of ours broke: told to the log, never to the client."""
    log.error("the emulator failed", exc_info=error)
