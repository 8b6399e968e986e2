"""The emulator over HTTP: an ASGI application for the API's paths and routes, and our own control.

``application`` makes it; ``serve.py`` runs it. It answers every request in JSON, also the malformed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provision.emulator import control
from provision.emulator.access import Admission
from provision.emulator.bodies import read, respond
from provision.emulator.emulator import Emulator
from provision.emulator.exchange import Asked, Trouble, bug, refused


class Dropped(Exception):
    """The connection is to be closed without an answer, as a dial wants it."""


async def api(request: Request) -> Response:
    """Every request of the API."""
    emulator: Emulator = request.app.state.emulator
    exchange = emulator.exchange
    asked = Asked(
        request.method, request.scope["path"], request.query_params.multi_items(), request.headers
    )
    answer = await exchange.take(asked, lambda: read(request, exchange.api.refusal))
    if answer.delay:
        await asyncio.sleep(answer.delay)
    if answer.drop:
        raise Dropped
    return respond(answer, exchange.api.headers, exchange.api.indented(asked))


async def nothing(request: Request) -> Response:
    """Any path that is nothing of the API's."""
    emulator: Emulator = request.app.state.emulator
    own = emulator.exchange.api
    missing = own.refusal(Trouble.NOWHERE, f"There is nothing at {request.url.path}.")
    return respond(refused(missing), own.headers)


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
        agenda = asyncio.create_task(emulator.cloud.world.agenda.run(bug))
        try:
            yield
        finally:
            agenda.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await agenda

    app = Starlette(
        routes=[
            *control.routes(),
            *emulator.routes,
            *(Route(path, api, methods=EVERY_VERB) for path in emulator.paths),
            Route("/{path:path}", nothing, methods=EVERY_VERB),
        ],
        middleware=[
            Middleware(Abrupt),
            Middleware(Telling, emulator=emulator),
            Middleware(Admission, access=emulator.access, refuse=emulator.exchange.api.refusal),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=1),
        ],
        lifespan=lifespan,
    )
    app.state.emulator = emulator
    return app
