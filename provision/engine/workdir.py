"""The folder a stack is worked on in, by us or by hand with the ``pulumi`` command; docs/pulumi.md."""

import contextlib
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from platformdirs import user_cache_path
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.errors import EngineFailure
from provision.files import read_regular, write_private

PROJECT = "provision"
"""The project of all our stacks: part of URNs, of the state's path, and of the provider's name."""
PLUGIN = f"pulumi-resource-{PROJECT}"
"""What the engine looks for in the folder of a provider."""
PARALLEL = 64
"""Resources that are worked on at once; the command's own default is four per core."""
HALF_WRITTEN = 1.0
"""Seconds after which a file that is still half-written will not be finished any more."""
QUIET = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_SUPPRESS_NEO_LINK": "true",
    "PULUMI_DIY_BACKEND_NO_LEGACY_WARNING": "true",
    "PULUMI_LOG_ROTATION_MAX_AGE_DAYS": "2",
    "PULUMI_LOG_ROTATION_MAX_TOTAL_MB": "50",
    "GRPC_VERBOSITY": "ERROR",
    "GRPC_ENABLE_FORK_SUPPORT": "0",
}
"""Nothing is asked of the network but by the backend, and logs do not pile up."""


@dataclass(frozen=True, slots=True)
class Workdir:
    """A stack's place. ``passphrase`` encrypts the secrets in its state and shows nowhere.

    ``folder`` is the stack's own; ``backend`` an URL that Pulumi knows (``gs://bucket``), '' for a
    folder below. ``config`` is what the provider is told when Pulumi starts it, with
    ``provider`` the words of the command that starts it.
    """

    name: str
    folder: Path
    passphrase: str = field(repr=False)
    backend: str = ""
    config: Mapping[str, str] = field(default_factory=dict)
    provider: Sequence[str] = ()

    @property
    def place(self) -> str:
        """Where the state is, as people read it."""
        return self.backend or f"file://{self.folder.absolute() / 'state'}"

    @property
    def url(self) -> str:
        """The backend as Pulumi takes it.

        Beside each file it would keep another of attributes that it never needs, written in place: a
        kill in that moment leaves it empty, and the state is unreadable ("failed to load checkpoint:
        EOF"). The state itself is replaced as a whole (gocloud.dev/blob/fileblob, ``metadata``).
        """
        if not self.place.startswith("file://") or "metadata=" in self.place:
            return self.place
        return f"{self.place}{'&' if '?' in self.place else '?'}metadata=skip"

    @property
    def made(self) -> bool:
        """Whether there can be a state; in a bucket there always can."""
        return bool(self.backend) or (self.folder / "state").exists()

    def prepare(self) -> None:
        """Write what Pulumi needs; whoever may not read the folder may not read the state.

        Raises:
            EngineFailure: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.chmod(0o700)
            if not self.backend:
                (self.folder / "state").mkdir(exist_ok=True, mode=0o700)
            self._write("Pulumi.yaml", yaml.safe_dump(self._project(), sort_keys=False))
            self._write(f"Pulumi.{self.name}.yaml", self._settings())
            if self.provider:
                script = f'#!/bin/sh\nexec {shlex.join(self.provider)} "$@"\n'
                self._write(PLUGIN, script)
                (self.folder / PLUGIN).chmod(0o700)
        except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
            raise EngineFailure(
                f"cannot write the stack's folder {self.folder} ({error})",
                "make room, or set XDG_STATE_HOME to a folder you may write",
            ) from error

    def mend(self) -> None:
        """Remove what a kill left half-written in a state below the folder; hold the stack's lock.

        Such files hold nothing: they were to be renamed into place. Among locks they would count as
        one that cannot be read.
        """
        with contextlib.suppress(RetryError):
            Retrying(
                retry=retry_if_result(bool),
                wait=wait_fixed(HALF_WRITTEN / 10),
                stop=stop_after_delay(2 * HALF_WRITTEN),
            )(self._half_written)

    def _half_written(self) -> bool:
        """Remove what is; whether something is so new that somebody may be writing it by hand."""
        state = self.folder / "state" / ".pulumi"
        young = False
        for path in (*state.rglob("*.attrs"), *state.rglob("*.tmp")):
            with contextlib.suppress(FileNotFoundError):
                about = path.stat()
                if path.suffix == ".attrs" and about.st_size:
                    continue
                if about.st_mtime >= time.time() - HALF_WRITTEN:
                    young = True
                else:
                    path.unlink()
        return young

    def environment(self) -> dict[str, str]:
        """Variables for every command on this stack."""
        return {
            **QUIET,
            "PULUMI_HOME": str(home()),
            "PULUMI_BACKEND_URL": self.url,
            "PULUMI_CONFIG_PASSPHRASE": self.passphrase,
            "PULUMI_PARALLEL": str(PARALLEL),
            "PULUMI_PYTHON_CMD": sys.executable,
        }

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        if text != _text(path):
            write_private(path, text)

    def _project(self) -> dict[str, object]:
        # The folder alone starts no program: only provision knows what there should be.
        project: dict[str, object] = {
            "name": PROJECT,
            "runtime": "python",
            "description": f"{self.name}, brought up by provision",
        }
        if self.provider:
            project["plugins"] = {"providers": [{"name": PROJECT, "path": "."}]}
        return project

    def _settings(self) -> str:
        """The stack's settings: our configuration, and the salt that Pulumi keeps in there too."""
        path = self.folder / f"Pulumi.{self.name}.yaml"
        found = yaml.safe_load(_text(path))
        settings = found if isinstance(found, dict) else {}
        others = settings.pop("config", None)
        others = others if isinstance(others, dict) else {}
        config = {
            **{key: val for key, val in others.items() if not str(key).startswith(f"{PROJECT}:")},
            **{f"{PROJECT}:{key}": value for key, value in self.config.items()},
        }
        settings = {**settings, "config": config} if config else settings
        return yaml.safe_dump(settings, sort_keys=False) if settings else ""


def _text(path: Path) -> str:
    """What a file of ours holds; '' where there is none. Raises OSError and ValueError."""
    try:
        return read_regular(path).decode("utf-8")
    except FileNotFoundError:
        return ""


def home() -> Path:
    """Pulumi's home: its logs and what it remembers, apart from the user's own."""
    return user_cache_path(PROJECT) / "pulumi" / "home"
