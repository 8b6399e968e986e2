"""The guards of the unit tests bite: tried on this process, and in a run of pytest as it is set up."""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.guards import Forbidden, Guard, changed, guarding, redirected, users_folders


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
    with guarding(Guard([folder])) as guard, pytest.raises(Forbidden):
        act(folder)
    assert guard.broken and "the user's own" in guard.broken[0]
    assert (folder / "keys.json").read_text() == "{}"
    assert sorted(entry.name for entry in folder.iterdir()) == ["keys.json"]


def test_what_stands_beside_them_is_not(tmp_path: Path) -> None:
    with guarding(Guard([tmp_path / "provision"])) as guard:
        (tmp_path / "provision-other").write_text("x")
        assert (tmp_path / "provision-other").read_text() == "x"
    assert guard.broken == []


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
    result.assert_outcomes(passed=3, failed=3, errors=5)
    result.stdout.fnmatch_lines_random(
        [
            "*a unit test starts a process (true *",
            "*a unit test opens a socket (socket.__new__)*",
            "*reads or changes * the user's own",
            "*the test left the environment changed*",
        ]
    )
