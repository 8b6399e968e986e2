"""One event loop in a thread of its own: the servers live there, everybody else calls and waits.

The caller's wait has a limit and can be interrupted at any moment (Ctrl-C, SIGTERM); what it waited
for is then cancelled over there, and gets a moment to tell the other side.
"""

import asyncio
import functools
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

T = TypeVar("T")
GRACE = 2.0
"""Seconds that what was cancelled, or ran out of time, has to end the commands it started."""


class Job(Generic[T]):
    """Work that goes on in the loop: stop it, or see whether it has ended."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        """Begin it."""
        self._ended = threading.Event()
        self.future: Future[T] = asyncio.run_coroutine_threadsafe(self._until_ended(work), loop())

    async def _until_ended(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        finally:
            self._ended.set()

    def stop(self) -> None:
        """Cancel it, and give its clean-up :data:`GRACE` seconds. Stopping twice is no error."""
        if self.future.cancel():
            self._ended.wait(GRACE)


def call(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """Do it in the loop and wait for what comes of it.

    Raises:
        TimeoutError: it took longer; it is cancelled.
    """
    job = Job(_within(work, seconds))
    try:
        # The limit is kept over there, where what is cut off is also cleaned up; this one only bounds us.
        return job.future.result(seconds + 2 * GRACE)
    finally:
        job.stop()


async def _within(work: Coroutine[Any, Any, T], seconds: float) -> T:
    async with asyncio.timeout(seconds):
        return await work


@functools.cache
def loop() -> asyncio.AbstractEventLoop:
    """The loop, begun with the first call. Its thread ends with the process."""
    # Both tell of broken connections by themselves; those reach our callers as exceptions.
    logging.getLogger("asyncssh").addHandler(logging.NullHandler())
    made = asyncio.new_event_loop()
    made.set_exception_handler(_log)
    threading.Thread(target=made.run_forever, name="ssh", daemon=True).start()
    return made


def _log(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    logging.getLogger(__name__).debug(
        "%s", context.get("message"), exc_info=context.get("exception")
    )
