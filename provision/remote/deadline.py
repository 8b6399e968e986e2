"""A limit of time for one piece of work, and the word of whoever waits that it is to end now."""

import threading
import time


class Stopped(Exception):
    """Nobody waits for this work any more."""


class Deadline:
    """Ends ``seconds`` from now, or as soon as ``stop`` is set."""

    def __init__(self, seconds: float, stop: threading.Event | None = None) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._stop = stop or threading.Event()

    def left(self, most: float = threading.TIMEOUT_MAX) -> float:
        """Seconds that are left, at most ``most``.

        Raises:
            TimeoutError: none is.
            Stopped: nobody waits any more.
        """
        if self._stop.is_set():
            raise Stopped
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return min(seconds, most)
