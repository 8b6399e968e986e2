"""Whether the engine can start a container at all: tried once per boot, engine and image."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from platformdirs import user_cache_path

from provision.errors import Finding, RuntimeFailure
from provision.runtime import HostCheck
from provision.runtimes.container import image, node
from provision.runtimes.container.base import LABEL
from provision.runtimes.container.engine import Engine

TIMEOUT = 30.0
"""Seconds the probe may take (0.5 s on an idle host)."""
NAME = "container start"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
INSTALL = (
    "run 'podman --runtime runc run --rm IMAGE true' and mend what it says; on Debian and Ubuntu:"
    " sudo apt-get install -y runc netavark aardvark-dns iptables"
)


def check(engine: Engine, cache: Path | None = None, *, has_image: bool) -> HostCheck:
    """Start a container of the node image that ends at once, unless that has worked before.

    The memory of it is an empty file in the user's cache folder, named by what could change the
    answer: this boot of the host, the engine's version and the image.
    """
    if not has_image:
        return HostCheck(NAME, "not tried: the node image is not built yet")
    about = engine.describe()
    key = f"{_boot_id()} {about.name} {about.version} {about.storage} {image.tag()}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    folder = cache or user_cache_path("provision")
    memory = folder / f"probe-{digest}"
    if memory.exists():
        return HostCheck(NAME, "worked before on this boot of the host")
    try:
        code = _run(engine)
        if code:
            raise RuntimeFailure(f"a container of the node image ended with {code}")
    except RuntimeFailure as failure:
        step = INSTALL.replace("IMAGE", image.tag())
        finding = Finding(f"host: {NAME}", failure.problem, step)
        return HostCheck(NAME, failure.problem, finding)
    _remember(memory)
    return HostCheck(NAME, "works")


def _run(engine: Engine) -> int:
    """Exit code of ``true`` in a container of the node image, with a node's limits and rights."""
    marks = {LABEL: "probe"}
    for stale in engine.containers(marks):
        if stale.created < time.time() - 2 * TIMEOUT:
            engine.remove(stale.ident)
    name = f"provision-probe-{uuid4().hex[:8]}"
    ident = engine.create(name, node.probe(image.tag(), marks, podman=engine.describe().podman))
    try:
        engine.start(ident)
        return engine.wait(ident, TIMEOUT)
    finally:
        engine.remove(ident)


def _remember(memory: Path) -> None:
    """Best effort: without the memory the next check only takes half a second longer."""
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        for old in memory.parent.glob("probe-*"):
            old.unlink(missing_ok=True)
        memory.touch()
    except OSError:
        return


def _boot_id(read: Callable[[], str] = BOOT_ID.read_text) -> str:
    try:
        return read().strip()
    except OSError:
        return ""
