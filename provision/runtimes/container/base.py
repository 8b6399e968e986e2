"""The Debian 13 that the node image starts from: a registry's, else one made of Debian's mirror."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.errors import RuntimeFailure
from provision.events import Emit, Noted, Progress
from provision.processes import end
from provision.runtimes.container.engine import Engine

REGISTRY = "docker.io/library/debian:trixie-slim"
OWN = "localhost/provision-base:trixie"
"""Tag of the base made here; kept, since the next node image starts from it too."""
LABEL = "provision-image"
"""Label of every image we make; its value is ``base``, or the hash the node image's tag ends with."""
PULL_SILENCE = 15.0
"""Seconds a registry may say nothing before Debian's mirror is used instead."""
MAKE_DEADLINE = 900.0
"""Seconds making a base may take (10 s with a near mirror)."""
END = 10.0
"""Seconds it has to end when it is told to."""
MIRROR = "http://deb.debian.org/debian"
EVERY = 2.0
"""Seconds between two events of progress."""


def base_image(engine: Engine, emit: Emit) -> str:
    """Name of a Debian 13 base that the engine has, made available where it had none."""
    for name in (REGISTRY, OWN):
        if engine.images.has(name):
            return name
    try:
        emit(Progress(step="image", done=0, total=0, text=f"pulling {REGISTRY}"))
        engine.images.pull(REGISTRY, PULL_SILENCE)
        return REGISTRY
    except RuntimeFailure as failure:
        why = failure.problem
    emit(Noted(text="no image registry can be reached; making Debian 13 with mmdebstrap"))
    _make(engine, emit, why)
    return OWN


def _make(engine: Engine, emit: Emit, why: str) -> None:
    mmdebstrap = shutil.which("mmdebstrap")
    if mmdebstrap is None:
        raise RuntimeFailure(
            f"{REGISTRY} cannot be pulled and mmdebstrap is not here to make it ({why})",
            "sudo apt-get install -y mmdebstrap debian-archive-keyring",
        )
    with tempfile.TemporaryDirectory(prefix="provision-base-") as scratch:
        archive = Path(scratch, "base.tar")
        mirror = os.environ.get("PROVISION_DEBIAN_MIRROR", MIRROR)
        _run([mmdebstrap, "--variant=minbase", "trixie", str(archive), mirror], emit)
        emit(Progress(step="image", done=0, total=0, text=f"importing {OWN}"))
        engine.images.load(archive, OWN, {LABEL: "base"})


def _run(command: list[str], emit: Emit) -> None:
    """Run mmdebstrap with its own last line as progress; raises when it fails or takes too long."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )

        def ended() -> bool:
            log.seek(0)
            last = (log.read().strip().splitlines() or [""])[-1].strip()
            seconds = time.monotonic() - began
            emit(Progress(step="image", done=round(seconds), total=0, text=f"mmdebstrap: {last}"))
            try:
                process.wait(EVERY)
            except subprocess.TimeoutExpired:
                return False
            return True

        try:
            Retrying(
                retry=retry_if_result(lambda done: not done),
                wait=wait_fixed(0),
                stop=stop_after_delay(MAKE_DEADLINE),
            )(ended)
        except RetryError as error:
            raise RuntimeFailure(
                f"mmdebstrap did not end within {MAKE_DEADLINE:.0f} s",
                "try again, or name a nearer mirror in PROVISION_DEBIAN_MIRROR",
            ) from error
        finally:
            end(process, END)
        if process.returncode:
            log.seek(0)
            tail = " / ".join(log.read().strip().splitlines()[-3:])
            raise RuntimeFailure(
                f"mmdebstrap failed ({tail})",
                "see that a Debian mirror can be reached, or set PROVISION_DEBIAN_MIRROR",
            )
