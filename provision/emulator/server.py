"""The emulator over HTTP: an ASGI application for Google's paths, sign-in, batches and our own control.

``application`` makes it; ``serve.py`` runs it. It answers every request in JSON, also the malformed.
"""

import asyncio
import contextlib
import logging
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provision.emulator import control
from provision.emulator.access import Access, Admission
from provision.emulator.gce import batch, signin
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.frame import Answer, Frame
from provision.emulator.record import Record

BODY_LIMIT = 10 * 2**20
"""Bytes of one request's body, packed or not; Compute itself takes no more."""
BODY_SECONDS = 30.0
"""Seconds in which a body must have come."""
log = logging.getLogger(__name__)


@dataclass
class Emulator:
    """One running emulator: the cloud, the way into it, and what was asked of it."""

    cloud: Cloud
    frame: Frame
    url: str
    """Where its API begins, whatever its links say."""
    record: Record = field(default_factory=Record)
    access: Access = field(default_factory=Access)
    machines: str = ""
    """What boots behind its VMs (``none`` is nothing), '' where nobody has said."""

    def bug(self, error: Exception) -> None:
        """Something of ours broke: told to the log, never to the client."""
        log.error("the emulator failed", exc_info=error)


async def read(request: Request) -> bytes:
    """The body, unpacked, within limits. Raises ApiError."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > BODY_LIMIT:
                    raise too_large()
                parts.append(part)
    except TimeoutError:
        raise ApiError(408, "requestTimeout", "The request's body did not come in time.") from None
    data = b"".join(parts)
    if request.headers.get("content-encoding", "").lower() == "gzip":
        return unpack(data)
    return data


def too_large() -> ApiError:
    """More than :data:`BODY_LIMIT`."""
    message = f"Request payload size exceeds the limit: {BODY_LIMIT} bytes."
    return ApiError(413, "uploadTooLarge", message)


def unpack(data: bytes) -> bytes:
    """Gzip undone, within limits. Raises ApiError."""
    try:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        plain = unpacker.decompress(data, BODY_LIMIT + 1)
    except zlib.error:
        raise ApiError(400, "parseError", "The body is not gzip.") from None
    if len(plain) > BODY_LIMIT:
        raise too_large()
    return plain


def respond(answer: Answer, pretty: bool = True) -> Response:
    """An answer as HTTP."""
    if answer.content is None:
        return Response(status_code=answer.status, headers=answer.headers)
    data = orjson.dumps(answer.content, option=orjson.OPT_INDENT_2 if pretty else 0)
    return Response(
        data,
        answer.status,
        {"Cache-Control": "private", "Vary": "Origin, X-Origin, Referer", **answer.headers},
        "application/json; charset=UTF-8",
    )


class Dropped(Exception):
    """The connection is to be closed without an answer, as a dial wants it."""


async def compute(request: Request) -> Response:
    """All of ``/compute/v1``."""
    emulator: Emulator = request.app.state.emulator
    began, clock = time.time(), time.monotonic()
    answer = Answer(500, None)
    try:
        body = await read(request)
        answer = await emulator.frame.answer(
            request.method, request.scope["path"], request.query_params.multi_items(), body,
            request.headers.get("content-type", ""), signin.user(request.headers),
        )  # fmt: skip
    except ApiError as error:
        answer = Answer(error.status, error.body())
    except ClientDisconnect:
        answer = Answer(499, None)
    except Exception as error:  # noqa: BLE001  # answered as Google does, and told as a bug
        emulator.bug(error)
        broken = ApiError(500, "internalError", "Internal error: please report it with the log.")
        answer = Answer(500, broken.body())
    finally:
        emulator.record.add(
            began=began, verb=request.method, path=str(request.url.path), method=answer.method,
            status=0 if answer.drop else answer.status, seconds=time.monotonic() - clock + answer.delay,
            request_id=request.query_params.get("requestId", ""),
            agent=request.headers.get("user-agent", ""),
        )  # fmt: skip
    if answer.delay:
        await asyncio.sleep(answer.delay)
    if answer.drop:
        raise Dropped
    return respond(answer, pretty=request.query_params.get("prettyPrint", "true") != "false")


async def nothing(request: Request) -> Response:
    """Any path that is nothing of Google's."""
    missing = ApiError(404, "notFound", f"There is nothing at {request.url.path}.")
    return respond(Answer(404, missing.body()))


ABORT = "provision.abort"
"""Extension of our server's scope: hangs up at once."""


class Abrupt:
    """Turns :class:`Dropped` into a closed connection: nothing is sent, and the server hangs up."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and hang up where that is asked for."""
        try:
            await self.app(scope, receive, send)
        except Dropped:
            scope["extensions"][ABORT]()
            # Until the loop has told the server that the connection is lost.
            await receive()


MACHINES = b"provision-machines"
"""Header of every answer: what boots behind VMs. Who waits for members must know that none can come."""


class Telling:
    """Adds :data:`MACHINES`."""

    def __init__(self, app: ASGIApp, emulator: Emulator) -> None:
        self.app, self.emulator = app, emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and self.emulator.machines:
                line = (MACHINES, self.emulator.machines.encode())
                message = {**message, "headers": [*message["headers"], line]}
            await send(message)

        await self.app(scope, receive, told)


EVERY_VERB = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]


def application(emulator: Emulator) -> Starlette:
    """The ASGI application over that emulator."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        agenda = asyncio.create_task(emulator.cloud.world.agenda.run(emulator.bug))
        try:
            yield
        finally:
            agenda.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await agenda

    app = Starlette(
        routes=[
            Route("/compute/{path:path}", compute, methods=EVERY_VERB),
            Route("/batch", batch.answer, methods=["POST"]),
            Route("/batch/compute/v1", batch.answer, methods=["POST"]),
            *signin.routes(),
            *control.routes(),
            Route("/{path:path}", nothing, methods=EVERY_VERB),
        ],
        middleware=[
            Middleware(Abrupt),
            Middleware(Telling, emulator=emulator),
            Middleware(Admission, access=emulator.access),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=1),
        ],
        lifespan=lifespan,
    )
    app.state.emulator = emulator
    return app
