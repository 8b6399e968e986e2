"""A cloud whose resources are files in a folder, with dials; run as a module it is the plugin.

The dials are a JSON file in the folder, read by every call, so that they turn while calls run and from
other processes: ``slow`` (seconds by name or for ``*``), ``fail``, ``partial`` and ``bug`` (names).
"""

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provision.errors import CloudFailure
from provision.provider.resource import (
    Created,
    InputFault,
    Inputs,
    Outputs,
    Resource,
    Unfinished,
    Work,
)

FOLDER = "TOY_FOLDER"
"""Variable that names the folder to a plugin that Pulumi starts."""


@dataclass(frozen=True)
class Cloud:
    """What is in the folder, and what was asked of it."""

    folder: Path

    def dial(self, **dials: Any) -> None:
        """Turn dials; the others go back to where they were at first."""
        draft = self.folder / ".dials.new"
        draft.write_text(json.dumps(dials))
        draft.replace(self.folder / ".dials")

    def dials(self) -> dict[str, Any]:
        with contextlib.suppress(OSError):
            found: dict[str, Any] = json.loads((self.folder / ".dials").read_text())
            return found
        return {}

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def names(self) -> list[str]:
        """What there is."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def there(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self.path(name).read_text())
        except FileNotFoundError:
            return None
        return found

    def put(self, name: str, values: Mapping[str, Any]) -> None:
        draft = self.folder / f".{name}.new"
        draft.write_text(json.dumps(dict(values)))
        draft.replace(self.path(name))

    def calls(self, *words: str) -> list[dict[str, Any]]:
        """What was asked, oldest first; only calls of these names where any is given."""
        with contextlib.suppress(OSError):
            lines = (self.folder / ".calls").read_text().splitlines()
            return [call for line in lines if (call := json.loads(line))["call"] in (words or call)
                    or not words]  # fmt: skip
        return []

    @contextlib.contextmanager
    def asked(self, call: str, name: str, work: Work | None = None) -> Iterator[None]:
        """Note a call, take as long as the dials say, and fail where they say so."""
        began = time.time()
        self._note(call=f"{call}:begin", name=name, began=began)
        try:
            slow = self.dials().get("slow", {})
            until = began + float(slow.get(name, slow.get("*", 0)))
            while time.time() < until and not (work and work.left == 0):
                time.sleep(0.01)
            if work and work.left == 0:
                raise CloudFailure(f"{name} took too long", "give it more time")
            if name in self.dials().get("bug", []):
                raise KeyError(name)
            if name in self.dials().get("fail", []):
                raise CloudFailure(f"no room for {name}", "ask for less")
            yield
        finally:
            self._note(call=call, name=name, began=began, ended=time.time(), pid=os.getpid())

    def _note(self, **values: Any) -> None:
        with (self.folder / ".calls").open("a") as calls:
            calls.write(json.dumps(values) + "\n")


class File(Resource):
    """A file. ``site`` cannot change; ``password`` is kept by its hash, as clouds do."""

    token = "provision:toy:File"
    outputs = frozenset({"link", "size", "token"})
    replace_on = frozenset({"site", "name"})
    secret = frozenset({"password", "token"})

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def check(self, inputs: Inputs) -> Sequence[InputFault]:
        faults = []
        if not inputs.get("name"):
            faults.append(InputFault("name", "must be given"))
        if len(inputs.get("text", "")) > 1000:
            faults.append(InputFault("text", "is longer than 1000 characters"))
        return faults

    def find(self, inputs: Inputs) -> str | None:
        there = self._cloud.there(inputs["name"])
        return f"files/{inputs['name']}" if there else None

    def create(self, inputs: Inputs, work: Work) -> Created:
        name = inputs["name"]
        with self._cloud.asked("create", name, work):
            self._cloud.put(name, self._stored(inputs))
        outputs = self._outputs(name, inputs)
        if name in self._cloud.dials().get("partial", []):
            raise Unfinished(f"files/{name}", outputs, f"{name} is there but empty", "wait")
        return Created(f"files/{name}", outputs)

    def read(self, ident: str, state: Outputs) -> Outputs | None:
        name = ident.removeprefix("files/")
        with self._cloud.asked("read", name):
            there = self._cloud.there(name)
        if there is None:
            return None
        there.pop("password", None)
        return {**state, **there, "size": len(there.get("text", ""))}

    def update(self, ident: str, old: Outputs, new: Inputs, work: Work) -> Outputs:
        name = ident.removeprefix("files/")
        with self._cloud.asked("update", name, work):
            self._cloud.put(name, self._stored(new))
        return self._outputs(name, new)

    def delete(self, ident: str, state: Outputs, work: Work) -> None:
        name = ident.removeprefix("files/")
        with self._cloud.asked("delete", name, work):
            self._cloud.path(name).unlink(missing_ok=True)

    def _outputs(self, name: str, inputs: Inputs) -> dict[str, Any]:
        return {
            **inputs,
            "link": f"toy://files/{name}",
            "size": len(inputs.get("text", "")),
            "token": f"tok-{name}",
        }

    def _stored(self, inputs: Inputs) -> dict[str, Any]:
        kept = dict(inputs)
        if "password" in kept:
            kept["password"] = hashlib.sha256(kept["password"].encode()).hexdigest()
        return kept


class Blind(File):
    """The same, of a kind that cannot find what it had begun to make."""

    token = "provision:toy:Blind"

    def find(self, inputs: Inputs) -> str | None:
        raise NotImplementedError


def kinds(folder: Path) -> list[Resource]:
    """All kinds of this cloud."""
    cloud = Cloud(folder)
    return [File(cloud), Blind(cloud)]


def configured(config: Mapping[str, str]) -> list[Resource]:
    """The kinds of a plugin, by the stack's configuration."""
    return kinds(Path(config["folder"]))


if __name__ == "__main__":
    from provision.provider.server import main

    sys.exit(main(configured))
