"""Batches: several requests as parts of one (https://cloud.google.com/compute/docs/api/how-tos/batch).

Each part is answered as if it had come alone, and counts alone.
"""

import email
import email.policy
import secrets
import time
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response

from provision.emulator.gce import signin
from provision.emulator.gce.errors import ApiError
from provision.emulator.gce.frame import Answer

if TYPE_CHECKING:  # the server has this module's routes
    from provision.emulator.server import Emulator

MOST = 1000
"""Parts of one batch."""


def split(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Parts as (Content-ID, the request in it). Raises ApiError 400."""
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
    from provision.emulator.server import read, respond

    emulator: Emulator = request.app.state.emulator
    try:
        parts = split(request.headers.get("content-type", ""), await read(request))
    except ApiError as error:
        return respond(Answer(error.status, error.body()))
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


async def _one(emulator: "Emulator", content: bytes, outer: Request) -> Answer:
    began, clock = time.time(), time.monotonic()
    verb, path, query = "", "", ""
    reply = Answer(400, None)
    try:
        verb, target, headers, body = parse(content)
        path, query = urlsplit(target).path, urlsplit(target).query
        who = signin.user(
            {"authorization": headers.get("authorization", outer.headers.get("authorization", ""))}
        )
        reply = await emulator.frame.answer(
            verb, path, parse_qsl(query, keep_blank_values=True), body,
            headers.get("content-type", ""), who,
        )  # fmt: skip
    except ApiError as error:
        reply = Answer(error.status, error.body())
    if reply.drop:
        reply = Answer(503, ApiError(503, "backendError", "Backend Error").body())
    emulator.record.add(
        began=began, verb=verb, path=path, method=reply.method, status=reply.status,
        seconds=time.monotonic() - clock, request_id=dict(parse_qsl(query)).get("requestId", ""),
        agent=outer.headers.get("user-agent", ""),
    )  # fmt: skip
    return reply
