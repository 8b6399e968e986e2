"""A stack of the toy cloud in a test's own folder, and the same in another process."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi

from provision.engine.binary import Binary
from provision.engine.stack import Stack
from provision.engine.workdir import Workdir
from provision.events import Event
from provision.provider.declare import declare
from provision.provider.server import Attached
from tests.engine import toy

ROOT = Path(__file__).parents[2]
PASSPHRASE = "correct-horse-battery"
PASSWORD = "hunter2-and-more"
NAME = "demo"
Files = Mapping[str, Mapping[str, Any]]
"""Files of the cloud by name. ``after`` names one whose link is this one's text, ``seconds`` is the
time that a call may take, ``token`` the kind where it is another."""


def program(files: Files) -> Callable[[], None]:
    """An inline program that declares them."""

    def declared() -> None:
        made: dict[str, Any] = {}
        for name, wanted in files.items():
            inputs = {"name": name, **wanted}
            token = inputs.pop("token", toy.File.token)
            if after := inputs.pop("after", None):
                inputs["text"] = made[after]["link"]
            seconds = inputs.pop("seconds", None)
            outputs = sorted(toy.File.outputs)
            made[name] = declare(token, name, inputs, outputs, seconds=seconds)
            pulumi.export(name, made[name]["link"])
        if "secret" in made:
            pulumi.export("token", made["secret"]["token"])

    return declared


@dataclass
class Place:
    """Where a test's stack and its cloud are."""

    folder: Path
    binary: Binary
    events: list[Event] = field(default_factory=list)
    name: str = "cloud"

    @property
    def cloud(self) -> toy.Cloud:
        folder = self.folder / self.name
        folder.mkdir(exist_ok=True)
        return toy.Cloud(folder)

    def workdir(self, passphrase: str = PASSPHRASE) -> Workdir:
        return Workdir(
            NAME,
            self.folder / "stack",
            passphrase,
            config={"folder": str(self.cloud.folder)},
            provider=(sys.executable, "-m", "tests.engine.toy"),
        )

    def stack(self, files: Files | Callable[[], None], passphrase: str = PASSPHRASE) -> Stack:
        wanted = files if callable(files) else program(files)
        return Stack(
            self.workdir(passphrase),
            self.binary,
            wanted,
            lambda: Attached(toy.kinds(self.cloud.folder)),
            self.events.append,
        )

    def start(self, operation: str, files: Files) -> "subprocess.Popen[str]":
        """The same in another process, which can be killed."""
        arguments = {
            "folder": str(self.folder),
            "binary": [str(self.binary.path), self.binary.version],
            "operation": operation,
            "files": files,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "tests.engine.place", json.dumps(arguments)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def main() -> None:
    """Do what :meth:`Place.start` says."""
    given = json.loads(sys.argv[1])
    path, version = given["binary"]
    place = Place(Path(given["folder"]), Binary(Path(path), version))
    stack = place.stack(given["files"])
    outcome = getattr(stack, given["operation"])()
    print(json.dumps([[one.operation, one.name] for one in outcome.changes]))


if __name__ == "__main__":
    main()
