"""What an operation does, taken from the engine's events and never from its text."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Verb = Literal["create", "update", "replace", "delete", "same", "read", "drifted", "gone"]
"""``drifted`` and ``gone`` are what a refresh found."""

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key that tells a secret from a map (pulumi: sdk/go/common/resource/properties.go)."""
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands in a preview for a value that only exists once something has been created."""
OPERATIONS: Mapping[str, Verb] = {
    "create": "create",
    "update": "update",
    "delete": "delete",
    "same": "same",
    "read": "read",
    "import": "create",
    "create-replacement": "replace",
}
"""Ours by Pulumi's. Its two other steps of a replacement say nothing more."""
FOUND: Mapping[str, Verb] = {"update": "drifted", "delete": "gone"}
"""What it means when a refresh says so."""
INNER = ("pulumi:pulumi:Stack", "pulumi:providers:")
"""Types that stand in the state and are nothing in any cloud."""
GENERIC = ("update failed", "preview failed", "destroy failed", "refresh failed")
"""Errors that only say that there were errors."""


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What happened to one resource, or would. ``properties`` are the paths that differ.

    ``seconds`` is 0 in a preview.
    """

    operation: Verb
    type: str
    name: str
    urn: str
    properties: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class StackOutcome:
    """What an operation did to all resources, those that stayed as they are included.

    ``outputs`` are the stack's; a secret one is :data:`HIDDEN`, and one that a preview does not know
    yet is left out.
    """

    changes: tuple[ResourceChange, ...]
    outputs: Mapping[str, Any]
    seconds: float

    def count(self, *operations: Verb) -> int:
        """How many resources any of these operations was done to."""
        return sum(change.operation in operations for change in self.changes)

    @property
    def changed(self) -> tuple[ResourceChange, ...]:
        """All but those that stayed as they are."""
        return tuple(one for one in self.changes if one.operation not in ("same", "read"))


class _Hidden:
    """The type of :data:`HIDDEN`."""

    def __repr__(self) -> str:
        return "HIDDEN"


HIDDEN = _Hidden()
"""Stands for a secret output; ``Stack.outputs`` has its value."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error that the engine told, and the resource it is about ('' for none)."""

    urn: str
    text: str


class EngineEvent(Protocol):
    """The parts of ``pulumi.automation.EngineEvent`` that are looked at; each may be None."""

    @property
    def diagnostic_event(self) -> Any: ...
    @property
    def resource_pre_event(self) -> Any: ...
    @property
    def res_outputs_event(self) -> Any: ...
    @property
    def res_op_failed_event(self) -> Any: ...


Watch = Callable[[ResourceChange], None]
"""Told of every change as it is done, from a thread of the SDK; raising ends the operation."""


def unwatched(change: ResourceChange) -> None:
    """A :data:`Watch` for callers who wait for the outcome."""


@dataclass
class Heard:
    """Listens to an operation. Calling it never raises: the SDK would print the whole event."""

    watch: Watch = unwatched
    refreshing: bool = False
    """Whether the operation reads back: what it then calls an update is drift that it found."""
    on_error: Callable[[], None] = lambda: None
    """Called once when ``watch`` raised; the operation is then to be stopped."""
    complaints: list[Complaint] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """URNs of resources whose operation failed, and Pulumi's word for that operation."""
    pending: bool = False
    """Whether the state remembers operations that an earlier run was killed in."""
    error: BaseException | None = None
    changes: dict[str, ResourceChange] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, event: EngineEvent) -> None:
        try:
            with self._lock:
                change = self._take(event)
            if change is not None:
                self.watch(change)
        except BaseException as error:  # noqa: BLE001  # raised by whoever waits for the operation
            if self.error is None:
                self.error = error
                self.on_error()

    def _take(self, event: EngineEvent) -> ResourceChange | None:
        if event.diagnostic_event is not None:
            self._diagnostic(event.diagnostic_event)
        elif event.resource_pre_event is not None:
            self._began.setdefault(event.resource_pre_event.metadata.urn, time.monotonic())
        elif event.res_op_failed_event is not None:
            step = event.res_op_failed_event.metadata
            self.failed[step.urn] = str(step.op.value)
        elif event.res_outputs_event is not None:
            return self._done(event.res_outputs_event)
        return None

    def _diagnostic(self, said: Any) -> None:
        text = said.message.strip()
        if said.severity == "warning" and "pending operations from previous deployment" in text:
            self.pending = True
        if said.severity == "error" and text not in GENERIC:
            self.complaints.append(Complaint(said.urn or "", text))

    def _done(self, done: Any) -> ResourceChange | None:
        step = done.metadata
        if step.type == "pulumi:pulumi:Stack" and step.new is not None:
            self.outputs = shown(step.new.outputs or {})
        operation = self._operation(step)
        if operation is None or step.type.startswith(INNER):
            return None
        now = time.monotonic()
        seconds = 0.0 if done.planning else now - self._began.get(step.urn, now)
        change = ResourceChange(
            operation, step.type, name_of(step.urn), step.urn, tuple(_properties(step)), seconds
        )
        self.changes[step.urn] = change
        return change

    def _operation(self, step: Any) -> Verb | None:
        operation = OPERATIONS.get(str(step.op.value))
        return FOUND.get(str(operation), operation) if self.refreshing else operation


def _properties(step: Any) -> list[str]:
    return sorted(step.detailed_diff or step.diffs or ())


def name_of(urn: str) -> str:
    """The name a program gave a resource: the last part of its URN."""
    return urn.split("::", 3)[-1]


def type_of(urn: str) -> str:
    """The token in a URN, without those of its parents."""
    parts = urn.split("::", 3)
    return parts[2].rpartition("$")[2] if len(parts) == 4 else ""


def shown(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs of a stack with :data:`HIDDEN` for each that holds a secret, without those unknown."""
    return {
        key: HIDDEN if is_secret(value) else value
        for key, value in outputs.items()
        if value != UNKNOWN_TEXT
    }


def is_secret(value: Any) -> bool:
    """Whether a value as the state spells it holds a secret at any depth."""
    if isinstance(value, Mapping):
        return SIGNATURE in value or any(map(is_secret, value.values()))
    return isinstance(value, list) and any(map(is_secret, value))
