"""Sign-in: tokens for service-account keys and refresh tokens, and the key that tests sign in with.

Nothing is verified beyond its form (https://developers.google.com/identity/protocols/oauth2): whoever
reaches the loopback may do everything here.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN_PATH = "/token"
ACCOUNT = "emulator"
LIFETIME = 3600
"""Seconds that a token is good for."""
FORM_LIMIT = 65_536
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def account(project: str) -> str:
    """Name of the service account that the key stands for."""
    return f"{ACCOUNT}@{project}.iam.gserviceaccount.com"


@cache
def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_file(project: str, base: str) -> str:
    """A service account's key as Google's console gives it, with our token endpoint in it."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": project,
            "private_key_id": secrets.token_hex(20),
            "private_key": _private_key(),
            "client_email": account(project),
            "client_id": "100000000000000000000",
            "auth_uri": f"{base}/o/oauth2/auth",
            "token_uri": f"{base}{TOKEN_PATH}",
            "universe_domain": "googleapis.com",
        },
        indent=2,
    )


def user(headers: Mapping[str, str]) -> str:
    """Who an operation names as its user: the token's account, or nobody in particular."""
    token = headers.get("authorization", "").removeprefix("Bearer ")
    if token.startswith("ya29.emulator."):
        try:
            return base64.urlsafe_b64decode(token.split(".")[2] + "==").decode()
        except (IndexError, ValueError):
            return ""
    return f"{ACCOUNT}@emulator.invalid"


def _token(email: str) -> dict[str, Any]:
    name = base64.urlsafe_b64encode(email.encode()).decode().rstrip("=")
    return {
        "access_token": f"ya29.emulator.{name}.{secrets.token_urlsafe(12)}",
        "expires_in": LIFETIME,
        "token_type": "Bearer",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
    }


async def token(request: Request) -> Response:
    """A token for a signed assertion or a refresh token."""
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > FORM_LIMIT:
            return _refuse("invalid_request", "The request is too large.")
    try:
        form = {key: values[0] for key, values in parse_qs(raw.decode()).items()}
    except ValueError:
        return _refuse("invalid_request", "The request is no form.")
    grant = form.get("grant_type", "")
    if grant == JWT_GRANT:
        claims = _claims(form.get("assertion", ""))
        if not claims.get("iss"):
            return _refuse("invalid_grant", "Invalid JWT: no issuer can be read from it.")
        if claims.get("target_audience"):
            return JSONResponse({"id_token": form["assertion"]})
        return JSONResponse(_token(str(claims["iss"])))
    if grant == "refresh_token" and form.get("refresh_token"):
        return JSONResponse(_token(f"{ACCOUNT}@emulator.invalid"))
    return _refuse("unsupported_grant_type", f"Invalid grant_type: {grant[:100]}")


def _claims(assertion: str) -> dict[str, Any]:
    try:
        middle = assertion.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _refuse(error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, 400)


def routes() -> list[Route]:
    """The token endpoint under the names that clients of different ages have for it."""
    paths = (TOKEN_PATH, "/oauth2/v4/token", "/o/oauth2/token", "/oauth2/v3/token")
    return [Route(path, token, methods=["POST"]) for path in paths]
