"""The Pulumi stack of a cluster on GCE: its folder, its passphrase, its program and its provider.

Pulumi's SDK is imported by what drives a stack: it takes half a second, and who only looks needs none.
"""

import secrets
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError

from provision.assets import program_of
from provision.cloud import Launch
from provision.clouds.gce.client import Gce
from provision.clouds.gce.place import Place
from provision.clouds.gce.resources import kinds
from provision.clouds.gce.settings import Settings
from provision.errors import UnreadableError
from provision.events import Emit, Warned
from provision.files import claimed, user_folder
from provision.spec.clouds import GceCloud as GceSpec
from provision.spec.identity import fingerprint
from provision.workspace import Workspace

if TYPE_CHECKING:
    from provision.engine.stack import Stack

PLUGIN = (sys.executable, "-m", "provision.clouds.gce.plugin")
"""What Pulumi starts where it is run by hand."""
PASSPHRASE = "passphrase"
"""File of the cluster's folder that holds what encrypts the secrets in the state."""


def stack_of(cluster: str, settings: Settings, program: Callable[[], None], emit: Emit,
             stop: threading.Event, until: float) -> "Stack":  # fmt: skip
    """The cluster's stack. ``stop`` and the time ``until`` (monotonic) end what its provider waits for."""
    # First of all: it says so where a package is missing.
    gce = Gce(settings, emit, stop=stop, until=until)
    from provision.engine.binary import ensure
    from provision.engine.stack import Stack
    from provision.engine.workdir import Workdir
    from provision.provider.server import Attached

    config = {"project": settings.project, "region": settings.region}
    if settings.endpoint:
        config["endpoint"] = settings.endpoint
    folder = Workspace(cluster).path("stack")
    workdir = Workdir(cluster, folder, _passphrase(cluster, emit), config=config, provider=PLUGIN)
    return Stack(workdir, ensure(emit), program, lambda: Attached(kinds(gce)), emit)


def claim(cluster: str, settings: Settings, command: str) -> AbstractContextManager[None]:
    """The name in this project, against other runs on this host."""
    place = fingerprint([settings.project, settings.endpoint])
    return claimed(user_folder(), f"{cluster}-{place}", cluster, command)


def ready(emit: Emit) -> None:
    """Make Pulumi's CLI available, where it takes minutes before anything is created."""
    from provision.engine.binary import ensure

    ensure(emit)


def program(launch: Launch, place: Place) -> Callable[[], None]:
    """What there shall be, as ``stacks/gce`` declares it."""
    return partial(program_of("gce"), launch, place)


def nothing() -> None:
    """The program of a stack that is only destroyed."""


def exists(cluster: str) -> bool:
    """Whether this machine has a stack of that cluster; one that cannot be looked at is one."""
    try:
        (Workspace(cluster).path("stack") / "state").stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def kept_place(cluster: str) -> GceSpec | None:
    """The place that the stack's own settings name; None where this machine has no stack.

    Raises:
        UnreadableError: there is a stack, and its settings name none.
    """
    if not exists(cluster):
        return None
    import yaml

    from provision.engine.workdir import PROJECT

    name = f"stack/Pulumi.{cluster}.yaml"
    workspace = Workspace(cluster)
    try:
        config = yaml.safe_load(workspace.text(name) or "")["config"]
        said = {key: config[f"{PROJECT}:{key}"] for key in ("project", "region")}
        return GceSpec.model_validate({**said, "endpoint": config.get(f"{PROJECT}:endpoint")})
    except (yaml.YAMLError, ValidationError, AttributeError, KeyError, TypeError):
        raise UnreadableError(
            f"{workspace.path(name)} does not say where the stack's cluster is",
            "put it back: what it stands for may run on",
        ) from None


def _passphrase(cluster: str, emit: Emit) -> str:
    """The stack's own, made now where there is none.

    A state whose passphrase is lost is of no use: it is put aside, and what exists is adopted by its
    labels.
    """
    workspace = Workspace(cluster)
    kept = workspace.text(PASSPHRASE)
    if kept is not None:
        return kept.strip()
    made = secrets.token_urlsafe(24)
    if exists(cluster):
        emit(Warned(text=f"the passphrase of {cluster}'s stack is lost; its state is begun anew"))
        workspace.discard("stack")
    workspace.write(PASSPHRASE, made)
    return made
