"""Names of many VMs: a pattern with ``#`` for digits, or a base with four random characters."""

import random
import re
from collections.abc import Callable, Container, Iterator

ALPHABET = "0123456789bcdfghjklmnpqrstvwxz"
"""What Google's random suffixes are made of: no vowels, so that no words appear."""
HASHES = re.compile(r"#+")
SUFFIX = 4


def numbered(pattern: str, number: int) -> str:
    """``n-####`` with 7 is ``n-0007``; more digits than hashes are written in full."""
    return HASHES.sub(lambda hashes: str(number).zfill(len(hashes[0])), pattern, count=1)


def numbers(pattern: str, names: list[str]) -> list[int]:
    """Numbers that names of this pattern have already."""
    begin, _, end = HASHES.sub("\0", pattern, count=1).partition("\0")
    shape = re.compile(re.escape(begin) + r"(\d+)" + re.escape(end) + r"\Z")
    return [int(found[1]) for name in names if (found := shape.match(name))]


def after_largest(pattern: str, names: list[str]) -> Iterator[str]:
    """Names by pattern from after the largest that exists (``bulkInsert``, clouds.md 1.3)."""
    number = max(numbers(pattern, names), default=0)
    while True:
        number += 1
        yield numbered(pattern, number)


def lowest_free(pattern: str, taken: Container[str]) -> Iterator[str]:
    """Names by pattern from 1 on, leaving out those taken (a group's sequential names)."""
    number = 0
    while True:
        number += 1
        name = numbered(pattern, number)
        if name not in taken:
            yield name


def random_names(
    base: str, taken: Container[str], chance: Callable[[int], random.Random]
) -> Iterator[str]:
    """``base-x7k2``; ``chance`` gives the source for the n-th draw."""
    draw = 0
    while True:
        draw += 1
        source = chance(draw)
        name = f"{base}-{''.join(source.choice(ALPHABET) for _ in range(SUFFIX))}"
        if name not in taken:
            yield name
