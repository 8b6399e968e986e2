"""What stacks do when all goes well, with the real Pulumi CLI."""

import gzip
import threading
from pathlib import Path

import pytest

from provision.engine.changes import HIDDEN, ResourceChange, StackOutcome
from provision.engine.workdir import home
from provision.provider.values import SIGNATURE
from tests.engine.conftest import children
from tests.engine.place import PASSPHRASE, PASSWORD, Files, Place

FILES: Files = {"a": {"text": "x", "labels": {"team": "red"}}, "b": {"after": "a"}, "c": {}}


def done(changes: tuple[ResourceChange, ...]) -> dict[str, str]:
    """What was done by name."""
    return {one.name: one.operation for one in changes}


@pytest.fixture
def up(place: Place) -> Place:
    """A place where the files are."""
    place.stack(FILES).up()
    return place


def test_a_preview_shows_creates_and_creates_nothing(place: Place) -> None:
    outcome = place.stack(FILES).preview()
    assert done(outcome.changes) == {"a": "create", "b": "create", "c": "create"}
    assert outcome.outputs == {}
    assert {one.seconds for one in outcome.changes} == {0}
    assert place.cloud.names() == []
    assert place.cloud.calls() == []


def test_up_creates_in_the_order_of_need(place: Place) -> None:
    told: list[ResourceChange] = []
    outcome = place.stack(FILES).up(told.append)
    assert done(outcome.changes) == {"a": "create", "b": "create", "c": "create"}
    assert tuple(told) == outcome.changes
    assert outcome.outputs == {name: f"toy://files/{name}" for name in FILES}
    there = place.cloud.there("b")
    assert there is not None and there["text"] == "toy://files/a"
    ended = {call["name"]: call["ended"] for call in place.cloud.calls("create")}
    began = {call["name"]: call["began"] for call in place.cloud.calls("create")}
    assert ended["a"] <= began["b"]


def test_a_second_up_changes_nothing(up: Place) -> None:
    asked = len(up.cloud.calls())
    outcome = up.stack(FILES).up()
    assert outcome.count("same") == len(FILES) and outcome.changed == ()
    assert len(up.cloud.calls()) == asked


def test_a_change_is_an_update_of_the_paths_that_differ(up: Place) -> None:
    files = {**FILES, "a": {"text": "xy", "labels": {"team": "blue", "site.x": "1"}}}
    stack = up.stack(files)
    for outcome in (stack.preview(), stack.up()):
        (change,) = outcome.changed
        assert (change.operation, change.name) == ("update", "a")
        assert set(change.properties) == {"labels.team", 'labels["site.x"]', "text"}
    assert done(stack.up().changed) == {}
    assert [call["name"] for call in up.cloud.calls("update")] == ["a"]


def test_a_replacement_deletes_first(up: Place) -> None:
    stack = up.stack({**FILES, "c": {"site": "north"}})
    for outcome in (stack.preview(), stack.up()):
        (change,) = outcome.changed
        assert (change.operation, change.name, change.properties) == ("replace", "c", ("site",))
    (deleted,) = up.cloud.calls("delete")
    created = up.cloud.calls("create")[-1]
    assert (deleted["name"], created["name"]) == ("c", "c")
    assert deleted["ended"] <= created["began"]


def test_what_is_no_longer_declared_is_deleted(up: Place) -> None:
    assert done(up.stack({"c": {}}).up().changed) == {"a": "delete", "b": "delete"}
    assert up.cloud.names() == ["c"]


def test_drift_is_found_and_mended(up: Place) -> None:
    stack = up.stack(FILES)
    up.cloud.put("a", {"name": "a", "text": "other", "labels": {"team": "red"}})
    up.cloud.path("c").unlink()
    found = stack.refresh()
    assert done(found.changed) == {"a": "drifted", "c": "gone"}
    assert done(stack.up().changed) == {"a": "update", "c": "create"}
    assert up.cloud.there("a") == {"name": "a", "text": "x", "labels": {"team": "red"}}
    assert done(stack.refresh().changed) == {}


