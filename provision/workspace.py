"""A cluster's folder on the user's disk: keys, spec, outputs, timings. A convenience, but for the keys.

Everything stands below ``$XDG_STATE_HOME/provision`` (platformdirs), mode 0700. Losing it loses the
keys, so nodes can no longer be added or logged into; ``list``, ``status`` and ``down`` go on working.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from provision.errors import ProvisionError, SpecError
from provision.files import locked, write_private
from provision.keys import Keys, new_keys
from provision.spec import Spec


def root() -> Path:
    """The folder that holds all clusters' folders."""
    return Path(platformdirs.user_state_dir("provision"))


def known_clusters() -> list[str]:
    """Names of the clusters that have a folder here, for shell completion."""
    with contextlib.suppress(OSError):
        return sorted(entry.name for entry in (root() / "clusters").iterdir() if entry.is_dir())
    return []


def known_nodes(cluster: str) -> list[str]:
    """Names of the cluster's nodes as last written, for shell completion."""
    outputs = Workspace(cluster).load("outputs")
    return [str(node["name"]) for node in outputs.get("nodes", [])]


class Workspace:
    """The files of one cluster."""

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self.folder = root() / "clusters" / cluster

    def path(self, name: str) -> Path:
        """Where the file of that name stands (it may not exist)."""
        return self.folder / name

    @contextlib.contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Hold this cluster against other runs; raises ``BusyError`` naming the one that has it."""
        path = root() / "locks" / f"{self.cluster}.lock"
        try:
            with locked(path, self.cluster, command):
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
        finally:
            self._tidy()

    def keys(self) -> Keys | None:
        """The cluster's keys, or None where this machine does not have them."""
        try:
            return Keys.from_dict(json.loads(self.path("keys.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ProvisionError(
                f"the keys of {self.cluster} in {self.path('keys.json')} cannot be read "
                f"({type(error).__name__})",
                f"put the file back, or run 'provision down {self.cluster}'",
            ) from error

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
        try:
            text = self.path("spec.json").read_text(encoding="utf-8")
        except OSError:
            return None
        try:
            return Spec.model_validate_json(text, strict=False)
        except (ValueError, SpecError):
            return None

    def save(self, name: str, data: Mapping[str, Any]) -> None:
        """Write a JSON file, mode 0600."""
        self.write(f"{name}.json", json.dumps(data, indent=1) + "\n")

    def load(self, name: str) -> dict[str, Any]:
        """What :meth:`save` wrote under that name; empty where there is nothing."""
        try:
            found = json.loads(self.path(f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, name: str, text: str) -> None:
        """Write a file of this cluster, mode 0600, whole or not at all."""
        try:
            write_private(self.path(name), text)
        except OSError as error:
            raise ProvisionError(
                f"cannot write {self.path(name)} ({error.strerror})",
                "make room or set XDG_STATE_HOME to a folder you may write",
            ) from error

    def discard(self, name: str) -> None:
        """Remove one file or folder of this cluster."""
        path = self.path(name)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the cluster's folder, keys included."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _tidy(self) -> None:
        """Leave no empty folders behind."""
        for folder in (root() / "locks", root() / "clusters", root()):
            with contextlib.suppress(OSError):
                folder.rmdir()
