"""Who says first where to work (spec, environment, a tool's configuration), and what is wrong with it."""

import ipaddress
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from provision.errors import Finding, RefusedError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
ECHO = "https://api.ipify.org"
"""Answers with the address a request came from; asked only where ``ssh_from`` is not given."""
ECHO_SECONDS = 5.0


class Said(NamedTuple):
    """A value and who said it: ``cloud.region``, a variable's name, or a file; '' is nothing."""

    value: str = ""
    origin: str = ""


def of_environment(environment: Mapping[str, str], names: Sequence[str]) -> Said:
    """The first of these variables that says something."""
    said = (Said(environment[name], name) for name in names if environment.get(name))
    return next(said, Said())


def plain(endpoint: str) -> bool:
    """Whether it is without TLS: an emulator, never a cloud."""
    return endpoint.startswith("http://")


def endpoint_findings(
    endpoint: str, origin: str, key: Path | None, key_origin: str
) -> Iterator[Finding]:
    """What is wrong with an endpoint ('' is the cloud's own), or with a key that would sign for it."""
    if not endpoint:
        return
    url = urlsplit(endpoint)
    if url.scheme not in ("http", "https") or not url.hostname or url.path or url.query:
        fix = "write scheme, host and port alone, as in http://127.0.0.1:8080"
        yield Finding(origin, f"'{endpoint}' is no address of a server", fix)
    elif url.scheme == "http" and key and url.hostname not in LOOPBACK:
        fix = f"use https, a loopback address, or unset {key_origin}"
        yield Finding(origin, f"{key} would sign requests that travel unencrypted", fix)


def file_findings(file: Path | None, origin: str) -> Iterator[Finding]:
    """A key that is named and not there."""
    if file and not file.is_file():
        fix = f"export the path of a key, or unset {origin}"
        yield Finding(origin, f"there is no file {file}", fix)


def callers_range(endpoint: str) -> str:
    """The address that this machine has to the outside, as a range of one; to an emulator loopback's.

    Raises:
        RefusedError: it cannot be found out.
    """
    if plain(endpoint):
        return "127.0.0.1/32"  # an emulator's own host
    try:
        with urllib.request.urlopen(ECHO, timeout=ECHO_SECONDS) as answer:
            return f"{ipaddress.IPv4Address(answer.read(64).decode().strip())}/32"
    except (OSError, ValueError) as error:
        problem = f"this machine's public IPv4 address cannot be found out ({error})"
        fix = "say who may reach the controller's SSH: cloud: {ssh_from: 203.0.113.7/32}"
        raise RefusedError([Finding("cloud.ssh_from", problem, fix)]) from error
