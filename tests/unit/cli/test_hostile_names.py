"""A NAME from anywhere is no path: whatever is given to whichever command, the disk stays as it was."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest

from provision.cli.app import GROUP
from provision.cli.commands import COMMANDS
from provision.cli.main import main
from provision.cli.nodeoptions import DashedCommand
from provision.cluster.log import FILE
from provision.errors import EXIT_BUG, ProvisionError, UsageError
from provision.events import ignore
from provision.recipes.down import down
from provision.workspace import Workspace, known_clusters
from tests.world import World

HOSTILE = (
    ".", "..", "../..", "../precious", "../../precious", "./demo", "demo/", "demo/stack", "/", "//",
    "~", "~/x", "$HOME", "*", "demo*", "-rf", "--recursive", "-", "a\nb", "demo\n", "\n", "a\0b",
    "\0", "demo\0", " ", " demo", "demo ", "", "A", "Demo", "d\u00e9mo", "\uff44emo", "demo\u202e",
    "\U0001f4a5", "a" * 31, "a" * 5000, "../" * 400, "demo.lock", ".demo", "demo-", "-demo", "1demo",
    "con:", "ab_c", "a b", "a;b", "a'b", 'a"b', "%2e%2e", "..\\..", "\\", "demo,other",
)  # fmt: skip
TAILS: tuple[list[str], ...] = (
    [],
    ["worker-0001"],
    ["3"],
    ["--", "true"],
    ["a", ":b"],
    [":a", "b"],
)
"""What stands behind a NAME in one command or another; a new command's is most likely among them."""


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(GROUP)
    for command in COMMANDS:
        found = GROUP.get_command(context, command.name)
        assert found is not None
        yield command.name, found


def named(command: click.Command) -> bool:
    """Whether its words may begin with the NAME of a cluster."""
    return any(
        isinstance(one, click.Argument) and (one.name == "name" or "NAME" in (one.metavar or ""))
        for one in command.params
    )


def lines(name: str) -> Iterator[list[str]]:
    """Every command line in which that name could stand for a cluster."""
    for word, command in commands():
        if named(command):
            yield from ([word, name, *tail] for tail in TAILS)
            if not isinstance(command, DashedCommand):  # there it would be what is to be run
                yield from ([word, "--", name, *tail] for tail in TAILS)
        if any("--name" in one.opts for one in command.params):
            yield [word, "--name", name]
            yield [word, f"--name={name}"]


def disk(folder: Path) -> dict[str, object]:
    """Everything below: what files hold and where links lead, and the folders themselves.

    But for the event log of a cluster that is there: that a command failed is one of its events.
    """
    return {
        str(path.relative_to(folder)): path.readlink() if path.is_symlink()
        else path.read_bytes() if path.is_file() else "folder"
        for path in folder.rglob("*")
        if path.name != FILE
    }  # fmt: skip


@pytest.fixture
def precious(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cluster that is up, beside what must not be touched; a link in the clusters' folder leads there."""
    world.up()
    for where in ("", "provision", "provision/clusters"):
        folder = tmp_path / where / "precious"
        folder.mkdir()
        (folder / "thesis.txt").write_text("years")
    (tmp_path / "provision/clusters/linked").symlink_to(tmp_path / "precious")
    monkeypatch.chdir(tmp_path / "precious")
    return tmp_path


def test_the_walk_finds_the_commands_that_take_a_name() -> None:
    found = {word for word, command in commands() if named(command)}
    assert {"down", "status", "scale", "drain", "run", "ssh", "logs", "inventory"} <= found
    assert "emulate" not in found and "doctor" not in found


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:20])
def test_no_name_reaches_the_disk(precious: Path, world: World, name: str) -> None:
    before, machines = disk(precious), dict(world.cloud.there)
    for word, tried in itertools.groupby(lines(name), key=lambda line: line[0]):
        for line in tried:
            code = main(line)
            assert code not in (0, EXIT_BUG), line
            assert world.cloud.there == machines, line
        assert disk(precious) == before, word  # what is gone stays gone, so once for all its lines


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_no_workspace_stands_for_a_name_that_is_none(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a cluster"):
        Workspace(name)


def test_a_name_from_a_label_is_no_path_either(precious: Path, world: World) -> None:
    before = disk(precious)
    world.cloud.there = {
        name: replace(machine, cluster="../precious") for name, machine in world.cloud.there.items()
    }
    with pytest.raises(UsageError, match="cannot be the name"):
        down("", ignore)
    assert disk(precious) == before and len(world.cloud.there) == 9


def test_what_a_link_in_the_clusters_folder_leads_to_stays(precious: Path, world: World) -> None:
    before = disk(precious)
    for call in (
        lambda: world.up(name="linked"),
        lambda: down("linked", ignore),
        lambda: Workspace("linked").remove(),
        lambda: Workspace("linked").write("keys.json", "{}"),
        lambda: Workspace("linked").discard("thesis.txt"),
    ):
        with pytest.raises(ProvisionError, match="symbolic link"):
            call()
        assert disk(precious) == before


def test_completion_offers_no_folder_that_is_no_cluster(precious: Path) -> None:
    (precious / "provision/clusters/..x").mkdir()
    assert known_clusters() == ["demo", "linked", "precious"]


def test_files_go_only_under_the_lock(world: World) -> None:
    world.up()
    with (
        Workspace("demo").lock("provision up"),
        pytest.raises(ProvisionError, match="provision up"),
    ):
        Workspace("demo").remove()
    assert Workspace("demo").keys()
