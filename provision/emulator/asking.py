"""Speaking to an emulator that runs: its control paths, for ``provision emulate set``."""

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from provision.emulator.access import PREFIX, TOKEN
from provision.emulator.apis import APIS
from provision.errors import UsageError

TIMEOUT = 10.0
"""Seconds."""
ANSWER_MAX = 1024 * 1024
"""Bytes of an answer that are read."""


def turn(endpoint: str, token: str, change: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a change into the dials; answers them all. Raises UsageError."""
    request = Request(
        f"{endpoint.rstrip('/')}{PREFIX}/dials",
        json.dumps(change).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        method="PATCH",
    )
    try:
        with urlopen(request, timeout=TIMEOUT) as answer:
            result = json.loads(answer.read(ANSWER_MAX))
            if not isinstance(result, dict):
                raise ValueError("its answer holds no dials")
            return result
    except HTTPError as error:
        with error:
            message = _refusal(error)
        fix = "see docs/emulate.md for all dials"
        if error.code == 401:
            fix = f"export {TOKEN} as it printed it"
        raise UsageError(message, fix) from error
    except (URLError, HTTPException, OSError, ValueError) as error:
        raise UsageError(
            f"no emulator answers at {endpoint} ({error})",
            f"start one with 'provision emulate {'|'.join(APIS)}', or give --endpoint",
        ) from error


def _refusal(error: HTTPError) -> str:
    """The sentence of an emulator, or that it was none that answered."""
    try:
        return str(json.loads(error.read(ANSWER_MAX))["error"]["message"])
    except (HTTPException, OSError, ValueError, LookupError, TypeError):
        return f"no emulator answers at {error.url}, but something that says {error.code}"


def parse(settings: Mapping[str, str]) -> dict[str, Any]:
    """``{"capacity.us-central1-a.*": "0"}`` as the nested change it means; values are JSON or text."""
    change: dict[str, Any] = {}
    for path, text in settings.items():
        value: Any
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        place = change
        *outer, last = path.split(".")
        for step in outer:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise UsageError(f"{path} is set twice", "give each dial once")
        place[last] = value
    return change
