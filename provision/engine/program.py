"""The inline program: its own errors kept apart from Pulumi's, and its loop not left behind."""

import asyncio
import contextlib
from collections.abc import Callable

import pulumi
from pulumi.runtime import _grpc_settings
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.errors import ProvisionError

END = 10.0
"""Seconds the program may take to notice that the engine has gone."""
OWN_CONNECTIONS = ("grpc.use_local_subchannel_pool", 1)
"""Each channel connects by itself (grpc: GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL).

Else gRPC shares connections by address: an engine that listens on a port where one that was
killed did, is told as gone as well, until the wait after the failure of the old one is over.
"""
_grpc_settings._GRPC_CHANNEL_OPTIONS.append(OWN_CONNECTIONS)


class Program:
    """Runs a function that declares resources, in the loop that the SDK makes for it."""

    def __init__(self, declare: Callable[[], None]) -> None:
        self._declare = declare
        self._loop: asyncio.AbstractEventLoop | None = None
        self.error: Exception | None = None
        """What the function raised: a finding of ours, or a bug."""

    def __call__(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            self._declare()
        except Exception as error:  # noqa: BLE001  # the SDK gets words; the error is raised after it
            self.error = error
            words = str(error) if isinstance(error, ProvisionError) else type(error).__name__
            # The SDK prints a traceback for any exception but this one.
            raise pulumi.RunError(words) from None

    def close(self) -> None:
        """End what the SDK leaves of the loop when an operation fails.

        It tells the engine that it tidies up before it does, and when the engine has gone that
        fails, so it never does: its tasks would complain on stderr when they are collected.
        """
        loop = self._loop
        if loop is None:
            return
        with contextlib.suppress(RetryError):
            Retrying(
                retry=retry_if_result(bool), wait=wait_fixed(0.02), stop=stop_after_delay(END)
            )(loop.is_running)
        if loop.is_running() or loop.is_closed():
            return
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=END))
        loop.close()
