"""Garbage in every file that is read back, and in every number and word that is taken, is no bug.

What is tried is walked, never listed: the files are those that a cluster leaves on the disk, the values
those of every option, every key of a spec and every dial. A new one is covered by being there.
"""

import builtins
import contextlib
import io
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from pydantic import BaseModel

from provision import workspace
from provision.cli import app, defaults
from provision.cli.commands import BY_NAME
from provision.cli.main import main
from provision.cluster import session, status
from provision.emulator.dials import DialError
from provision.emulator.gce.dials import Dials, turned
from provision.engine.workdir import Workdir
from provision.errors import EXIT_BUG, EngineFailure, RuntimeFailure, SpecError, UnreachableError
from provision.recipes import join
from provision.runtimes.light.records import MACHINES, Records
from provision.spec.models import Spec
from provision.spec.reader import parse
from provision.workspace import KEPT_MAX
from tests.memory import NoShell
from tests.world import World

Capture = pytest.CaptureFixture[str]
pytestmark = pytest.mark.timeout(300)
WORDS: dict[str, list[str]] = {
    "init": ["new.yaml", "--yes", "--force"],
    "validate": [], "schema": [], "plan": [], "quota": [], "render": [],
    "up": ["--name", "demo", "--nodes", "3"],
    "list": [],
    "status": ["demo"], "inventory": ["demo"], "ssh": ["demo", "worker-0001"], "repair": ["demo"],
    "logs": ["demo", "worker-0001"],
    "run": ["demo", "--", "true"], "cp": ["demo", "new.yaml", ":new.yaml"],
    "drain": ["demo", "worker-0001"], "resume": ["demo", "worker-0001"],
    "scale": ["demo", "2"],
    "down": ["demo"],
    "emulate": ["gce", "--machines", "none", "--", "true"],
    "doctor": [], "completion": ["bash"],
}  # fmt: skip
"""Words with which each command does its usual work on the cluster of :func:`there`."""
USING = [name for name, words in WORDS.items() if "demo" in words or name in ("list", "render")]
"""Commands that read what a cluster has left on the disk."""


class Deaf(NoShell):
    """A controller on which nothing can be done."""

    def __getattr__(self, name: str) -> Any:
        raise UnreachableError("nobody answers", "look")


TEXTS = {
    "nothing": "", "truncated": '{"nodes": [{"name": "demo-wor',
    "null": "null", "a list": "[1]", "text": '"x"',
    "other shapes": '{"nodes": 3, "name": [], "proof": {"nodes": {}}, "groups": 1, "user": {"private": 2}}',
    "odd rows": '{"nodes": [7, {"name": null}, {"name": "demo-worker-0001", "joined": "x"}], "proof": 1}',
    "odd numbers": '{"nodes": [{"name": "demo-worker-0001", "requested": NaN, "joined": -Infinity}],'
    ' "at": 1e999, "proof": {"at": -1e308, "seconds": Infinity}, "generation": -1}',
    "nested too deeply": "[" * 100_000, "a number of many digits": '{"nodes": ' + "9" * 5000 + "}",
}  # fmt: skip


def _huge(path: Path) -> None:
    """Larger than anything that is read, and no bytes on the disk."""
    path.touch()
    os.truncate(path, 64 * KEPT_MAX)


GARBAGE: dict[str, Callable[[Path], object]] = {
    **{
        name: lambda path, text=text: path.write_text(text)  # type: ignore[misc]  # bound early
        for name, text in TEXTS.items()
    },
    "bytes": lambda path: path.write_bytes(b"\xff\xfe\x00\x80"),
    "huge": _huge,
    "a folder": lambda path: (path / "inside").mkdir(parents=True),
    "a pipe": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to(path.with_name("none")),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
}
"""What may stand where a file was, by what it is called."""
DENIED = "not to be read"
NUMBERS = (
    "", "-1", "0", "007", "1e9", "1e999", "inf", "-inf", "nan", "9" * 400, "99999999999999999999", "1:30",
    "0x10", "\u0661\u0662",
)  # fmt: skip
OTHERS = (
    " ", "-", "true", "[]", "{}", "a b", "a=b=c", "=", "\x00", "\x1b[2J", "\udcff", "x" * 5000, "%s%n",
    "PIPE", "FOLDER", "LINK",
)  # fmt: skip
"""What is given where a value is wanted; none is a path that leads out of the test's folder."""
ODD: tuple[object, ...] = (
    None, True, -1, 0, 0.5, 10**30, -(10**4000), float("nan"), float("inf"), -float("inf"), "", "nan",
    "1e999", "9" * 400, "x" * 5000, "\x00", [], [None], {}, {"": 1}, [[]],
)  # fmt: skip
"""What may stand in a spec or a set of dials where something else was meant."""


