"""The ``pulumi`` executable: found, or else made once and kept in the user's cache.

No package registry has it ready-made. In this order: the one that ``PROVISION_PULUMI`` names, the one
on PATH, ours in the cache, the vendor's installer, and a build of the Go modules that
``tools/pulumi/go.sum`` pins.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from provision.assets import asset
from provision.engine.children import ChildFailed, run
from provision.errors import Finding, RefusedError
from provision.events import Emit, Noted, Progress
from provision.files import acquired

VARIABLE = "PROVISION_PULUMI"
PINNED = "3.259.0"
"""The version that is built and installed; ``tools/pulumi/go.mod`` names it too."""
LEAST = (3, 259, 0)
"""The oldest version that is used. Inline refresh came with 3.181 and events over gRPC with 3.206, but
this is the oldest that our tests have seen do everything, kills included."""
ANSWER = 20.0
"""Seconds ``pulumi version`` may take (0.2 s on an idle host)."""
SILENCE = 10
"""Seconds the vendor's host may say nothing."""
INSTALL = 300.0
"""Seconds the installer may take; it downloads some 150 MB."""
BUILD = 3600.0
"""Seconds a build may take (200 s on two cores with Go's modules at hand)."""
LOCK = 3900.0
"""Seconds to wait for another process that does the same."""
INSTALL_GO = (
    "install Go 1.25.11 or newer, or Pulumi itself (https://www.pulumi.com/docs/install), "
    "and run this again"
)
INSTALLER = f"""\
import socket, sys
from pulumi.automation import PulumiCommand
from semver import VersionInfo
socket.setdefaulttimeout({SILENCE})
PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
"""
"""Run in a process of its own, because the SDK's installer knows no deadline."""


@dataclass(frozen=True, slots=True)
class Binary:
    """An executable that is new enough."""

    path: Path
    version: str


@dataclass(frozen=True, slots=True)
class Host:
    """What is asked of this machine, so that the order can be tried without one."""

    which: Callable[[str], str | None]
    version_of: Callable[[Path], str]
    install: Callable[[Path, Emit], None]
    build: Callable[[Path, Emit], None]
    cache: Path
    named: str


def here() -> Host:
    """This machine."""
    cache = user_cache_path("provision") / "pulumi"
    return Host(shutil.which, version_of, install, build, cache, os.environ.get(VARIABLE, ""))


def lookup(host: Host | None = None) -> Binary | None:
    """The executable, None where one would have to be made first.

    Raises:
        RefusedError: ``PROVISION_PULUMI`` names something else.
    """
    return _look(host or here(), [])


def ensure(emit: Emit, host: Host | None = None) -> Binary:
    """The executable, made now where there is none.

    Raises:
        RefusedError: none is here and none can be made; one finding with all reasons.
    """
    host = host or here()
    reasons: list[str] = []
    found = _look(host, reasons)
    if found is not None:
        return found
    with _alone(host.cache, emit):
        # Another process may have made it while this one waited for the lock.
        return _cached(host) or _make(host, reasons, emit)


def _look(host: Host, reasons: list[str]) -> Binary | None:
    if host.named:
        return _named(Path(host.named), host)
    if on_path := host.which("pulumi"):
        version = host.version_of(Path(on_path))
        if new_enough(version):
            return Binary(Path(on_path), version)
        reasons.append(f"{on_path} is {version or 'not one'}, older than {PINNED}")
    return _cached(host)


def _named(path: Path, host: Host) -> Binary:
    version = host.version_of(path)
    if new_enough(version):
        return Binary(path, version)
    problem = f"{path} says it is version {version}" if version else f"{path} is no pulumi command"
    fix = f"name a pulumi of version {PINNED} or newer, or unset {VARIABLE}"
    raise RefusedError([Finding(f"environment: {VARIABLE}", problem, fix)])


def _cached(host: Host) -> Binary | None:
    path = host.cache / PINNED / "bin" / "pulumi"
    return Binary(path, PINNED) if os.access(path, os.X_OK) else None


def _make(host: Host, reasons: list[str], emit: Emit) -> Binary:
    for left in host.cache.glob(f".{PINNED}-*"):  # by one that was killed: we hold the lock now
        shutil.rmtree(left, ignore_errors=True)
    for word, way in (("the vendor's installer", host.install), ("a build with Go", host.build)):
        # Beside its place, so that it gets there as a whole or not at all.
        root = Path(tempfile.mkdtemp(dir=host.cache, prefix=f".{PINNED}-"))
        try:
            way(root, emit)
            root.chmod(0o755)
            shutil.rmtree(host.cache / PINNED, ignore_errors=True)
            root.rename(host.cache / PINNED)
        except (ChildFailed, OSError) as error:
            reasons.append(f"{word}: {error}")
        finally:
            shutil.rmtree(root, ignore_errors=True)
        if found := _cached(host):
            return found
    raise RefusedError(
        [
            Finding(
                "host: pulumi",
                f"the Pulumi CLI is not here and cannot be made ({'; '.join(reasons)})",
                INSTALL_GO,
            )
        ]
    )


def new_enough(version: str) -> bool:
    """Whether it can be used: of the same major version and not older than :data:`LEAST`."""
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    parts = tuple(int(part) for part in match.groups()) if match else (0,)
    return LEAST <= parts < (LEAST[0] + 1,)


def version_of(path: Path) -> str:
    """What the executable says, '' where it is none."""
    try:
        done = subprocess.run(
            [path, "version"],
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().removeprefix("v") if done.returncode == 0 else ""


def install(root: Path, emit: Emit) -> None:
    """Fetch the vendor's build into ``root/bin`` by the SDK's installer; raises ``ChildFailed``."""
    emit(Progress(step="pulumi", done=0, total=0, text=f"asking for Pulumi {PINNED}"))

    def tell(lines: int, _last: str) -> None:
        emit(Progress(step="pulumi", done=lines, total=0, text=f"installing Pulumi {PINNED}"))

    run([sys.executable, "-c", INSTALLER, str(root), PINNED], INSTALL, tell)


def build(root: Path, emit: Emit) -> None:
    """Build it with Go from the pinned modules into ``root/bin``; raises ``ChildFailed``."""
    go = shutil.which("go")
    if go is None:
        raise ChildFailed("there is no go")
    emit(Noted(text=f"building the Pulumi CLI {PINNED} with Go (once; about 4 minutes)"))

    def tell(lines: int, last: str) -> None:
        text = f"building the Pulumi CLI: {last}" if last else "building the Pulumi CLI"
        emit(Progress(step="pulumi", done=lines, total=0, text=text))

    version = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
    command = [
        *(go, "build", "-v", "-trimpath", "-buildvcs=false", "-mod=readonly"),
        *("-tags", "osusergo,grpcnotrace", "-ldflags", f"-s -w -X {version}=v{PINNED}"),
        *("-o", str(root / "bin" / "pulumi"), "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"),
    ]
    # What is built is what go.sum pins, by the compiler that is here.
    env = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    run(command, BUILD, tell, cwd=asset("tools", "pulumi"), env=env)


@contextmanager
def _alone(cache: Path, emit: Emit) -> Iterator[None]:
    """Hold the lock that lets one process make it; the kernel frees it if we die."""
    where = cache / "lock"
    note = Noted(text="waiting for another process that makes the Pulumi CLI")
    try:
        lock = acquired(where, LOCK, lambda: emit(note))
    except TimeoutError as error:
        problem = f"another process still makes the Pulumi CLI after {LOCK:.0f} s"
        raise RefusedError(
            [Finding(f"{where}", problem, f"find it with 'fuser {where}'")]
        ) from error
    with lock:
        yield