def test_destroy_leaves_nothing(up: Place) -> None:
    stack = up.stack(FILES)
    assert done(stack.destroy().changes) == dict.fromkeys(FILES, "delete")
    assert up.cloud.names() == []
    assert stack.exists()
    assert done(stack.destroy(remove=True).changes) == {}
    assert not stack.exists()


def test_gone_already_is_deleted_too(up: Place) -> None:
    up.cloud.path("c").unlink()
    assert done(up.stack(FILES).destroy().changes) == dict.fromkeys(FILES, "delete")


def test_many_are_created_at_once(place: Place) -> None:
    """The SDK's own dynamic providers stop at 4, and the command's default here is 8."""
    place.cloud.dial(slow={"*": 2.0})
    files: Files = {f"n{number}": {} for number in range(40)}
    place.stack(files).up()
    spans = [(call["began"], call["ended"]) for call in place.cloud.calls("create")]
    together = max(sum(began <= at < ended for began, ended in spans) for at, _ in spans)
    assert together == len(files)


def test_two_stacks_of_one_process_do_not_mix(place: Place) -> None:
    (place.folder / "other").mkdir()
    other = Place(place.folder / "other", place.binary)
    results: dict[str, StackOutcome] = {}

    def run(name: str, where: Place, files: Files) -> None:
        where.cloud.dial(slow={"*": 0.5})
        results[name] = where.stack(files).up()

    mine: Files = {"x": {"text": "1"}}
    threads = [
        threading.Thread(target=run, args=("one", place, FILES)),
        threading.Thread(target=run, args=("two", other, mine)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(done(results["one"].changes)) == set(FILES)
    assert set(done(results["two"].changes)) == {"x"}
    assert (place.cloud.names(), other.cloud.names()) == (sorted(FILES), ["x"])


def test_secrets_are_encrypted_in_the_state_and_nowhere_in_clear(place: Place) -> None:
    files: Files = {"secret": {"password": PASSWORD}, "open": {"text": "not-a-secret"}}
    place.cloud.dial(slow={"*": 1.5})
    stack = place.stack(files)
    seen: list[str] = []
    outcome = stack.up(lambda change: seen.extend(children().values()))
    assert outcome.outputs["token"] is HIDDEN
    assert stack.outputs()["token"] == "tok-secret"
    (resource,) = [
        one for one in stack.export()["deployment"]["resources"] if one["urn"].endswith("::secret")
    ]
    for part, key in (("inputs", "password"), ("outputs", "password"), ("outputs", "token")):
        assert set(resource[part][key]) == {SIGNATURE, "ciphertext"}
    assert any("pulumi" in line for line in seen)
    for secret in (PASSWORD, PASSPHRASE, "tok-secret"):
        assert not any(secret in line for line in seen), "in a process list"
        assert holding(place.folder, secret) == [], secret
        assert holding(home(), secret) == [], secret
    assert holding(place.folder, "not-a-secret") != [], "nothing was looked at"


def holding(folder: Path, secret: str) -> list[Path]:
    """Files that have the text, packed ones too."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if data[:2] == b"\x1f\x8b":
                data = gzip.decompress(data)
            if secret.encode() in data:
                found.append(path)
    return found


def test_nothing_of_the_state_is_written_in_place(up: Place) -> None:
    assert list((up.folder / "stack" / "state").rglob("*.attrs")) == []


def test_nobody_else_can_read_the_state(up: Place) -> None:
    assert (up.folder / "stack").stat().st_mode & 0o077 == 0


def test_it_says_nothing_by_itself(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    stack = place.stack(FILES)
    for operation in (stack.preview, stack.up, stack.refresh, stack.destroy):
        operation()
    assert capfd.readouterr() == ("", "")
    process = place.start("up", FILES)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(told.splitlines()) == 1, told
