"""A cluster's folder on the user's disk: keys, spec, outputs, timings. A convenience, but for the keys.

Everything stands below ``$XDG_STATE_HOME/provision`` (platformdirs), mode 0700. Losing it loses the
keys, so nodes can no longer be added or logged into; ``list``, ``status`` and ``down`` go on working.

A file that is there and cannot be read is an ``UnreadableError`` and never counts as absent. What is
removed stands below the clusters' folder, for a name that is one, and under that cluster's lock.
"""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
from pydantic import ValidationError

from provision.errors import ProvisionError, UnreadableError, UsageError
from provision.files import SIZE_MAX, claimed, read_regular, write_private
from provision.keys import Keys, new_keys
from provision.names import cluster_name
from provision.spec.models import Spec

T = TypeVar("T")

REMOVALS = 5
"""How often a folder is removed in which another command has just written a line."""
KEPT_MAX = 64 * SIZE_MAX
"""Bytes of the largest file that we keep: the clocks of 65,000 nodes are about 12 MB."""


def root() -> Path:
    """The folder that holds all clusters' folders."""
    return Path(platformdirs.user_state_dir("provision"))


def known_clusters() -> list[str]:
    """Names of the clusters that have a folder here, for shell completion."""
    known = []
    with contextlib.suppress(OSError):
        for entry in (root() / "clusters").iterdir():
            with contextlib.suppress(UsageError):
                if entry.is_dir():
                    known.append(cluster_name(entry.name))
    return sorted(known)


def known_nodes(cluster: str) -> list[str]:
    """Names of the cluster's nodes as last written, for shell completion."""
    outputs = Workspace(cluster).load("outputs")
    return [str(node["name"]) for node in outputs.get("nodes", [])]


class Workspace:
    """The files of one cluster.

    Raises:
        UsageError: no cluster can have that name. There is no other way from a name to a path.
    """

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster_name(cluster)
        self.folder = root() / "clusters" / self.cluster
        self._held = False

    def path(self, name: str) -> Path:
        """Where the file of that name stands (it may not exist)."""
        return self.folder / name

    @contextlib.contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Hold this cluster against other runs; raises ``BusyError`` naming the one that has it."""
        self._own()
        try:
            with claimed(root() / "locks", self.cluster, self.cluster, command):
                self._held = True
                try:
                    yield
                finally:
                    self._held = False
        finally:
            self._tidy()

    @property
    def has_keys(self) -> bool:
        """Whether this machine has keys of the cluster, readable or not."""
        return self.path("keys.json").exists()

    def keys(self) -> Keys | None:
        """The cluster's keys, or None where this machine does not have them."""
        return self._read("keys.json", lambda text: Keys.from_dict(json.loads(text)))

    def ensure_keys(self) -> Keys:
        """The cluster's keys, made now where there are none; mode 0600."""
        keys = self.keys()
        if keys is None:
            keys = new_keys(self.cluster)
            self.write("keys.json", json.dumps(keys.as_dict()))
            self.write("id_ed25519", keys.user.private)
        return keys

    def save_spec(self, spec: Spec) -> None:
        """Remember the spec as it was asked for, so that scale and repair know it."""
        self.write("spec.json", spec.model_dump_json(indent=1))

    def spec(self) -> Spec | None:
        """The spec of the last ``up`` or ``scale``, or None where this machine does not have it."""
        return self._read("spec.json", self._own_spec)

    def _own_spec(self, text: str) -> Spec:
        spec = Spec.model_validate_json(text, strict=False)
        if spec.name != self.cluster:
            raise ValueError("it is of another cluster")
        return spec

    def save(self, name: str, data: Mapping[str, Any]) -> None:
        """Write a JSON file, mode 0600."""
        self.write(f"{name}.json", json.dumps(data, indent=1) + "\n")

    def load(self, name: str) -> dict[str, Any]:
        """What :meth:`save` wrote under that name; empty where there is nothing."""
        return self._read(f"{name}.json", _mapping) or {}

    def text(self, name: str) -> str | None:
        """What a file of this cluster holds, or None where there is none."""
        return self._read(name, str)

    def write(self, name: str, text: str) -> None:
        """Write a file of this cluster, mode 0600, whole or not at all."""
        self._own()
        try:
            write_private(self.path(name), text)
        except OSError as error:
            raise ProvisionError(
                f"cannot write {self.path(name)} ({error.strerror})",
                "make room or set XDG_STATE_HOME to a folder you may write",
            ) from error

    def discard(self, name: str) -> None:
        """Remove one file or folder of this cluster."""
        self._own()
        path = self.path(name)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the cluster's folder, keys included, under its lock (taken now where it is not held)."""
        if not self._held:
            with self.lock("removing its files"):
                self.remove()
            return
        for _ in range(REMOVALS):
            shutil.rmtree(self.folder, ignore_errors=True)
            if not self.folder.exists():
                return

    def _own(self) -> None:
        """See that the folder is a folder of ours and does not lead elsewhere."""
        if self.folder.is_symlink():
            raise ProvisionError(
                f"{self.folder} is a symbolic link, and nothing is changed behind it",
                "remove the link, or set XDG_STATE_HOME to where the files shall be",
            )

    def _read(self, name: str, parse: Callable[[str], T]) -> T | None:
        path = self.path(name)
        try:
            return parse(read_regular(path, KEPT_MAX).decode("utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            why = error.strerror or type(error).__name__
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            why = f"{place}: {first['msg']}" if place else "it is no JSON"
        except (ValueError, KeyError, TypeError, RecursionError):
            why = "it is damaged"
        raise UnreadableError(
            f"{path} cannot be read ({why})",
            f"put it back, or run 'provision down {self.cluster}'",
        )

    def _tidy(self) -> None:
        """Leave no empty folders behind."""
        for folder in (root() / "locks", root() / "clusters", root()):
            with contextlib.suppress(OSError):
                folder.rmdir()


def _mapping(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError(f"a {type(found).__name__}")
    return found
