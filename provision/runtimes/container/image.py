"""The node image: named by the hash of its inputs, built once, by one process at a time."""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from provision.assets import asset
from provision.errors import RuntimeFailure
from provision.events import Emit, Noted, Progress
from provision.files import acquired
from provision.runtimes.container.base import LABEL, base_image
from provision.runtimes.container.engine import Engine

NAME = "localhost/provision-node"
LOCK_DEADLINE = 1800.0
"""Seconds to wait for another process that builds the same image."""
BUILD_DEADLINE = 1800.0
"""Seconds a build may take (35 s with a near mirror on two cores)."""
EVERY = 2.0
"""Seconds between two events of progress at least."""
FOLDER = ("tools", "node-image")
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


def folder() -> Path:
    """Where the Containerfile and all its inputs are."""
    return asset(*FOLDER)


def fingerprint(inputs: Path) -> str:
    """First 12 hex digits of a SHA-256 over names, modes and contents of all files below a folder.

    Only the executable bit of a mode counts: a checkout and a wheel differ in the others.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in inputs.rglob("*") if path.is_file()):
        data = path.read_bytes()
        mode = "x" if path.suffix == ".sh" else "-"
        digest.update(f"{path.relative_to(inputs).as_posix()}\0{mode}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:12]


def tag() -> str:
    """Name of the image that the inputs of this checkout or wheel give."""
    return f"{NAME}:{fingerprint(folder())}"


def ensure(engine: Engine, emit: Emit) -> str:
    """Build the image where the engine has none of that name; answers the name."""
    name = tag()
    if engine.images.has(name):
        return name
    with alone("image", emit):
        # Another process may have built it while this one waited for the lock.
        if not engine.images.has(name):
            _build(engine, name, emit)
    return name


def _build(engine: Engine, name: str, emit: Emit) -> None:
    began = time.monotonic()
    emit(Noted(text=f"building the node image {name} (once; about a minute)"))
    base = base_image(engine, emit)
    args = {"BASE": base}
    args |= {key: os.environ[key] for key in PROXIES if os.environ.get(key)}
    labels = {LABEL: name.rpartition(":")[2]}
    last, shown = "", began
    for lines, line in enumerate(engine.images.build(folder(), name, args, labels), start=1):
        last = line.splitlines()[-1][:200]
        now = time.monotonic()
        if now - began > BUILD_DEADLINE:
            raise RuntimeFailure(f"building {name} took more than {BUILD_DEADLINE:.0f} s")
        if now - shown >= EVERY:
            shown = now
            emit(Progress(step="image", done=lines, total=0, text=last))
    if not engine.images.has(name):
        raise RuntimeFailure(
            f"the build of {name} ended without an image (last line: {last})",
            "run 'provision doctor'; the Containerfile needs a Debian mirror it can reach",
        )
    emit(Noted(text=f"built {name} in {time.monotonic() - began:.0f} s"))


@contextmanager
def alone(what: str, emit: Emit, cache: Path | None = None) -> Iterator[None]:
    """Hold the lock that lets one process make ``what``; the kernel frees it if we die."""
    path = (cache or user_cache_path("provision")) / f"{what}.lock"
    note = Noted(text=f"waiting for another process that makes the node {what}")
    try:
        lock = acquired(path, LOCK_DEADLINE, lambda: emit(note))
    except TimeoutError as error:
        raise RuntimeFailure(
            f"another process still makes the node {what} after {LOCK_DEADLINE:.0f} s",
            f"find it with 'fuser {path}'",
        ) from error
    with lock:
        yield
