"""The clouds a plan can go to, by kind; each is imported only when it is asked for."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from provision.cloud import Cloud
from provision.clouds.gce import surroundings as gce
from provision.clouds.local import surroundings as local
from provision.errors import UnreadableError
from provision.events import Emit, ignore
from provision.files import Folder, Folders
from provision.spec.clouds import Cloud as CloudSpec


def _local(spec: Any, emit: Emit, folders: Folders | None) -> Cloud:
    from provision.clouds.local.cloud import LocalCloud

    return LocalCloud(spec)


def _gce(spec: Any, emit: Emit, folders: Folders | None) -> Cloud:
    from provision.clouds.gce.cloud import GceCloud

    return GceCloud(spec, emit, folders)


@dataclass(frozen=True, slots=True)
class Registered:
    """A kind of cloud: what makes it, and the module of what surrounds this process."""

    make: Callable[[Any, Emit, Folders | None], Cloud]
    surroundings: ModuleType


CLOUDS: Mapping[str, Registered] = {
    "local": Registered(_local, local),
    "gce": Registered(_gce, gce),
}


def cloud_of(spec: CloudSpec, emit: Emit = ignore, folders: Folders | None = None) -> Cloud:
    """The cloud of a spec's ``cloud`` part, ready to be asked; close it after use.

    ``emit`` hears what the cloud tells by itself, such as calls that are tried again. ``folders``
    gives the folder of a cluster, where the cloud keeps its stack; whoever only looks needs none.
    """
    return CLOUDS[spec.kind].make(spec, emit, folders)


def words_of(spec: CloudSpec, environment: Mapping[str, str] = os.environ) -> str:
    """What people call the place; asks nobody."""
    words: str = CLOUDS[spec.kind].surroundings.words_of(spec, environment)
    return words


def kept_place(cluster: str, folder: Folder) -> CloudSpec | None:
    """Where the stack in the cluster's folder says that it is; None where there is no stack.

    Raises:
        UnreadableError: there is one, and it does not say.
    """
    from provision.clouds.common.stack import kept_config, settings_file

    config = kept_config(cluster, folder)
    if config is None:
        return None
    for each in CLOUDS.values():
        spec: CloudSpec | None = each.surroundings.of_stack(config)
        if spec:
            return spec
    raise UnreadableError(
        f"{folder.path(settings_file(cluster))} does not say where the stack's cluster is",
        "put it back: what it stands for may run on",
    )


def places(environment: Mapping[str, str] = os.environ) -> list[CloudSpec]:
    """Where to look for clusters whose spec is not on this machine."""
    return [spec for each in CLOUDS.values() for spec in each.surroundings.places(environment)]
