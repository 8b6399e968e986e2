"""Who may speak to an emulator: programs that were pointed at it, and no web page.

A page in a browser of this machine reaches loopback too, by fetch, by a form, or under a name of its own
that resolves there (DNS rebinding). Browsers tell which page speaks (``Origin``, ``Sec-Fetch-Site``:
fetch.spec.whatwg.org, w3.org/TR/fetch-metadata) and by which name (``Host``), and programs send neither
of the first two. The control paths ask for the token of the printed environment beside that.
"""

import ipaddress
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from provision.emulator.exchange import Refusal, Trouble

PREFIX = "/_emulator"
"""Below it stand our own control paths."""
TOKEN = "PROVISION_EMULATOR_TOKEN"
"""Variable that carries the token of the control paths."""
TROUBLES = {401: Trouble.UNKNOWN, 403: Trouble.STRANGER, 415: Trouble.KIND}
CHANGING = ("POST", "PATCH", "PUT")
TELLING = ("host", "origin", "sec-fetch-site", "content-type", "authorization")
"""Headers that tell who speaks: what comes twice says nothing (RFC 9112, section 3.2)."""
OWN_SITE = ("same-origin", "none")
"""Values of Sec-Fetch-Site for what no other page has asked for."""


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one emulator. ``host`` is the name or address that it was told to listen on."""

    host: str = "127.0.0.1"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def refusal(self, verb: str, path: str, headers: Headers) -> tuple[int, str]:
        """Status and sentence for who may not speak; (0, '') for who may."""
        given = [name for name, _ in headers.raw]
        if len({*given}) < len(given) and any(len(headers.getlist(name)) > 1 for name in TELLING):
            return 403, f"One header of a kind: {', '.join(TELLING)} may come once each."
        host = headers.get("host", "")
        if not named(host, self.host):
            return 403, (
                f"This emulator answers to an address or to the name it listens on, not to {host!r:.100}. "
                "Use the endpoint that it printed."
            )
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "none")
        if site not in OWN_SITE or origin not in (None, f"http://{host}"):
            return 403, "This emulator answers to programs, not to pages of other sites."
        if path.startswith(PREFIX):
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if verb in CHANGING and kind != "application/json":
                return 415, "Send JSON, and say so: 'Content-Type: application/json'."
            token = headers.get("authorization", "").removeprefix("Bearer ")
            if not secrets.compare_digest(token.encode(), self.token.encode()):
                return 401, (
                    f"The control paths want the token that the emulator printed: send "
                    f"'Authorization: Bearer ${TOKEN}'."
                )
        return 0, ""


@lru_cache(maxsize=64)
def named(host: str, listener: str) -> bool:
    """Whether a ``Host`` names a listener on that name or address, and not what a page was served from."""
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.netloc != host or "@" in host:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in ("localhost", listener.lower())
    return True  # whoever rebinds a name has no address to show


class Admission:
    """ASGI: nobody comes further whom :class:`Access` refuses; the body is not even read.

    ``refuse`` says it in the words of the API.
    """

    def __init__(
        self, app: ASGIApp, access: Access, refuse: Callable[[Trouble, str], Refusal]
    ) -> None:
        self.app, self.access, self.refuse = app, access, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse in JSON."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, why = self.access.refusal(scope["method"], scope["path"], Headers(scope=scope))
        if not status:
            await self.app(scope, receive, send)
            return
        refusal = self.refuse(TROUBLES[status], why)
        data = orjson.dumps(refusal.body())
        await Response(data, refusal.status, media_type="application/json")(scope, receive, send)
