"""A stack in a folder that it is handed: whether there is one, what its settings tell, its passphrase."""

from pathlib import Path

import pytest

from provision.clouds.common.stack import (
    claim,
    exists,
    kept_config,
    passphrase,
    settings_file,
)
from provision.errors import BusyError
from provision.events import Event, Warned


class Folder:
    """A cluster's folder with nothing of ours but its place."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str) -> Path:
        return self.root / name

    def text(self, name: str) -> str | None:
        return self.path(name).read_text("utf-8") if self.path(name).exists() else None

    def write(self, name: str, text: str) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text, "utf-8")

    def discard(self, name: str) -> None:
        self.path(name).rename(self.path(f"{name}.gone"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "demo")


def begun(folder: Folder, settings: str | None) -> Folder:
    """With a stack, and these settings of it."""
    folder.path("stack/state").mkdir(parents=True)
    if settings is not None:
        folder.write(settings_file("demo"), settings)
    return folder


def test_a_stack_is_there_where_its_state_is_or_cannot_be_looked_at(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not exists(folder)
    folder.write("stack", "a file")
    assert not exists(folder), "a file is no folder of a stack"
    folder.path("stack").unlink()
    assert exists(begun(folder, None))

    def denied(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", denied)
    assert exists(folder), "could not look is not nothing there"


def test_settings_tell_the_provider_where_to_work(folder: Folder) -> None:
    assert kept_config("demo", folder) is None
    text = "encryptionsalt: v1:x\nconfig:\n  provision:region: attic\n  other:region: cellar\n"
    assert kept_config("demo", begun(folder, text)) == {"region": "attic"}


@pytest.mark.parametrize(
    "text", [None, "", "- a", "config: 3", "config:\n  1: 2", "{", "other: {}"]
)
def test_settings_that_tell_nothing_are_not_taken_for_no_stack(
    folder: Folder, text: str | None
) -> None:
    assert kept_config("demo", begun(folder, text)) == {}


def test_a_passphrase_is_made_once(folder: Folder) -> None:
    told: list[Event] = []
    made = passphrase("demo", folder, told.append)
    assert len(made) >= 32 and made == passphrase("demo", folder, told.append) and told == []


def test_a_state_whose_passphrase_is_lost_is_put_aside_and_told(folder: Folder) -> None:
    told: list[Event] = []
    passphrase("demo", begun(folder, None), told.append)
    assert not exists(folder) and folder.path("stack.gone").exists()
    assert [e.text for e in told if isinstance(e, Warned)] == [
        "the passphrase of demo's stack is lost; its state is begun anew"
    ]


def test_a_name_is_held_in_its_place_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.clouds.common.stack.user_folder", lambda: tmp_path)
    with claim("demo", ("p", ""), "up"):
        with claim("demo", ("q", ""), "up"), claim("demo", ("p", "http://x"), "up"):
            pass
        with (
            pytest.raises(BusyError, match="demo is being changed by 'up'"),
            claim("demo", ("p", ""), "up"),
        ):
            pass
