"""A stack: what a cluster has in a cloud, compared with what a program says it should have."""

import contextlib
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from pulumi.automation import StackNotFoundError

from provision.engine.binary import Binary
from provision.engine.changes import StackOutcome, Watch, name_of, unwatched
from provision.engine.execution import Execution
from provision.engine.operation import Operation, Served
from provision.engine.pending import Begun, pending_creates, root, without_pending
from provision.engine.workdir import PARALLEL, Workdir
from provision.events import Emit, Noted, Warned, ignore
from provision.files import write_private

QUIETLY: Mapping[str, Any] = {
    "parallel": PARALLEL,
    "color": "never",
    "suppress_progress": True,
    "suppress_outputs": True,
}


class Stack:
    """Brings what there is and what there should be together. One operation at a time.

    All operations raise ``EngineFailure`` where Pulumi or a resource fails, ``BusyError`` where
    another process works on the stack, and ``InterruptedRun`` when stopped by :meth:`cancel` or by
    Ctrl-C. After any of these, and after a kill, each may simply be run again.
    """

    def __init__(
        self,
        workdir: Workdir,
        binary: Binary,
        program: Callable[[], None],
        serve: Callable[[], AbstractContextManager[Served]],
        emit: Emit = ignore,
    ) -> None:
        """``program`` declares the resources, ``serve`` starts the provider for an operation."""
        self._workdir, self._emit = workdir, emit
        self._execution = Execution(workdir, binary, program, serve, emit)

    def preview(self, watch: Watch = unwatched) -> StackOutcome:
        """What :meth:`up` would do. Changes nothing, but makes an empty state where there is none."""

        def call(operation: Operation) -> None:
            operation.stack(create=True).preview(
                program=operation.program, on_event=operation.heard, **QUIETLY
            )

        return self._execution.perform("preview", call, watch)

    def up(self, watch: Watch = unwatched) -> StackOutcome:
        """Create, change and delete until there is what the program says."""

        def call(operation: Operation) -> None:
            operation.stack(create=True).up(
                program=operation.program, on_event=operation.heard, **QUIETLY
            )
            if operation.heard.pending:
                self._settle(operation, sure=True)

        return self._execution.alone("up", call, watch)

    def refresh(self, watch: Watch = unwatched) -> StackOutcome:
        """Read everything back into the state; the next :meth:`up` mends what drifted."""

        def call(operation: Operation) -> None:
            operation.stack().refresh(on_event=operation.heard, **QUIETLY)

        return self._execution.alone("refresh", call, watch)

    def destroy(self, watch: Watch = unwatched, *, remove: bool = False) -> StackOutcome:
        """Delete everything, what a killed run had only begun to create included.

        ``remove`` removes the stack's own record too, so that no state of it is left in a bucket.
        """

        def call(operation: Operation) -> None:
            stack = operation.stack()
            # First, since what was only begun is nothing that anything else needs.
            self._settle(operation, sure=False)
            stack.destroy(on_event=operation.heard, **QUIETLY)
            if remove:
                operation.say("stack", "rm", "--yes")

        return self._execution.alone("destroy", call, watch)

    def export(self) -> dict[str, Any]:
        """The state as Pulumi keeps it, with its secrets encrypted."""
        texts: list[str] = []
        self._execution.perform(
            "export", lambda operation: texts.append(operation.say("stack", "export")), unwatched
        )
        state: dict[str, Any] = json.loads(texts[0])
        return state

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs as the last :meth:`up` left them, secret ones in clear."""
        texts: list[str] = []
        words = ("stack", "output", "--json", "--show-secrets")
        self._execution.perform(
            "export", lambda operation: texts.append(operation.say(*words)), unwatched
        )
        outputs: dict[str, Any] = json.loads(texts[0])
        return outputs

    def exists(self) -> bool:
        """Whether there is a state of it."""

        def call(operation: Operation) -> None:
            with contextlib.suppress(StackNotFoundError):
                operation.stack()
                found.append(True)

        found: list[bool] = []
        if self._workdir.made:
            self._execution.perform("export", call, unwatched)
        return bool(found)

    def cancel(self) -> bool:
        """Stop the operation that runs, from any thread; whether one ran.

        Nothing more is started. What runs may come to its end within ``command.PATIENCE`` seconds.
        """
        return self._execution.cancel()

    def _settle(self, operation: Operation, *, sure: bool) -> None:
        """Delete what a killed run had begun to create and no later one adopted; then forget it.

        ``sure`` says that nobody else can be in the middle of creating it.
        """
        exported = operation.say("stack", "export")
        begun = pending_creates(exported)
        if not begun:
            return
        if not sure and (urn := root(exported)):
            # Takes Pulumi's lock and reads nothing: refused where these creates are of a run that lives.
            operation.say("refresh", "--yes", "--skip-preview", "--target", urn)
        for one in begun:
            if not one.adopted:
                self._discard(operation, one)
        path = self._workdir.folder / "import.json"
        try:
            write_private(path, without_pending(operation.say("stack", "export")))
            operation.say("stack", "import", "--file", str(path))
        finally:
            path.unlink(missing_ok=True)

    def _discard(self, operation: Operation, begun: Begun) -> None:
        name = name_of(begun.urn)
        try:
            found = operation.served.discard(begun.type, begun.inputs)
        except NotImplementedError:
            text = f"{begun.type} {name} was being created when a run was killed; it may exist"
            self._emit(Warned(text=text))
            return
        if found is not None:
            self._emit(Noted(text=f"removed {name}, which a killed run had begun to create"))
