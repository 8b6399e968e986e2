"""External addresses: the half of 198.18.0.0/15 below, which is never routed (RFC 2544)."""

import heapq
import itertools
from collections.abc import Iterator

from provision.emulator.addresses import text

FIRST, LAST = (198 << 24 | 18 << 16) + 2, (198 << 24 | 19 << 16) - 2


class External:
    """Hands out addresses, the lowest free one first."""

    def __init__(self) -> None:
        self._fresh: Iterator[int] = iter(range(FIRST, LAST + 1))
        self._back: list[int] = []

    def begin(self, number: int) -> None:
        """Begin with another of 256 addresses: emulators on one host shall not hand out the same."""
        first = FIRST + number % 256 * 256
        self._fresh = itertools.chain(range(first, LAST + 1), range(FIRST, first))

    def take(self) -> str:
        """An address nobody has. Raises LookupError when all 65,000 are out."""
        if self._back:
            return text(heapq.heappop(self._back))
        for number in self._fresh:
            return text(number)
        raise LookupError("all external addresses are in use")

    def give(self, address: str) -> None:
        """Have it back."""
        a, b, c, d = map(int, address.split("."))
        heapq.heappush(self._back, a << 24 | b << 16 | c << 8 | d)
