"""Whether a Docker-compatible engine answers on this machine: exit code 0 or 1. Standard library only.

Run by setup.sh before anything is installed. A client is not an engine, and a socket file may outlive
its engine, so each place is asked with the API's ``GET /_ping``.
"""

import os
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

ANSWER = 5.0
"""Seconds an engine may take; a socket-activated one starts in that time."""


def places() -> Iterator[str]:
    """The engine the user names, else the sockets that ``provision`` itself would try."""
    named = os.environ.get("DOCKER_HOST", "")
    if named:
        yield named
        return
    private = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    for folder in ("/var/run", "/run/podman", private, f"{private}/podman"):
        for name in ("docker.sock", "podman.sock"):
            yield f"unix://{folder}/{name}"


def answers(place: str) -> bool:
    """Whether ``GET /_ping`` is answered with 200 there."""
    url = urlsplit(place)
    try:
        if url.scheme == "unix":
            if not stat.S_ISSOCK(Path(url.path).stat().st_mode):
                return False
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(ANSWER)
            connection.connect(url.path)
        else:
            connection = socket.create_connection((url.hostname, url.port or 2375), ANSWER)
        with connection:
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if any(map(answers, places())) else 1)
