"""What a kind of cloud resource is to this package; nothing in here knows Pulumi.

A class derived from :class:`Resource` is written as if there were only one call at a time: plain
values in, plain values out, errors of :mod:`provision.errors`. Its methods run in threads of their
own, many at once, so they keep nothing on ``self`` that they change.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from provision.errors import ProvisionError

Inputs = Mapping[str, Any]
"""What a program asks for: None, bool, int, float, str, lists and string-keyed maps of these."""
Outputs = Mapping[str, Any]
"""What there is, of the same types. A key that is an input too holds its value as found."""


@dataclass(frozen=True, slots=True)
class InputFault:
    """An input that cannot be: its key and one clause that says why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Created:
    """A resource that is there now. ``ident`` is what all later calls know it by."""

    ident: str
    outputs: Outputs


@dataclass(frozen=True, slots=True)
class Work:
    """What a call may take and whether the user wants it to end: for loops that wait.

    ``until`` is a time of ``time.monotonic()`` in seconds.
    """

    until: float
    stopping: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def within(cls, seconds: float, stopping: threading.Event) -> "Work":
        """Work that may take that many seconds from now."""
        return cls(time.monotonic() + seconds, stopping)

    @property
    def left(self) -> float:
        """Seconds until the deadline, 0 when it is past."""
        return max(0.0, self.until - time.monotonic())

    @property
    def stopped(self) -> bool:
        """Whether the user asked to stop; ending early is allowed, never required."""
        return self.stopping.is_set()


class Unfinished(ProvisionError):
    """Something is there now, but not as it was asked for.

    Raised by ``create`` or ``update``. The resource enters the state with what it has, so that
    ``destroy`` deletes it, and the next ``up`` calls ``update``.
    """

    def __init__(self, ident: str, outputs: Outputs, problem: str, next_step: str = "") -> None:
        super().__init__(problem, next_step)
        self.ident, self.outputs = ident, outputs


class Resource(ABC):
    """One kind of cloud resource. All methods may be called again after a kill at any instant."""

    token: ClassVar[str]
    """``provision:MODULE:Kind``, as in the state and in URNs."""
    outputs: ClassVar[frozenset[str]] = frozenset()
    """Keys that :meth:`create` adds to the inputs; a preview shows them as not yet known."""
    replace_on: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose change replaces the resource; a change of any other updates it."""
    secret: ClassVar[frozenset[str]] = frozenset()
    """Inputs and outputs that are encrypted in the state."""
    delete_first: ClassVar[bool] = True
    """Whether a replacement deletes before it creates, as deterministic names demand."""
    seconds: ClassVar[float] = 1200.0
    """Seconds a call may take where the program sets no other time."""

    def check(self, inputs: Inputs) -> Sequence[InputFault]:
        """What is wrong with these inputs; pure and quick, all findings at once.

        In a preview, inputs that are not yet known are left out, and what is said of them is ignored.
        """
        return ()

    def find(self, inputs: Inputs) -> str | None:
        """The ``ident`` of what :meth:`create` would adopt, None where nothing is there.

        Lets ``destroy`` delete what a killed run had only begun to create: it then calls
        :meth:`delete` with these inputs, secret ones left out, for a state. Kinds without it are
        named in a warning instead.
        """
        raise NotImplementedError

    @abstractmethod
    def create(self, inputs: Inputs, work: Work) -> Created:
        """Make it, or adopt what is there and ours.

        Raises:
            Unfinished: it is there, and not as asked.
            ProvisionError: it is not there.
        """

    @abstractmethod
    def read(self, ident: str, state: Outputs) -> Outputs | None:
        """What is there now, None where it is gone; ``state`` is what was there before."""

    @abstractmethod
    def update(self, ident: str, old: Outputs, new: Inputs, work: Work) -> Outputs:
        """Make what is there be as ``new`` asks; ``old`` is the state so far."""

    @abstractmethod
    def delete(self, ident: str, state: Outputs, work: Work) -> None:
        """Remove it and wait until it is gone; gone already is success."""


class Registry:
    """The kinds of one provider by their tokens."""

    def __init__(self, kinds: Sequence[Resource]) -> None:
        self._kinds = {kind.token: kind for kind in kinds}

    def kind(self, token: str) -> Resource:
        """The kind of that token; raises ``ProvisionError`` where there is none."""
        try:
            return self._kinds[token]
        except KeyError:
            raise ProvisionError(
                f"this version knows no resource {token}",
                "use the version of provision that created it",
            ) from None
