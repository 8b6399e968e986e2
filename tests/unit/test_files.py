"""Files are whole and private; a lock names its holder and dies with it."""

import os
import stat
from pathlib import Path

import pytest

from provision.errors import BusyError
from provision.files import locked, write_private


def test_a_file_is_private_and_so_is_its_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    write_private(path, "a")
    write_private(path, "b")
    assert path.read_text() == "b"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    write_private(path, "old")

    def broken(self: Path, target: Path) -> Path:
        raise OSError("disk")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="disk"):
        write_private(path, "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]
    assert path.read_text() == "old"


def test_a_second_holder_is_told_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "demo.lock"
    with (
        locked(path, "demo", "provision up"),
        pytest.raises(BusyError) as caught,
        locked(path, "demo", "provision down"),
    ):
        pass
    assert caught.value.pid == os.getpid()
    assert "provision up" in str(caught.value) and caught.value.started in str(caught.value)
    assert caught.value.exit_code == 4
    with locked(path, "demo", "provision down"):
        pass


def test_every_folder_that_is_made_on_the_way_is_for_its_owner_alone(tmp_path: Path) -> None:
    """``mkdir(parents=True, mode=0o700)`` gives the mode to the last one only."""
    write_private(tmp_path / "state/provision/clusters/demo/keys.json", "{}")
    with locked(tmp_path / "locks/of/demo/lock", "demo", "provision up"):
        pass
    made = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert len(made) == 7
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}
