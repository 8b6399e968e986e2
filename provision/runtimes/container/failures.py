"""The one place where exceptions of the ``docker`` SDK and what lies below it become ours."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager

import docker.credentials.errors
import docker.errors
import docker.utils.socket
import requests.exceptions
import urllib3.exceptions

from provision.errors import RuntimeFailure
from provision.runtimes.container.engine import Conflict, Gone

FOREIGN: tuple[type[Exception], ...] = (
    docker.errors.DockerException,
    docker.errors.StreamParseError,
    docker.credentials.errors.StoreError,
    docker.utils.socket.SocketError,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    urllib3.exceptions.ProxySchemeUnsupported,
    http.client.HTTPException,
    # A stream that ends within an object, and whatever the socket itself says.
    json.JSONDecodeError,
    OSError,
)
"""Everything a call of the SDK may raise that is no bug of ours; a test walks its modules."""

NEXT = "see 'provision doctor', or the engine's own log"


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn a foreign exception into one of ours; ``doing`` names the call: ``start demo-1``."""
    try:
        yield
    except FOREIGN as error:
        raise translate(doing, error) from error


def translate(doing: str, error: Exception) -> RuntimeFailure:
    """The error of ours that says what the foreign one says."""
    problem = f"the container engine could not {doing} ({reason(error)})"
    match status(error):
        case 404:
            return Gone(problem, NEXT)
        case 409:
            return Conflict(problem, NEXT)
        case _:
            return RuntimeFailure(problem, NEXT)


def status(error: Exception) -> int:
    """HTTP status of the engine's answer, 0 where it gave none."""
    if isinstance(error, docker.errors.APIError) and error.response is not None:
        return int(error.response.status_code)
    return 0


def reason(error: Exception) -> str:
    """The engine's own words on one line, at most 300 characters, without the SDK's wrapping."""
    text = ""
    if isinstance(error, docker.errors.APIError):
        text = str(error.explanation or "")
    elif isinstance(error, requests.exceptions.Timeout):
        text = "it did not answer in time"
    elif isinstance(error, requests.exceptions.ConnectionError):
        text = _system_words(error)
    text = " ".join((text or str(error) or type(error).__name__).split())
    return text if len(text) <= 300 else text[:297] + "..."


def _system_words(error: BaseException) -> str:
    """What the operating system said below the SDK's wrapping; '' where it said nothing."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.strerror:
            return below.strerror
        below = below.__context__
    return ""
