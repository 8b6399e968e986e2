"""Every place is asked, within a bound; one that could not be asked is told, with exit code 1."""

import json
import threading
import time
from collections.abc import Iterator

import pytest

from provision.cli.main import main
from provision.cloud import Machine
from provision.clouds import words_of
from provision.cluster import listing, lookup, session, status
from provision.errors import CloudFailure, UnaskedError
from provision.events import Warned
from provision.leftovers import Leftover
from provision.recipes.down import down
from provision.spec.clouds import Cloud as CloudSpec
from provision.spec.clouds import GceCloud, LocalCloud
from provision.workspace import Workspace
from tests.memory import MemoryCloud
from tests.world import World

Capture = pytest.CaptureFixture[str]


class Silent(MemoryCloud):
    """GCE on a bad day: it hangs until ``go``, or fails at once."""

    def __init__(self) -> None:
        super().__init__(kind="gce")
        self.hangs = False
        self.go = threading.Event()

    def census(self, cluster: str = "", *, everywhere: bool = False) -> list[list[Leftover]]:
        self.machines()
        return super().census(cluster)

    def machines(self, cluster: str = "") -> list[Machine]:
        if not self.hangs:
            raise CloudFailure("compute.googleapis.com: no route", "wait")
        self.go.wait(60)
        return []


@pytest.fixture
def silent(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Silent]:
    made = Silent()

    def cloud_of(spec: CloudSpec, emit: object = None, folders: object = None) -> MemoryCloud:
        return made if isinstance(spec, GceCloud) else world.cloud

    for module in (session, listing):
        monkeypatch.setattr(module, "cloud_of", cloud_of)
        monkeypatch.setattr(module, "places", lambda: [LocalCloud(), GceCloud(project="mine")])
    monkeypatch.setattr(lookup, "SECONDS", 0.2)
    yield made
    made.go.set()


@pytest.mark.parametrize("hangs", [False, True])
def test_list_shows_what_it_has_and_says_who_did_not_answer(
    world: World, silent: Silent, hangs: bool, capsys: Capture
) -> None:
    world.up()
    silent.hangs = hangs
    began = time.monotonic()
    assert main(["list", "-o", "json"]) == 1
    assert time.monotonic() - began < 30, "it waits for nobody beyond the bound"
    out, err = capsys.readouterr()
    assert [one["name"] for one in json.loads(out)] == ["demo"]
    why = (
        "did not answer within"
        if hangs
        else "could not be asked (compute.googleapis.com: no route)"
    )
    assert f"GCE (project mine) {why}" in err and "not listed" in err


@pytest.mark.parametrize("hangs", [False, True])
def test_down_of_an_unknown_name_fails_where_a_place_could_not_be_asked(
    world: World, silent: Silent, hangs: bool, capsys: Capture
) -> None:
    silent.hangs = hangs
    assert main(["down", "nobody"]) == 1
    said = capsys.readouterr().err
    assert "containers here answered" in said and "GCE (project mine)" in said


def test_down_of_an_unknown_name_says_who_was_asked(world: World, capsys: Capture) -> None:
    assert main(["down", "nobody"]) == 0
    assert "there is no cluster 'nobody' (asked: containers here)" in capsys.readouterr().out


def test_what_one_place_has_is_used_and_the_silent_one_told(world: World, silent: Silent) -> None:
    world.up()
    Workspace("demo").remove()
    assert status.status("demo", world.events.append).summary.machines == 9
    assert any(isinstance(e, Warned) and "GCE (project mine)" in e.text for e in world.events)


def test_the_files_of_a_cluster_stay_while_a_place_is_silent(world: World, silent: Silent) -> None:
    world.up()
    Workspace("demo").discard("spec.json")
    world.cloud.there = {}
    with pytest.raises(UnaskedError):
        down("demo", world.events.append)
    assert Workspace("demo").keys()


def test_a_place_is_called_what_a_user_knows_it_by() -> None:
    google = {"GOOGLE_CLOUD_PROJECT": "p"}
    emulated = {"PROVISION_GCE_ENDPOINT": "http://127.0.0.1:1", "GOOGLE_PROJECT": "q"}
    assert words_of(LocalCloud(machines="light"), {}) == "light machines here"
    assert words_of(GceCloud(), google) == "GCE (project p)"
    assert words_of(GceCloud(), emulated) == "GCE (project q, http://127.0.0.1:1)"
    assert words_of(GceCloud(project="own"), google) == "GCE (project own)"
