"""Batches: several requests as parts of one (https://cloud.google.com/compute/docs/api/how-tos/batch).

Each part is answered as if it had come alone, and counts alone.
"""

import email
import email.policy
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from provision.emulator.bodies import read, respond
from provision.emulator.emulator import Emulator
from provision.emulator.exchange import Answer, Asked, Refusal, refused
from provision.emulator.gce.errors import ApiError

MOST = 1000
"""Parts of one batch."""


def split(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Parts as (Content-ID, the request in it). Raises ApiError 400, also for a form of a web page's."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "multipart/mixed":
        raise ApiError(400, "badRequest", "Failed to parse batch request: no multipart/mixed body.")
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    if not message.is_multipart():
        raise ApiError(400, "badRequest", "Failed to parse batch request: no multipart/mixed body.")
    parts = message.get_payload()
    if not isinstance(parts, list) or len(parts) > MOST:
        raise ApiError(400, "badRequest", f"A batch takes at most {MOST} requests.")
    result = []
    for part in parts:
        if isinstance(part, str):
            continue
        payload = part.get_payload(decode=True)
        result.append(
            (str(part.get("Content-ID", "")), payload if isinstance(payload, bytes) else b"")
        )
    return result


def parse(request: bytes) -> tuple[str, str, dict[str, str], bytes]:
    """Verb, target, headers and body of the request in a part. Raises ApiError 400."""
    head, _, body = request.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = head.decode(errors="replace").strip().split("\n")
    words = lines[0].split(" ")
    if len(words) < 2:
        raise ApiError(400, "badRequest", "Failed to parse a batch request's part.")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines[1:])
    }
    return words[0].upper(), words[1], headers, body


async def answer(request: Request) -> Response:
    """Answer all parts, in their order."""
    emulator: Emulator = request.app.state.emulator
    api = emulator.exchange.api
    try:
        parts = split(request.headers.get("content-type", ""), await read(request, api.refusal))
    except Refusal as error:
        return respond(refused(error), api.headers)
    boundary = f"batch_{secrets.token_urlsafe(16)}"
    written = []
    for ident, content in parts:
        reply = await _one(emulator, content, request)
        reason = HTTPStatus(reply.status).phrase
        data = orjson.dumps(reply.content) if reply.content is not None else b""
        own = f"<response-{ident.strip('<>')}>" if ident else ""
        head = [
            f"--{boundary}", "Content-Type: application/http", f"Content-ID: {own}", "",
            f"HTTP/1.1 {reply.status} {reason}", "Content-Type: application/json; charset=UTF-8",
            f"Content-Length: {len(data)}", *(f"{k}: {v}" for k, v in reply.headers.items()), "", "",
        ]  # fmt: skip
        written.append("\r\n".join(head).encode() + data + b"\r\n")
    written.append(f"--{boundary}--\r\n".encode())
    return Response(
        b"".join(written), headers={"Content-Type": f"multipart/mixed; boundary={boundary}"}
    )


async def _one(emulator: Emulator, content: bytes, outer: Request) -> Answer:
    agent = outer.headers.get("user-agent", "")
    try:
        verb, target, given, body = parse(content)
    except ApiError as error:
        return await emulator.exchange.take(Asked("", "", (), {"user-agent": agent}), _raise(error))
    parts = urlsplit(target)
    headers = {
        "content-type": given.get("content-type", ""),
        "authorization": given.get("authorization", outer.headers.get("authorization", "")),
        "user-agent": agent,
    }
    asked = Asked(verb, parts.path, parse_qsl(parts.query, keep_blank_values=True), headers)
    return await emulator.exchange.take(asked, _bring(body), alone=False)


def _bring(body: bytes) -> Callable[[], Awaitable[bytes]]:
    async def bring() -> bytes:
        return body

    return bring


def _raise(error: ApiError) -> Callable[[], Awaitable[bytes]]:
    async def bring() -> bytes:
        raise error

    return bring


def routes() -> list[Route]:
    """Where batches are sent to."""
    return [Route(path, answer, methods=["POST"]) for path in ("/batch", "/batch/compute/v1")]
