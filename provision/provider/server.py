"""Where the provider runs: in this process beside a stack, or as the executable that Pulumi starts."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio
from pulumi.runtime.proto import provider_pb2_grpc

from provision.errors import EngineFailure
from provision.provider.protocol import ProviderCalls
from provision.provider.resource import Registry, Resource, Work
from provision.provider.servicer import Servicer, sentence

START = 20.0
"""Seconds a server may take until it listens (milliseconds on an idle host)."""
STOP = 5.0
"""Seconds it may take to end."""
MESSAGE = 400 * 2**20
"""Bytes a message may have, as in Pulumi's own servers (sdk: runtime/_grpc_settings.py)."""
OPTIONS = (("grpc.max_receive_message_length", MESSAGE), ("grpc.max_send_message_length", MESSAGE))

NAME = "provision"
"""Name of the provider: the first word of all tokens, and of the executable's name."""

Factory = Callable[[Mapping[str, str]], Sequence[Resource]]
"""Makes the kinds of resources from a stack's configuration (``provision:KEY: VALUE``)."""


class Attached:
    """The provider in this process, in a thread with a loop of its own; a context manager.

    The engine dials ``port``. It sends ``Cancel`` at the end of *every* operation to a server that it
    did not start, so that says nothing here: :meth:`stop_soon` is how the user's wish arrives.
    """

    def __init__(self, kinds: Sequence[Resource]) -> None:
        self._registry = Registry(kinds)
        self._stopping = threading.Event()
        operations = ProviderCalls(self._registry, self._stopping)
        self._servicer = Servicer(operations, on_cancel=lambda: None)
        self._listening = threading.Event()
        self._ended = threading.Event()
        self._problem: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self.port = 0

    def __enter__(self) -> Self:
        """Listen on a free port of the loopback; raises ``EngineFailure`` where that fails."""
        threading.Thread(target=self._run, daemon=True, name="provider").start()
        if not self._listening.wait(START) or self._problem is not None:
            raise EngineFailure(
                f"the provider did not listen on the loopback ({self._problem or 'no answer'})",
                "try again",
            ) from self._problem
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the server; calls that still run end by themselves and are not waited for."""
        self.stop_soon()
        if self._loop is not None and self._leave is not None:
            # A loop that is closed already has nothing to leave.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._leave.set)
        self._ended.wait(STOP)

    def stop_soon(self) -> None:
        """Tell the calls that run that the user wants to stop."""
        self._stopping.set()

    def failure(self, urn: str) -> Exception | None:
        """The exception behind what the engine was told about a resource, None where there is none."""
        return self._servicer.failures.get(urn)

    def discard(self, token: str, inputs: Mapping[str, Any]) -> str | None:
        """Delete what ``create`` may have made from these inputs; the id of what was deleted.

        Raises ``NotImplementedError`` for kinds that cannot find theirs.
        """
        kind = self._registry.kind(token)
        ident = kind.find(inputs)
        if ident is not None:
            kind.delete(ident, inputs, Work.within(kind.seconds, self._stopping))
        return ident

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001  # raised by whoever waits
            self._problem = error
        self._listening.set()
        self._ended.set()

    async def _serve(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        server = grpc.aio.server(options=OPTIONS)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(self._servicer, server)
        self.port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        self._listening.set()
        await self._leave.wait()
        await server.stop(grace=None)


def main(factory: Factory) -> int:
    """Serve as ``pulumi-resource-provision ENGINE``: for a stack that is worked on by hand.

    The engine reads the port from the first line of stdout. The process ends when the engine ends.
    """
    asyncio.run(_plugin(factory))
    return 0


async def _plugin(factory: Factory) -> None:
    stopping = threading.Event()
    server = grpc.aio.server(options=OPTIONS)
    servicer = Configured(factory, stopping)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # The protocol's handshake, not a message to anybody.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    gone = asyncio.Event()
    # How the engine ends a plugin. Ctrl-C in a terminal does not get here: it gives us a group of ours.
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, gone.set)
    parent = _watch_parent(gone)
    await gone.wait()
    if parent >= 0:
        os.close(parent)
    await server.stop(grace=None)


def _watch_parent(gone: asyncio.Event) -> int:
    """Set the event when the engine ends, even by SIGKILL; -1 where the kernel cannot tell."""
    try:
        parent = os.pidfd_open(os.getppid())
    except (AttributeError, OSError):
        return -1
    asyncio.get_running_loop().add_reader(parent, gone.set)
    return parent


class Configured(Servicer):
    """The servicer of a plugin, whose kinds are made when the engine has told the configuration."""

    def __init__(self, factory: Factory, stopping: threading.Event) -> None:
        super().__init__(ProviderCalls(Registry(()), stopping), on_cancel=stopping.set)
        self._factory, self._stopping = factory, stopping

    async def Configure(self, request: Any, context: Any) -> Any:
        try:
            kinds = self._factory(stack_config(request.variables))
        except Exception as error:  # noqa: BLE001  # the engine shows its sentence
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, sentence(error))
        self.operations = ProviderCalls(Registry(kinds), self._stopping)
        return await super().Configure(request, context)


def stack_config(variables: Mapping[str, str]) -> dict[str, str]:
    """The provider's own keys of a stack's configuration, as the engine spells them."""
    prefix = f"{NAME}:config:"
    return {
        key.removeprefix(prefix): value
        for key, value in variables.items()
        if key.startswith(prefix)
    }
