"""Bodies over HTTP: a request's, read within limits, and an answer's JSON."""

import asyncio
import zlib
from collections.abc import Callable, Mapping

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from provision.emulator.exchange import Answer, Left, Refusal, Trouble

LIMIT = 10 * 2**20
"""Bytes of one request's body, packed or not; Compute itself takes no more."""
SECONDS = 30.0
"""Seconds in which a body must have come."""
Refuse = Callable[[Trouble, str], Refusal]


async def read(request: Request, refuse: Refuse) -> bytes:
    """The body, unpacked, within limits. Raises Refusal, and Left where the client has gone."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > LIMIT:
                    raise _too_large(refuse)
                parts.append(part)
    except TimeoutError:
        message = "The request's body did not come in time."
        raise refuse(Trouble.LATE, message) from None
    except ClientDisconnect:
        raise Left from None
    data = b"".join(parts)
    if request.headers.get("content-encoding", "").lower() == "gzip":
        return unpack(data, refuse)
    return data


def unpack(data: bytes, refuse: Refuse) -> bytes:
    """Gzip undone, within limits. Raises Refusal."""
    try:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        plain = unpacker.decompress(data, LIMIT + 1)
    except zlib.error:
        raise refuse(Trouble.PACKED, "The body is not gzip.") from None
    if len(plain) > LIMIT:
        raise _too_large(refuse)
    return plain


def _too_large(refuse: Refuse) -> Refusal:
    return refuse(Trouble.LARGE, f"Request payload size exceeds the limit: {LIMIT} bytes.")


def respond(answer: Answer, headers: Mapping[str, str], indented: bool = True) -> Response:
    """An answer as HTTP; ``headers`` are those of all answers that have content."""
    if answer.content is None:
        return Response(status_code=answer.status, headers=answer.headers)
    data = orjson.dumps(answer.content, option=orjson.OPT_INDENT_2 if indented else 0)
    return Response(
        data, answer.status, {**headers, **answer.headers}, "application/json; charset=UTF-8"
    )
