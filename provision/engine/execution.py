"""How an operation on a stack is run: alone, stoppable, again where a dead run's lock stood in its way."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from pulumi.automation import ConcurrentUpdateError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from provision.engine import failures, locks
from provision.engine.binary import Binary
from provision.engine.changes import Heard, StackOutcome, Watch
from provision.engine.command import PulumiCommand
from provision.engine.operation import Operation, Served
from provision.engine.program import Program
from provision.engine.workdir import Workdir
from provision.errors import InterruptedRun
from provision.events import Emit, Noted
from provision.files import locked

EXPECTED: tuple[type[Exception], ...] = (InterruptedRun, *failures.FOREIGN)
TRIES = 3
"""How often an operation is begun, where each time a lock of a dead process stood in its way."""
Action = Callable[[Operation], Any]


class _Cleared(Exception):
    """A lock that nobody held was in the way and is not any more."""


class Execution:
    """Runs operations on one stack, one at a time. What they raise is said at ``Stack``."""

    def __init__(
        self,
        workdir: Workdir,
        binary: Binary,
        program: Callable[[], None],
        serve: Callable[[], AbstractContextManager[Served]],
        emit: Emit,
    ) -> None:
        self._workdir, self._binary = workdir, binary
        self._program, self._serve = program, serve
        self._emit = emit
        self._lock = threading.Lock()
        self._command: PulumiCommand | None = None

    def cancel(self) -> bool:
        """Stop the operation that runs, from any thread; whether one ran."""
        with self._lock:
            command = self._command
        return command.stop() if command else False

    def alone(self, verb: str, action: Action, watch: Watch) -> StackOutcome:
        """Run an operation that changes the state, against other processes of ours."""
        self._workdir.prepare()
        path = self._workdir.folder / "lock"
        with locked(path, self._workdir.name, f"provision: {verb}"):
            self._workdir.mend()
            return self.perform(verb, action, watch)

    def perform(self, verb: str, action: Action, watch: Watch) -> StackOutcome:
        """Run an operation, and again where a lock stood in its way that nobody held."""
        self._workdir.prepare()
        return Retrying(
            retry=retry_if_exception_type(_Cleared), stop=stop_after_attempt(TRIES), reraise=True
        )(self._once, verb, action, watch)

    def _once(self, verb: str, action: Action, watch: Watch) -> StackOutcome:
        began = time.monotonic()
        with self._started(watch, verb) as operation:
            try:
                action(operation)
            except EXPECTED as error:
                meaning = self._meaning(error, operation, verb)
                raise meaning from meaning.__cause__ or error
            finally:
                operation.program.close()
            if operation.heard.error is not None:
                raise operation.heard.error
        heard = operation.heard
        return StackOutcome(tuple(heard.changes.values()), heard.outputs, time.monotonic() - began)

    @contextlib.contextmanager
    def _started(self, watch: Watch, verb: str) -> Iterator[Operation]:
        # The provider lives until the command has ended.
        with self._serve() as served:
            command = PulumiCommand(
                self._binary.path, self._binary.version, on_stop=served.stop_soon
            )
            heard = Heard(watch, verb == "refresh", command.stop_soon)
            with self._lock:
                self._command = command
            try:
                yield Operation(self._workdir, command, served, heard, Program(self._program))
            finally:
                with self._lock:
                    self._command = None

    def _meaning(self, error: Exception, operation: Operation, verb: str) -> BaseException:
        """What to raise for an exception of the SDK, or of whoever listened or declared."""
        if operation.heard.error is not None:
            return operation.heard.error
        if isinstance(error, InterruptedRun):
            name = self._workdir.name
            return InterruptedRun(
                f"stopped while working on {name}", "run it again to go on from what there is"
            )
        if operation.program.error is not None:
            return operation.program.error
        if isinstance(error, ConcurrentUpdateError):
            return self._judge_locks(error, operation)
        about = failures.About(
            self._workdir.name,
            self._workdir.place,
            verb,
            (self._workdir.passphrase,),
            operation.served.failure,
        )
        return failures.translate(error, operation.heard, about)

    def _judge_locks(self, error: ConcurrentUpdateError, operation: Operation) -> Exception:
        """Clear locks that nobody holds; what to raise."""
        found = locks.parse(str(error))
        holding = locks.held(found, locks.this_host(), locks.process_began)
        if holding or not found:
            unknown = locks.Lock("", "another user", "a host", 0, time.time())
            lock = holding[0] if holding else unknown
            return failures.locked(self._workdir.name, lock, f"{self._workdir.folder}")
        if not locks.clear(found):
            operation.say("cancel", "--yes")
        gone = ", ".join(f"pid {lock.pid} since {lock.since}" for lock in found)
        self._emit(Noted(text=f"cleared the lock of a run that was killed ({gone})"))
        return _Cleared()
