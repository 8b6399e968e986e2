"""The guards of the unit tests bite: tried on this process, and in a run of pytest as it is set up."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.guards import HARM, Forbidden, Guard, changed, guarding, redirected, users_folders


@pytest.mark.parametrize(
    "act",
    [
        lambda: subprocess.run(["true"], check=True),
        lambda: os.system("true"),
        lambda: os.posix_spawn("/bin/true", ["true"], {}),
        lambda: os.fork(),
        lambda: socket.socket(),
        lambda: socket.create_connection(("127.0.0.1", 9)),
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: socket.socketpair(),
    ],
)
def test_processes_and_sockets_are_refused(act: Callable[[], object]) -> None:
    with guarding(Guard()) as guard, pytest.raises(Forbidden):
        act()
    assert len(guard.broken) == 1


@pytest.mark.parametrize(
    "act",
    [
        lambda folder: (folder / "keys.json").read_text(),
        lambda folder: (folder / "new").write_text("x"),
        lambda folder: (folder / "new").mkdir(),
        lambda folder: list(folder.iterdir()),
        lambda folder: os.listdir(folder),  # noqa: PTH208  # another event than iterdir's
        lambda folder: (folder / "keys.json").unlink(),
        lambda folder: (folder / "keys.json").rename(folder.parent / "away"),
        lambda folder: (folder.parent / "near").rename(folder / "near"),
        lambda folder: (folder / "keys.json").chmod(0o777),
        lambda folder: shutil.rmtree(folder),
    ],
)
def test_the_users_folders_are_refused(act: Callable[[Path], object], tmp_path: Path) -> None:
    folder = tmp_path / "provision"
    folder.mkdir()
    (folder / "keys.json").write_text("{}")
    (tmp_path / "near").write_text("")
    with guarding(Guard([folder], [tmp_path])) as guard, pytest.raises(Forbidden):
        act(folder)
    assert guard.broken and "the user's own" in guard.broken[0]
    assert (folder / "keys.json").read_text() == "{}"
    assert sorted(entry.name for entry in folder.iterdir()) == ["keys.json"]


def test_what_stands_beside_them_is_not(tmp_path: Path) -> None:
    with guarding(Guard([tmp_path / "provision"], [tmp_path])) as guard:
        (tmp_path / "provision-other").write_text("x")
        assert (tmp_path / "provision-other").read_text() == "x"
    assert guard.broken == []


@pytest.mark.parametrize(
    "act",
    [
        lambda kept: shutil.rmtree(kept),
        lambda kept: shutil.rmtree(kept / "below" / ".."),
        lambda kept: shutil.rmtree(kept.parent / "link" / "below"),
        lambda kept: (kept / "below" / "file").unlink(),
        lambda kept: (kept.parent / "ours" / ".." / "kept" / "below" / "file").unlink(),
        lambda kept: os.unlink("file", dir_fd=os.open(kept / "below", os.O_RDONLY)),
        lambda kept: (kept / "empty").rmdir(),
        lambda kept: (kept / "below" / "file").rename(kept.parent / "ours" / "file"),
        lambda kept: (kept.parent / "ours" / "mine").replace(kept / "below" / "file"),
        lambda kept: shutil.move(kept / "below", kept.parent / "ours"),
        lambda kept: (kept / "below" / "file").write_text(""),
        lambda kept: (kept.parent / "to-file").write_text(""),
        lambda kept: os.truncate(kept / "below" / "file", 0),
        lambda kept: (kept / "below" / "file").chmod(0o777),
        lambda kept: os.chown(kept, 0, 0),
    ],
)
def test_nothing_is_harmed_outside_the_runs_own_folders(
    act: Callable[[Path], object], tmp_path: Path
) -> None:
    kept, ours = tmp_path / "kept", tmp_path / "ours"
    (kept / "below").mkdir(parents=True)
    (kept / "empty").mkdir()
    ours.mkdir()
    (ours / "mine").write_text("")
    (kept / "below" / "file").write_text("kept")
    (tmp_path / "link").symlink_to(kept)
    (tmp_path / "to-file").symlink_to(kept / "below" / "file")
    mode = (kept / "below" / "file").stat().st_mode
    with guarding(Guard([], [ours])) as guard, pytest.raises(Forbidden):
        act(kept)
    assert guard.broken and "not this run's" in guard.broken[0]
    assert (kept / "below" / "file").read_text() == "kept"
    assert (kept / "below" / "file").stat().st_mode == mode and (kept / "empty").is_dir()


@pytest.mark.parametrize("event", sorted(HARM))
@pytest.mark.parametrize(
    "place", ["/", "/etc", "/tmp", "/usr/bin/env", "..", "/proc/self/root", "~"]
)
def test_the_machines_own_places_are_refused_by_every_event(event: str, place: str) -> None:
    # The events alone: were the guard broken, the acts themselves would reach the machine.
    guard = Guard()
    with pytest.raises(Forbidden):
        guard.audit(event, (place, place, -1, -1))
    assert "not this run's" in guard.broken[0]


def test_the_runs_own_folders_may_be_removed_and_others_read(tmp_path: Path) -> None:
    with guarding(Guard([], [tmp_path])) as guard:
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "b" / "file").write_text("x")
        (tmp_path / "out").symlink_to("/etc")
        (tmp_path / "out").unlink()
        shutil.rmtree(tmp_path / "a")
        made = Path(tempfile.mkdtemp())
        shutil.rmtree(made)
        Path("/dev/null").write_text("x")
        assert Path(__file__).read_text()
    assert guard.broken == []
    assert list(tmp_path.iterdir()) == []


def test_a_thread_is_guarded_and_what_is_swallowed_is_remembered() -> None:
    def swallow() -> None:
        with contextlib.suppress(Exception):
            subprocess.run(["true"], check=True)

    with guarding(Guard()) as guard:
        thread = threading.Thread(target=swallow)
        thread.start()
        thread.join()
    assert len(guard.broken) == 1


def test_the_users_folders_follow_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in redirected(tmp_path).items():
        monkeypatch.setenv(name, value)
    assert {path.parent.parent for path in users_folders()[:4]} == {tmp_path}


def test_changed_names_what_differs() -> None:
    before = {"A": "1", "B": "1", "PYTEST_CURRENT_TEST": "x"}
    assert changed(before, {"A": "2", "C": "1"}) == ["A", "B", "C"]
    assert changed(before, {**before, "PYTEST_CURRENT_TEST": "y"}) == []


BAD = """\
import os
import socket
import subprocess
from pathlib import Path

from provision.workspace import root
from tests.conftest import USERS_FOLDERS


def test_process():
    subprocess.run(["true"])


def test_socket():
    socket.socket()


def test_swallowed():
    try:
        subprocess.run(["true"])
    except Exception:
        pass


def test_users_folder():
    (USERS_FOLDERS[0] / "clusters").mkdir(parents=True)


def test_machine():
    os.truncate("/no-such-folder/file", 0)


def test_environment():
    os.environ["LEFT"] = "changed"


def test_good(tmp_path):
    assert root().is_relative_to(tmp_path)
    assert "DOCKER_HOST" not in os.environ
"""


def test_the_layer_is_wired(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    pytester.makeconftest("from tests.unit.conftest import guarded")
    pytester.makepyfile(BAD)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    os.environ.pop("LEFT", None)
    result.assert_outcomes(passed=3, failed=4, errors=6)
    result.stdout.fnmatch_lines_random(
        [
            "*a unit test starts a process (true *",
            "*a unit test opens a socket (socket.__new__)*",
            "*reads or changes * the user's own",
            "*a unit test changes /no-such-folder/file (os.truncate), *",
            "*the test left the environment changed*",
        ]
    )
