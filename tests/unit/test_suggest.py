"""Wrong words get "did you mean" everywhere, from one place."""

import ast
from pathlib import Path

import click
import pytest

from provision.cli.app import GROUP
from provision.cli.commands import BY_NAME
from provision.cli.main import main
from provision.cluster.session import found
from provision.emulator.dials import DialError
from provision.emulator.gce.dials import Dials, turned
from provision.errors import UnknownClusterError, UnknownNodeError, UsageError
from provision.recipes.scale import scale
from provision.remote.nodeset import resolve
from tests.documents import ROOT
from tests.world import World

Capture = pytest.CaptureFixture[str]


def test_no_module_asks_by_itself() -> None:
    asking = []
    for path in sorted((ROOT / "provision").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documents = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        asking += [
            path.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and id(node) not in documents
            and "did you mean" in str(node.value)
        ]
    assert asking == ["suggest.py"]


def swapped(word: str) -> str:
    """The word with a letter too many, as a finger slips."""
    return f"{word[:2]}{word[1:]}"


def said(capsys: Capture, *words: str) -> str:
    capsys.readouterr()
    assert main(list(words)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize("name", BY_NAME)
def test_every_command_flag_and_choice(name: str, capsys: Capture) -> None:
    """Walked, so that a new one is covered without being named."""
    assert said(capsys, swapped(name)).endswith(f"did you mean 'provision {name}'?")

    def walk(command: click.Command, words: list[str]) -> None:
        if isinstance(command, click.Group):
            for below, one in command.commands.items():
                line = said(capsys, *words, swapped(below))
                assert line.endswith(f"did you mean '{' '.join(['provision', *words, below])}'?")
                walk(one, [*words, below])
        for each in command.params:
            if isinstance(each, click.Option):
                flag = max(each.opts, key=len)
                assert said(capsys, *words, swapped(flag[2:]).join(("--", ""))).endswith(
                    f"did you mean '{flag}'?"
                )
            if isinstance(each.type, click.Choice):
                for choice in map(str, each.type.choices):
                    wrong = [max(each.opts, key=len)] if isinstance(each, click.Option) else []
                    line = said(capsys, *words, *wrong, swapped(choice))
                    assert line.endswith(f"did you mean '{choice}'?"), line

    command = GROUP.get_command(click.Context(GROUP), name)
    assert command is not None
    walk(command, [name])


def test_emulate_alone_prints_its_help(capsys: Capture) -> None:
    assert main(["emulate"]) == 0
    out, err = capsys.readouterr()
    assert "Usage: provision emulate" in out and "gce" in out and err == ""


def test_a_role(capsys: Capture) -> None:
    line = said(capsys, "render", "--nodes", "1", "--role", "controler")
    assert "did you mean 'controller'?" in line


def test_a_cluster(world: World) -> None:
    world.up()
    said = r"did you mean 'demo'\? these exist: demo"
    with pytest.raises(UnknownClusterError, match=said), found("dmeo", world.events.append):
        pass


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("wroker-0001", "worker-0001"),
        ("demo-wroker-0002", "demo-worker-0002"),
        ("worker-001", "worker-0001"),
    ],
)
def test_a_node(word: str, meant: str) -> None:
    groups = {"worker": ["demo-worker-0001", "demo-worker-0002"]}
    with pytest.raises(UnknownNodeError, match=f"did you mean '{meant}'"):
        resolve("demo", [word], groups)


def test_a_group_to_scale(world: World) -> None:
    world.up()
    with pytest.raises(UsageError, match="did you mean 'worker'"):
        scale("demo", 3, "wroker", world.events.append, force=False)


def test_a_group_of_nodes() -> None:
    with pytest.raises(UsageError, match="did you mean '@worker'"):
        resolve("demo", ["@wroker"], {"worker": ["demo-worker-0001"]})


@pytest.mark.parametrize("dial", ["bootz", "capacty", "nevr_join"])
def test_a_dial(dial: str) -> None:
    with pytest.raises(DialError, match="did you mean"):
        turned(Dials(), {dial: 1})


@pytest.mark.parametrize(
    ("text", "meant"),
    [("gruops: {}", "groups"), ("groups: {a: {nodez: 1}}", "nodes"), ("scheduler: slrum", "slurm")],
)
def test_a_key_and_a_value_of_a_spec(
    text: str, meant: str, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "a.yaml").write_text(text)
    assert main(["plan", str(tmp_path / "a.yaml")]) == 2
    assert f"did you mean '{meant}'?" in capsys.readouterr().err
