"""A stack: what a cluster has in a cloud, compared with what a program says it should have."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from pulumi.automation import ConcurrentUpdateError, StackNotFoundError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from provision.engine import failures, locks
from provision.engine.binary import Binary
from provision.engine.changes import Heard, Outcome, Watch, name_of, unwatched
from provision.engine.command import Command
from provision.engine.pending import Begun, pending_creates, root, without_pending
from provision.engine.program import Program
from provision.engine.run import Run, Served
from provision.engine.workdir import PARALLEL, Workdir
from provision.errors import InterruptedRun
from provision.events import Emit, Noted, Warned, ignore
from provision.files import locked, write_private

QUIETLY: Mapping[str, Any] = {
    "parallel": PARALLEL,
    "color": "never",
    "suppress_progress": True,
    "suppress_outputs": True,
}
EXPECTED: tuple[type[Exception], ...] = (InterruptedRun, *failures.FOREIGN)
TRIES = 3
"""How often an operation is begun, where each time a lock of a dead process stood in its way."""


class _Cleared(Exception):
    """A lock that nobody held was in the way and is not any more."""


Call = Callable[[Run], Any]


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
        self._workdir, self._binary = workdir, binary
        self._program, self._serve = program, serve
        self._emit = emit
        self._lock = threading.Lock()
        self._command: Command | None = None

    def preview(self, watch: Watch = unwatched) -> Outcome:
        """What :meth:`up` would do. Changes nothing, but makes an empty state where there is none."""

        def call(run: Run) -> None:
            run.stack(create=True).preview(program=run.program, on_event=run.heard, **QUIETLY)

        return self._operate("preview", call, watch)

    def up(self, watch: Watch = unwatched) -> Outcome:
        """Create, change and delete until there is what the program says."""

        def call(run: Run) -> None:
            run.stack(create=True).up(program=run.program, on_event=run.heard, **QUIETLY)
            if run.heard.pending:
                self._settle(run, sure=True)

        return self._alone("up", call, watch)

    def refresh(self, watch: Watch = unwatched) -> Outcome:
        """Read everything back into the state; the next :meth:`up` mends what drifted."""
        return self._alone(
            "refresh", lambda run: run.stack().refresh(on_event=run.heard, **QUIETLY), watch
        )

    def destroy(self, watch: Watch = unwatched, *, remove: bool = False) -> Outcome:
        """Delete everything, what a killed run had only begun to create included.

        ``remove`` removes the stack's own record too, so that no state of it is left in a bucket.
        """

        def call(run: Run) -> None:
            stack = run.stack()
            # First, since what was only begun is nothing that anything else needs.
            self._settle(run, sure=False)
            stack.destroy(on_event=run.heard, **QUIETLY)
            if remove:
                run.say("stack", "rm", "--yes")

        return self._alone("destroy", call, watch)

    def export(self) -> dict[str, Any]:
        """The state as Pulumi keeps it, with its secrets encrypted."""
        texts: list[str] = []
        self._operate("export", lambda run: texts.append(run.say("stack", "export")), unwatched)
        state: dict[str, Any] = json.loads(texts[0])
        return state

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs as the last :meth:`up` left them, secret ones in clear."""
        texts: list[str] = []
        words = ("stack", "output", "--json", "--show-secrets")
        self._operate("export", lambda run: texts.append(run.say(*words)), unwatched)
        outputs: dict[str, Any] = json.loads(texts[0])
        return outputs

    def exists(self) -> bool:
        """Whether there is a state of it."""

        def call(run: Run) -> None:
            with contextlib.suppress(StackNotFoundError):
                run.stack()
                found.append(True)

        found: list[bool] = []
        if self._workdir.made:
            self._operate("export", call, unwatched)
        return bool(found)

    def cancel(self) -> bool:
        """Stop the operation that runs, from any thread; whether one ran.

        Nothing more is started. What runs may come to its end within ``command.PATIENCE`` seconds.
        """
        with self._lock:
            command = self._command
        return command.stop() if command else False

    def _alone(self, operation: str, call: Call, watch: Watch) -> Outcome:
        """Run an operation that changes the state, against other processes of ours."""
        self._workdir.prepare()
        path = self._workdir.folder / "lock"
        with locked(path, self._workdir.name, f"provision: {operation}"):
            self._workdir.mend()
            return self._operate(operation, call, watch)

    def _operate(self, operation: str, call: Call, watch: Watch) -> Outcome:
        self._workdir.prepare()
        return Retrying(
            retry=retry_if_exception_type(_Cleared), stop=stop_after_attempt(TRIES), reraise=True
        )(self._once, operation, call, watch)

    def _once(self, operation: str, call: Call, watch: Watch) -> Outcome:
        began = time.monotonic()
        with self._started(watch, operation) as run:
            try:
                call(run)
            except EXPECTED as error:
                meaning = self._meaning(error, run, operation)
                raise meaning from meaning.__cause__ or error
            finally:
                run.program.close()
            if run.heard.error is not None:
                raise run.heard.error
        heard = run.heard
        return Outcome(tuple(heard.changes.values()), heard.outputs, time.monotonic() - began)

    @contextlib.contextmanager
    def _started(self, watch: Watch, operation: str) -> Iterator[Run]:
        # The provider lives until the command has ended.
        with self._serve() as served:
            command = Command(self._binary.path, self._binary.version, on_stop=served.stop_soon)
            heard = Heard(watch, operation == "refresh", command.stop_soon)
            with self._lock:
                self._command = command
            try:
                yield Run(self._workdir, command, served, heard, Program(self._program))
            finally:
                with self._lock:
                    self._command = None

    def _meaning(self, error: Exception, run: Run, operation: str) -> BaseException:
        """What to raise for an exception of the SDK, or of whoever listened or declared."""
        if run.heard.error is not None:
            return run.heard.error
        if isinstance(error, InterruptedRun):
            name = self._workdir.name
            return InterruptedRun(
                f"stopped while working on {name}", "run it again to go on from what there is"
            )
        if run.program.error is not None:
            return run.program.error
        if isinstance(error, ConcurrentUpdateError):
            return self._judge_locks(error, run)
        about = failures.About(
            self._workdir.name,
            self._workdir.place,
            operation,
            (self._workdir.passphrase,),
            run.served.failure,
        )
        return failures.translate(error, run.heard, about)

    def _judge_locks(self, error: ConcurrentUpdateError, run: Run) -> Exception:
        """Clear locks that nobody holds; what to raise."""
        found = locks.parse(str(error))
        holding = locks.held(found, locks.this_host(), locks.process_began)
        if holding or not found:
            unknown = locks.Lock("", "another user", "a host", 0, time.time())
            lock = holding[0] if holding else unknown
            return failures.locked(self._workdir.name, lock, f"{self._workdir.folder}")
        if not locks.clear(found):
            run.say("cancel", "--yes")
        gone = ", ".join(f"pid {lock.pid} since {lock.since}" for lock in found)
        self._emit(Noted(text=f"cleared the lock of a run that was killed ({gone})"))
        return _Cleared()

    def _settle(self, run: Run, sure: bool) -> None:
        """Delete what a killed run had begun to create and no later one adopted; then forget it.

        ``sure`` says that nobody else can be in the middle of creating it.
        """
        exported = run.say("stack", "export")
        begun = pending_creates(exported)
        if not begun:
            return
        if not sure and (urn := root(exported)):
            # Takes Pulumi's lock and reads nothing: refused where these creates are of a run that lives.
            run.say("refresh", "--yes", "--skip-preview", "--target", urn)
        for one in begun:
            if not one.adopted:
                self._discard(run, one)
        path = self._workdir.folder / "import.json"
        try:
            write_private(path, without_pending(run.say("stack", "export")))
            run.say("stack", "import", "--file", str(path))
        finally:
            path.unlink(missing_ok=True)

    def _discard(self, run: Run, begun: Begun) -> None:
        name = name_of(begun.urn)
        try:
            found = run.served.discard(begun.type, begun.inputs)
        except NotImplementedError:
            text = f"{begun.type} {name} was being created when a run was killed; it may exist"
            self._emit(Warned(text=text))
            return
        if found is not None:
            self._emit(Noted(text=f"removed {name}, which a killed run had begun to create"))
