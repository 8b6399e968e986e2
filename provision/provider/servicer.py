"""The provider protocol as a gRPC service: a thin asynchronous shell around ``operations.py``.

Of the SDK this uses the generated protocol alone, which is the same for providers in all languages.
``pulumi.provider.experimental`` stands on it too, but drops old inputs, cannot say that a value is
unknown or that a resource is half-created, ends every error with a traceback, and brings a copy of
``google.rpc.Status`` that keeps Google's own clients from being imported in the same process.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.rpc import status_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2_grpc

from provision.errors import ProvisionError
from provision.provider.protocol import ProviderCalls
from provision.provider.resource import Unfinished

WORDS = 600
"""Characters of an error that reach the user."""
STATUS = "grpc-status-details-bin"
"""Where gRPC carries a status with details (grpc.io: doc/PROTOCOL-HTTP2.md, grpcio-status)."""

Answer = TypeVar("Answer")


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Calls that take long run in threads of their own, so that as many run as the engine asks for.

    ``failures`` are the exceptions behind the errors that the engine was told, by URN.
    """

    def __init__(self, operations: ProviderCalls, on_cancel: Callable[[], None]) -> None:
        self.operations = operations
        self._on_cancel = on_cancel
        self.failures: dict[str, Exception] = {}

    async def Handshake(self, request: Any, context: Any) -> Any:
        return proto.ProviderHandshakeResponse(accept_secrets=True)

    async def Attach(self, request: Any, context: Any) -> Any:
        """The engine tells its address to a server it did not start."""
        return Empty()

    async def Cancel(self, request: Any, context: Any) -> Any:
        """The user wants to stop; calls that run may go on to their end."""
        self._on_cancel()
        return Empty()

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return proto.PluginInfo()

    async def GetSchema(self, request: Any, context: Any) -> Any:
        return proto.GetSchemaResponse(schema="{}")

    async def CheckConfig(self, request: Any, context: Any) -> Any:
        return proto.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: Any, context: Any) -> Any:
        """Another configuration of the provider replaces nothing, but is to be remembered."""
        answer = proto.DiffResponse
        same = request.old_inputs == request.news
        return answer(changes=answer.DIFF_NONE if same else answer.DIFF_SOME)

    async def Configure(self, request: Any, context: Any) -> Any:
        return proto.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    async def Check(self, request: Any, context: Any) -> Any:
        return await self._told(request, context, _at_once(self.operations.check, request))

    async def Diff(self, request: Any, context: Any) -> Any:
        return await self._told(request, context, _at_once(self.operations.diff, request))

    async def Create(self, request: Any, context: Any) -> Any:
        return await self._told(request, context, in_thread(self.operations.create, request))

    async def Read(self, request: Any, context: Any) -> Any:
        return await self._told(request, context, in_thread(self.operations.read, request))

    async def Update(self, request: Any, context: Any) -> Any:
        return await self._told(request, context, in_thread(self.operations.update, request))

    async def Delete(self, request: Any, context: Any) -> Any:
        await self._told(request, context, in_thread(self.operations.delete, request))
        return Empty()

    async def _told(self, request: Any, context: Any, answer: Any) -> Any:
        """The answer, or its error as one sentence without a traceback."""
        try:
            return await answer
        except Unfinished as error:
            self.failures[request.urn] = error
            await self._abort_unfinished(request, context, error)
        except Exception as error:  # noqa: BLE001  # the engine shows its sentence; the error is raised after it
            self.failures[request.urn] = error
            # Not UNKNOWN or INTERNAL: after those the engine takes the whole state to be in doubt.
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, sentence(error))

    async def _abort_unfinished(self, request: Any, context: Any, error: Unfinished) -> NoReturn:
        detail = AnyMessage()
        detail.Pack(self.operations.unfinished(request, error))
        code = grpc.StatusCode.FAILED_PRECONDITION
        status = status_pb2.Status(code=code.value[0], message=sentence(error), details=[detail])
        context.set_trailing_metadata(((STATUS, status.SerializeToString()),))
        await context.abort(code, sentence(error))
        raise AssertionError("abort raises")


def sentence(error: Exception) -> str:
    """An error on one line: ours in its own words, any other with the name of its class."""
    words = str(error) if isinstance(error, ProvisionError) else f"{type(error).__name__}: {error}"
    text = " ".join(words.split())
    return text if len(text) <= WORDS else text[: WORDS - 3] + "..."


async def _at_once(call: Callable[[Any], Answer], request: Any) -> Answer:
    return call(request)


async def in_thread(call: Callable[[Any], Answer], request: Any) -> Answer:
    """Run it in a new thread, which does not keep a process from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()

    def settle(answer: Answer | None, error: Exception | None) -> None:
        # The caller has gone where the engine was killed.
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(answer)  # type: ignore[arg-type]  # None only where Answer is None

    def run() -> None:
        answer: Answer | None = None
        problem: Exception | None = None
        try:
            answer = call(request)
        except Exception as error:  # noqa: BLE001  # handed to the loop that waits
            problem = error
        # The loop is closed where nobody waited for this call.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, answer, problem)

    threading.Thread(target=run, daemon=True, name="provider call").start()
    return await future
