"""The ground truth of what clients did: every request, kept until there are too many."""

import itertools
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 200_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``seconds`` is how long the answer took; ``began`` is since the epoch."""

    number: int
    began: float
    verb: str
    path: str
    method: str
    status: int
    seconds: float
    request_id: str
    agent: str


class Record:
    """Keeps the last :data:`KEPT` requests, and counts all of them by method and status."""

    def __init__(self) -> None:
        self._kept: deque[Request] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self.counts: Counter[tuple[str, int]] = Counter()

    def add(self, **about: Any) -> None:
        """Remember one; arguments are the fields of :class:`Request` but its number."""
        request = Request(number=next(self._numbers), **about)
        self._kept.append(request)
        self.counts[request.method or request.path, request.status] += 1

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self.counts.clear()

    def since(self, number: int = 0) -> Iterator[dict[str, Any]]:
        """Requests after that number, oldest first."""
        for request in list(self._kept):
            if request.number > number:
                yield asdict(request)
