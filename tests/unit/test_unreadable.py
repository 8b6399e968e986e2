"""A file of ours that is there and cannot be read is not a file that is absent."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from provision.cluster import session, status
from provision.errors import CloudFailure, UnaskedError, UnknownClusterError, UnreadableError
from provision.events import Warned, ignore
from provision.leftovers import Leftover
from provision.recipes.down import down
from provision.recipes.scale import scale
from provision.spec.clouds import Cloud as CloudSpec
from provision.spec.clouds import GceCloud
from provision.workspace import Workspace
from tests.memory import MemoryCloud
from tests.world import World


def garbled(path: Path) -> None:
    path.write_bytes(b"\xff\xfe{")


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def of_another_kind(path: Path) -> None:
    path.write_text("[1]")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


DAMAGE = [garbled, halved, emptied, of_another_kind, a_folder, a_pipe, a_link_to_itself]
damage = pytest.mark.parametrize("harm", DAMAGE, ids=lambda harm: harm.__name__)
Harm = Callable[[Path], None]


class Google(MemoryCloud):
    """A second place, where the stack is; ``dead`` makes every look at it fail."""

    dead = False

    def census(self, cluster: str = "", *, everywhere: bool = False) -> list[list[Leftover]]:
        if self.dead:
            raise CloudFailure("no route to it", "wait")
        return super().census(cluster)


@pytest.fixture
def google(world: World, monkeypatch: pytest.MonkeyPatch) -> Google:
    """The cluster demo runs there and its folder holds a stack; asked by default is this machine alone."""
    world.up()
    made = Google(kind="gce", there=world.cloud.there)
    world.cloud.there = {}
    asked: list[CloudSpec] = []

    def cloud_of(spec: CloudSpec, emit: object = None, folders: object = None) -> MemoryCloud:
        asked.append(spec)
        return made if isinstance(spec, GceCloud) else world.cloud

    for module in (session, status):
        monkeypatch.setattr(module, "cloud_of", cloud_of)
    stack = Workspace("demo").path("stack")
    (stack / "state").mkdir(parents=True)
    config = {"provision:project": "mine", "provision:region": "us-east1"}
    (stack / "Pulumi.demo.yaml").write_text(yaml.safe_dump({"config": config}))
    return made


@damage
@pytest.mark.parametrize("name", ["spec.json", "keys.json", "marks.json", "outputs.json"])
def test_damage_is_told_and_never_taken_for_absence(world: World, name: str, harm: Harm) -> None:
    world.up()
    workspace = Workspace("demo")
    harm(workspace.path(name))
    reads = {"spec.json": workspace.spec, "keys.json": workspace.keys}
    with pytest.raises(UnreadableError, match=f"{name} cannot be read"):
        reads.get(name, lambda: workspace.load(name.removesuffix(".json")))()


def test_a_file_that_may_not_be_read_is_not_absent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.up()

    def denied(path: Path, most: int = 0) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("provision.workspace.read_regular", denied)
    with pytest.raises(UnreadableError, match=r"spec.json cannot be read \(Permission denied\)"):
        Workspace("demo").spec()


@damage
def test_down_with_a_damaged_spec_finds_the_machines_by_its_stack(
    google: Google, harm: Harm
) -> None:
    harm(Workspace("demo").path("spec.json"))
    assert len(down("demo", ignore)) == 9
    assert not google.there and not Workspace("demo").folder.exists()


@pytest.mark.parametrize("gone", [True, False])
def test_files_stay_while_the_stacks_cloud_cannot_be_asked(google: Google, gone: bool) -> None:
    google.dead = True
    spec = Workspace("demo").path("spec.json")
    spec.unlink() if gone else garbled(spec)
    with pytest.raises(UnaskedError, match=r"GCE \(project mine\) could not be asked"):
        down("demo", ignore)
    assert Workspace("demo").keys() and Workspace("demo").path("stack").exists()
    google.dead = False
    google.there = {}
    with pytest.raises(UnknownClusterError, match=r"asked: containers here, GCE \(project mine\)"):
        down("demo", ignore)
    assert not Workspace("demo").folder.exists(), "its cloud was asked, and has nothing"


def test_a_spec_of_this_machine_does_not_hide_a_stack(google: Google) -> None:
    google.dead = True
    with pytest.raises(UnaskedError):
        down("demo", ignore)
    assert Workspace("demo").path("stack").exists()


@damage
def test_files_stay_where_the_stack_does_not_say_its_cloud(google: Google, harm: Harm) -> None:
    harm(Workspace("demo").path("stack/Pulumi.demo.yaml"))
    with pytest.raises(UnaskedError, match="the cloud of its stack is not known"):
        down("demo", ignore)
    assert Workspace("demo").keys()


def test_a_spec_of_another_cluster_is_not_this_ones(world: World) -> None:
    world.up()
    world.up(name="other")
    Workspace("demo").write("spec.json", Workspace("other").path("spec.json").read_text())
    with pytest.raises(UnreadableError):
        scale("demo", 3, "", ignore, force=False)
    assert len(world.workers) == 16


@damage
@pytest.mark.parametrize("name", ["outputs.json", "timings.json"])
def test_what_every_run_writes_is_written_anew(world: World, name: str, harm: Harm) -> None:
    world.up()
    harm(Workspace("demo").path(name))
    if harm is a_folder:
        Workspace("demo").discard(name)
    world.up(nodes=9)
    if harm is not a_folder:
        told = [event.text for event in world.events if isinstance(event, Warned)]
        assert any(name in text and "written anew" in text for text in told)
    assert Workspace("demo").load(name.removesuffix(".json"))


def test_status_goes_on_without_a_spec_that_can_be_read(world: World) -> None:
    world.up()
    garbled(Workspace("demo").path("spec.json"))
    assert status.status("demo", world.events.append).ready == 8
    assert any(isinstance(e, Warned) and "spec.json cannot be read" in e.text for e in world.events)
