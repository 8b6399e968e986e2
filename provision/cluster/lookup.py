"""Which clusters there are, and where: every place is asked at once, each within a bound of time.

A place that cannot be asked is told, with its reason: that nothing was found in the others says nothing
of it.
"""

import contextlib
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from provision.cloud import Cloud, Machine
from provision.clouds import words_of
from provision.errors import CloudFailure, RefusedError, RuntimeFailure
from provision.spec.clouds import Cloud as CloudSpec

T = TypeVar("T")

SECONDS = 30.0
"""Seconds in which every place has answered, or counts as one that could not be asked."""


@dataclass(slots=True)
class AskedCloud:
    """A cloud with what people call it; one that is ``hung`` keeps a thread waiting."""

    words: str
    cloud: Cloud
    hung: bool = False


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """What the places said, and in words why some said nothing."""

    said: Sequence[tuple[AskedCloud, T]]
    unasked: Sequence[str] = ()

    @property
    def asked(self) -> list[str]:
        """The places that answered."""
        return [place.words for place, _ in self.said]


@contextlib.contextmanager
def opened(
    specs: Sequence[CloudSpec], make: Callable[[CloudSpec], Cloud], within: float = math.inf
) -> Iterator[list[AskedCloud]]:
    """The places of these specs; ``make`` is what makes a cloud, which is given so many seconds."""
    made = [AskedCloud(words_of(spec), make(spec)) for spec in specs]
    for place in made:
        place.cloud.within(within)
    try:
        yield made
    finally:
        for place in made:
            if not place.hung:  # it may hold what closing it would wait for
                place.cloud.close()


def together(
    calls: Sequence[Callable[[], T]], seconds: float
) -> tuple[dict[int, T], dict[int, BaseException]]:
    """Call all at once: what each answered and what each raised, by its turn.

    One that is still at it after ``seconds`` is in neither, and is not waited for any longer.
    """
    answers: dict[int, T] = {}
    failed: dict[int, BaseException] = {}
    done: queue.SimpleQueue[int] = queue.SimpleQueue()

    def one(turn: int, call: Callable[[], T]) -> None:
        try:
            answers[turn] = call()
        except BaseException as error:  # noqa: BLE001  # raised or told by whoever waits
            failed[turn] = error
        done.put(turn)

    for turn, call in enumerate(calls):
        # Not a pool: Python would wait at its end for a thread that hangs.
        threading.Thread(target=one, args=(turn, call), daemon=True, name="ask").start()
    end = time.monotonic() + seconds
    with contextlib.suppress(queue.Empty):
        for _ in calls:
            done.get(timeout=max(0.0, end - time.monotonic()))
    return dict(answers), dict(failed)


def ask(places: Sequence[AskedCloud], question: Callable[[Cloud], T]) -> Answers[T]:
    """Put the question to all places at once; who is silent for :data:`SECONDS` is not waited for."""
    calls = [partial(question, place.cloud) for place in places]
    answers, failed = together(calls, SECONDS)
    said: list[tuple[AskedCloud, T]] = []
    unasked: list[str] = []
    for turn, place in enumerate(places):
        if turn in answers:
            said.append((place, answers[turn]))
        elif turn in failed:
            unasked.append(f"{place.words} could not be asked ({_reason(failed[turn])})")
        else:
            place.hung = True
            place.cloud.interrupt()  # it may end by itself then
            unasked.append(f"{place.words} did not answer within {SECONDS:.0f} s")
    return Answers(said, unasked)


def _reason(error: BaseException) -> str:
    if isinstance(error, RefusedError):
        return "; ".join(f"{finding.where}: {finding.problem}" for finding in error.findings)
    if isinstance(error, RuntimeFailure | CloudFailure):
        return error.problem
    raise error


def holding(
    asked: Sequence[AskedCloud], name: str, *, alone: bool
) -> tuple[dict[str, Cloud], Answers[list[str]], list[Machine]]:
    """The clusters that exist, by name (only the one of that name), with the cloud that has each.

    And the machines that were listed for it: one that has any exists, by the list a command needs anyway.
    """
    known: list[Machine] = []
    if alone and len(asked) == 1:
        # Where its files say that it is: worth all the patience that the cloud itself has.
        (place,) = asked
        known = place.cloud.machines(name)
        clusters = [name] if known else place.cloud.clusters(name)
        answers = Answers([(place, clusters)])
    else:
        answers = ask(asked, lambda cloud: cloud.clusters(name))
    held: dict[str, Cloud] = {}
    for place, clusters in answers.said:
        for cluster in clusters:
            held.setdefault(cluster, place.cloud)
    return held, answers, known