def bug(words: list[str], capsys: Capture) -> str:
    """Run the command; its words on stderr where it calls itself a bug or shows a traceback, else ''."""
    try:
        code = main(words)
    except SystemExit as left:  # a command may hand over to another program
        code = left.code if isinstance(left.code, int) else 1
    err = capsys.readouterr().err
    return f"exit {code}: {err}" if code == EXIT_BUG or "Traceback" in err else ""


@pytest.fixture
def there(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A cluster called demo of three workers, with a stack's folder, and no way out of the process."""
    from provision.emulator import asking, hostroom, serve

    def gone(*words: object) -> None:
        raise SystemExit(0)

    def unanswered(*about: object, **more: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(os, "execv", gone)
    monkeypatch.setattr(session.Session, "shell", lambda self: Deaf())
    monkeypatch.setattr(join, "POLL", 0.01)
    monkeypatch.setattr(join, "MACHINES_POLL", 0.0)
    monkeypatch.setattr(status, "host_checks", lambda *about: [])
    monkeypatch.setattr(serve, "around", lambda *about: 0)
    monkeypatch.setattr(serve, "forever", lambda *about: None)
    monkeypatch.setattr(hostroom, "clean_all", lambda: ([], {}))
    monkeypatch.setattr(asking, "urlopen", unanswered)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    world.up(nodes=3)
    stack = workspace.Workspace("demo").path("stack")
    stack.mkdir()
    config = {"config": {"provision:project": "mine", "provision:region": "us-east1"}}
    (stack / "Pulumi.demo.yaml").write_text(yaml.safe_dump(config))
    return world


def options(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The words up to each option that takes a value, and up to the arguments."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from options(below, (*words, name))
        return
    yield words
    for param in command.params:
        if isinstance(param, click.Option) and not (param.is_flag or param.count):
            yield (*words, max(param.opts, key=len))


EVERY = list(options(app.GROUP, ()))


def tried() -> dict[tuple[str, ...], list[str]]:
    """Everything for a flag where it is met first, and a few for it in the commands after that."""
    turns, met = itertools.cycle((*NUMBERS, *OTHERS)), set()
    found: dict[tuple[str, ...], list[str]] = {}
    for words in EVERY:
        new = words[-1] not in met or words[0] in ("doctor", "emulate")
        found[words] = [*NUMBERS, *OTHERS] if new else list(itertools.islice(turns, 2))
        met.add(words[-1])
    return found


TRIED = tried()


def test_everything_is_walked() -> None:
    assert set(WORDS) == set(BY_NAME)
    assert ("run", "--timeout") in EVERY and ("emulate", "gce", "--dials") in EVERY
    assert len(EVERY) > 100


@pytest.mark.parametrize("name", BY_NAME)
def test_garbage_for_any_value_of_a_command_is_no_bug(
    name: str, there: World, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo("PIPE")
    Path("FOLDER").mkdir()
    Path("LINK").symlink_to("/dev/zero")
    bugs = []
    for words, values in TRIED.items():
        for value in values if words[0] == name else ():
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
            usual = WORDS[name][len(words[1:-1]) if name == "emulate" else 0 :]
            given = [*words, value, *usual] if words[-1].startswith("-") else [*words, value]
            if said := bug(given, capsys):
                bugs.append(f"{given}: {said}")
    assert not bugs, "\n".join(bugs)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def deny(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file without permission does to whoever is not root."""

    def refusing(real: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: Any, *words: Any, **more: Any) -> Any:
            if isinstance(file, str | Path) and str(file) == str(path):
                raise PermissionError(13, "Permission denied", str(path))
            return real(file, *words, **more)

        return opened

    for module, name in ((os, "open"), (io, "open"), (builtins, "open")):
        monkeypatch.setattr(module, name, refusing(getattr(module, name)))


def test_garbage_in_any_file_of_a_cluster_is_no_bug(
    there: World, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, kept = workspace.root(), tmp_path / "kept"
    shutil.copytree(root, kept)
    machines = dict(there.cloud.there)
    every = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    every += ["locks", "locks/demo.lock", "."]
    assert {"clusters/demo/timings.json", "clusters/demo/stack/Pulumi.demo.yaml"} <= {*every}
    turns, bugs = itertools.cycle(USING), []
    for file, kind in itertools.product(every, [*GARBAGE, DENIED]):
        # One command each in turn: together every command meets every file and many kinds.
        for command in itertools.islice(turns, 1):
            path = root / file
            _remove(root)
            shutil.copytree(kept, root)
            there.cloud.there = dict(machines)
            with monkeypatch.context() as patch:
                if kind == DENIED:
                    deny(path, patch)
                else:
                    _remove(path)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    GARBAGE[kind](path)
                if said := bug([command, *WORDS[command]], capsys):
                    bugs.append(f"{command}, {file} is {kind}: {said}")
    assert not bugs, "\n".join(bugs)


@pytest.mark.parametrize("kind", [*GARBAGE, DENIED])
@pytest.mark.parametrize("place", ["spec", "dials", "config", "slurm", "cp"])
def test_garbage_in_a_file_that_is_named_is_no_bug(
    place: str, kind: str, there: World, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = defaults.config_file() if place == "config" else Path("file.yaml").absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    words = {
        "spec": ["plan", str(file)],
        "dials": ["emulate", "gce", "--dials", str(file), "--", "true"],
        "config": ["plan"],
        "slurm": ["up", str(file), "--name", "demo"],
        "cp": ["cp", "demo", str(file), ":file"],
    }[place]
    if kind == DENIED:
        file.write_text("")
        deny(file, monkeypatch)
    else:
        GARBAGE[kind](file)
    assert bug(words, capsys) == ""


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_in_the_record_of_a_light_machine_is_passed_over_or_told(
    kind: str, tmp_path: Path
) -> None:
    folder = tmp_path / "light" / "machines" / "demo-worker-0001"
    folder.mkdir(parents=True)
    for name in ("record.json", "process"):
        GARBAGE[kind](folder / name)
    records = Records(tmp_path / "light")
    with contextlib.suppress(RuntimeFailure):
        assert [each.process for each in records.find(MACHINES, {})] in ([], [None])


@pytest.mark.parametrize("kind", GARBAGE)
@pytest.mark.parametrize("name", ["Pulumi.yaml", "Pulumi.demo.yaml"])
def test_garbage_in_the_folder_of_a_stack_is_mended_or_told(
    name: str, kind: str, tmp_path: Path
) -> None:
    GARBAGE[kind](tmp_path / name)
    with contextlib.suppress(EngineFailure):
        Workdir("demo", tmp_path, "secret", config={"project": "p"}).prepare()
        assert "provision:project: p" in (tmp_path / "Pulumi.demo.yaml").read_text()


def paths(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Every key of a JSON schema; a mapping of names has the name ``worker``."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].rsplit("/", 1)[1]]
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from paths(branch, defs)
    below = dict(schema.get("properties", {}))
    if isinstance(schema.get("additionalProperties"), dict):
        below["worker"] = schema["additionalProperties"]
    for key, value in below.items():
        yield (key,)
        yield from ((key, *rest) for rest in paths(value, defs))


def put(data: Any, path: tuple[str, ...], value: object) -> Any:
    """A copy of the data with the value at that path."""
    if not path:
        return value
    return {
        **(data if isinstance(data, dict) else {}),
        path[0]: put((data or {}).get(path[0]), path[1:], value),
    }


def keys(model: type[BaseModel]) -> list[tuple[str, ...]]:
    made = model.model_json_schema()
    return sorted({*paths(made, made.get("$defs", {}))})


SOUND = {"groups": {"worker": {"nodes": 2}}}


@pytest.mark.parametrize("path", keys(Spec), ids=".".join)
def test_garbage_at_any_key_of_a_spec_is_a_finding(path: tuple[str, ...]) -> None:
    from provision.plan import plan_of

    for value, kind in itertools.product(ODD, ("local", "gce")):
        text = yaml.safe_dump(put(put(SOUND, ("cloud", "kind"), kind), path, value))
        try:
            plan_of(parse(text, "a.yaml").spec)
        except SpecError as error:
            assert all(len(str(finding)) < 1000 for finding in error.findings)


@pytest.mark.parametrize("path", keys(Dials), ids=".".join)
def test_garbage_at_any_dial_is_a_finding(path: tuple[str, ...]) -> None:
    for value in ODD:
        with contextlib.suppress(DialError):
            json.dumps(turned(Dials(), put({}, path, value)).model_dump(mode="json"))
