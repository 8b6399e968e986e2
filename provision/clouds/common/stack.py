"""The Pulumi stack of a cluster in the folder that it is handed: passphrase, settings, provider.

Pulumi's SDK is imported by what drives a stack: it takes half a second, and who only looks needs none.
"""

import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from provision.events import Emit, Warned
from provision.files import Folder, claimed, user_folder
from provision.provider.resource import Resource
from provision.spec.identity import fingerprint

if TYPE_CHECKING:
    from provision.engine.stack import Stack

FOLDER = "stack"
"""Name of the stack's own folder in the cluster's."""
PASSPHRASE = "passphrase"
"""File of the cluster's folder that holds what encrypts the secrets in the state."""


def stack_of(
    cluster: str, folder: Folder, program: Callable[[], None], kinds: Sequence[Resource],
    config: Mapping[str, str], plugin: str, emit: Emit,
) -> "Stack":  # fmt: skip
    """The cluster's stack, whose provider serves these kinds of resources from this process.

    ``config`` is what the provider is told where Pulumi is run by hand, and ``plugin`` the module that
    it starts then.
    """
    from provision.engine.binary import ensure
    from provision.engine.stack import Stack
    from provision.engine.workdir import Workdir
    from provision.provider.server import Attached

    workdir = Workdir(
        cluster, folder.path(FOLDER), passphrase(cluster, folder, emit), config=config,
        provider=(sys.executable, "-m", plugin),
    )  # fmt: skip
    return Stack(workdir, ensure(emit), program, lambda: Attached(kinds), emit)


def claim(cluster: str, place: Sequence[str | None], command: str) -> AbstractContextManager[None]:
    """The name in this place (a project and an endpoint, say), against other runs on this host."""
    return claimed(user_folder(), f"{cluster}-{fingerprint(list(place))}", cluster, command)


def ready(emit: Emit) -> None:
    """Make Pulumi's CLI available, where it takes minutes before anything is created."""
    from provision.engine.binary import ensure

    ensure(emit)


def nothing() -> None:
    """The program of a stack that is only destroyed."""


def exists(folder: Folder) -> bool:
    """Whether this machine has a stack of that cluster; one that cannot be looked at is one."""
    try:
        (folder.path(FOLDER) / "state").stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def settings_file(cluster: str) -> str:
    """The file, below the cluster's folder, in which a stack's settings stand."""
    return f"{FOLDER}/Pulumi.{cluster}.yaml"


def kept_config(cluster: str, folder: Folder) -> Mapping[str, str] | None:
    """What the settings of the stack tell its provider, {} where they tell nothing; None without one.

    Raises:
        UnreadableError: the file is there and cannot be read.
    """
    if not exists(folder):
        return None
    import yaml

    from provision.engine.workdir import PROJECT

    text = folder.text(settings_file(cluster)) or ""
    try:
        config = yaml.safe_load(text)["config"].items()
        return {
            key.removeprefix(f"{PROJECT}:"): value
            for key, value in config
            if key.startswith(f"{PROJECT}:")
        }
    except (yaml.YAMLError, AttributeError, KeyError, TypeError):
        return {}


def passphrase(cluster: str, folder: Folder, emit: Emit) -> str:
    """The stack's own, made now where there is none.

    A state whose passphrase is lost is of no use: it is put aside, and what exists is adopted by its
    labels.
    """
    kept = folder.text(PASSPHRASE)
    if kept is not None:
        return kept.strip()
    made = secrets.token_urlsafe(24)
    if exists(folder):
        emit(Warned(text=f"the passphrase of {cluster}'s stack is lost; its state is begun anew"))
        folder.discard(FOLDER)
    folder.write(PASSPHRASE, made)
    return made
