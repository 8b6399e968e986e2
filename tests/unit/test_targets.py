"""What a user names to be written is no device and no pipe; a lock or a row that is odd is no bug."""

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provision.cli.main import main
from provision.errors import BusyError, ProvisionError
from provision.files import acquired, check_target, locked, read_json, write_private
from provision.recipes.timings import Clock, clocks
from provision.remote import copy

Capture = pytest.CaptureFixture[str]
pytestmark = pytest.mark.timeout(20)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """Like /dev/null it is no file, and a test may lose it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def is_pipe(path: Path) -> bool:
    return stat.S_ISFIFO(path.lstat().st_mode)


def test_a_target_is_a_regular_file_or_nothing(tmp_path: Path, pipe: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(pipe)
    check_target(tmp_path / "file")
    check_target(tmp_path / "none")
    for name in ("pipe", "link"):
        with pytest.raises(OSError, match="is a pipe"):
            check_target(tmp_path / name)
    with pytest.raises(IsADirectoryError):
        check_target(tmp_path)


def test_a_file_of_our_own_takes_the_place_of_a_pipe(pipe: Path) -> None:
    write_private(pipe, "a")
    assert not is_pipe(pipe) and pipe.read_text() == "a"


@pytest.mark.parametrize("linked", [False, True])
def test_render_refuses_a_target_that_is_no_file(
    pipe: Path, linked: bool, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(pipe.parent / "state"))
    target = pipe
    if linked:
        target = pipe.parent / "link"
        target.symlink_to(pipe)
    words = ["render", "--name", "demo", "--nodes", "2", "--cloud", "local", "--to", str(target)]
    assert main(words) == 2
    assert "cannot be written (is a pipe, not a file): name another" in capsys.readouterr().err
    assert is_pipe(pipe) and target.is_symlink() == linked


def test_init_refuses_a_target_that_is_no_file(pipe: Path, capsys: Capture) -> None:
    assert main(["init", str(pipe), "--yes", "--force"]) == 2
    assert "is a pipe, not a file" in capsys.readouterr().err
    assert is_pipe(pipe)


def test_cp_leaves_a_pipe_where_its_file_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo-worker-0001").mkdir()
    target = tmp_path / "demo-worker-0001" / "log"
    os.mkfifo(target)
    monkeypatch.setattr(copy, "_over_sftp", lambda work: work)
    work: Any = copy.get("/var/log", tmp_path)
    mode = SimpleNamespace(st_mode=stat.S_IFREG | 0o644)
    sftp = SimpleNamespace(stat=lambda path: mode, get=lambda *words, **more: None)
    with pytest.raises(OSError, match="is a pipe"):
        work(sftp, "demo-worker-0001", None)
    assert is_pipe(target)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_a_lock_that_is_no_file_is_trouble_and_no_bug(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "lock")
    with (
        pytest.raises(ProvisionError, match=r"lock .* cannot be taken .*[Ii]s a"),
        locked(tmp_path / "lock", "demo", "provision up"),
    ):
        pass
    with pytest.raises(ProvisionError, match=r"lock .* cannot be taken .*[Ii]s a"):
        acquired(tmp_path / "lock", 1, lambda: None)


@pytest.mark.parametrize(
    "holder", ["[" * 100_000, "[]", "7", '{"pid": []}', '{"command": "up", "pid": null}', ""],
    ids=["deep", "list", "number", "pid", "null", "empty"],
)  # fmt: skip
def test_a_lock_whose_holder_wrote_nonsense_is_still_held(tmp_path: Path, holder: str) -> None:
    path = tmp_path / "lock"
    with locked(path, "demo", "provision up"):
        path.write_text(holder)
        with pytest.raises(BusyError, match="another"), locked(path, "demo", "provision down"):
            pass


def test_json_that_is_nested_too_deeply_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(tmp_path / "deep")


@pytest.mark.parametrize(
    "row",
    [
        None, 7, "a", [], {}, {"name": None}, {"name": ["a"]}, {"name": ""},
        {"name": "odd", "booted": "soon"}, {"name": "odd", "booted": True},
        {"name": "odd", "generation": "2"}, {"name": "odd", "generation": None},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_an_odd_row_of_the_timings_is_passed_over(row: object) -> None:
    sound = {"name": "demo-worker-0001", "requested": 1, "booted": 2.5}
    assert clocks({"nodes": [row, sound]}) == {"demo-worker-0001": Clock(1, None, 2.5)}


@pytest.mark.parametrize("nodes", [None, 7, "ab", {"name": "a"}])
def test_timings_without_rows_are_none(nodes: object) -> None:
    assert clocks({"nodes": nodes}) == clocks({}) == {}


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.EACCES, "Permission denied", "some/file"), 1, "some/file: Permission denied;"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "this machine: No space left"),
        (OSError(errno.EINVAL, "Invalid argument"), 70, "this is a bug (OSError"),
        (OSError("plain"), 70, "this is a bug (OSError"),
        (OSError(errno.EACCES, "", "some/file"), 70, "this is a bug (PermissionError"),
    ],
)  # fmt: skip
def test_a_file_that_the_system_refuses_is_no_bug(
    error: OSError, code: int, said: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture,
) -> None:  # fmt: skip
    def refuse(*words: object) -> int:
        raise error

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("provision.cli.app._invoke", refuse)
    assert main(["list"]) == code
    assert capsys.readouterr().err.startswith(f"provision: {said}")


@pytest.mark.parametrize("words", [["run", "--", "true"], ["cp", "a", ":b"]], ids=["run", "cp"])
@pytest.mark.parametrize("seconds", ["inf", "-inf", "nan", "-1", "0", "1e9", "soon"])
def test_a_timeout_that_is_no_time_is_refused(
    words: list[str], seconds: str, capsys: Capture
) -> None:
    assert main([words[0], "--timeout", seconds, *words[1:]]) == 2
    err = capsys.readouterr().err
    assert "--timeout" in err and len(err.splitlines()) == 1
