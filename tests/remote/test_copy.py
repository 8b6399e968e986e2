"""Files both ways, against real SFTP servers on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from provision.errors import UsageError
from provision.remote import copy, fanout
from provision.remote.fanout import HostResult, HostWork
from provision.remote.ssh import Connection
from tests.remote.servers import Host, listening, shell_on


@pytest.fixture
def node() -> Iterator[Host]:
    with listening(Host()) as host:
        yield host


@pytest.fixture
def shell(node: Host) -> Iterator[Connection]:
    with shell_on(node) as connection:
        yield connection


def on(
    shell: Connection, work: HostWork, *names: str, timeout: float = 20
) -> dict[str, HostResult]:
    hosts = {name: shell.login for name in names}
    return {result.host: result for result in fanout.each(shell, hosts, work, timeout)}


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_arrives_whole_with_its_mode(shell: Connection, tmp_path: Path) -> None:
    source, there = tmp_path / "job.sh", tmp_path / "there"
    there.mkdir()
    source.write_bytes(os.urandom(300_000))
    source.chmod(0o750)
    for target in (f"{there}/named.sh", f"{there}/", str(there)):
        (result,) = on(shell, copy.put(source, target), "a").values()
        assert (result.exit_code, result.error) == (0, "")
    assert files(there) == ["job.sh", "named.sh"]
    assert {p.read_bytes() == source.read_bytes() for p in there.iterdir()} == {True}
    assert {p.stat().st_mode & 0o777 for p in there.iterdir()} == {0o750}


def test_each_node_has_its_own_folder_here(shell: Connection, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("1\n")
    work = copy.get(f"{tmp_path}/out.csv", tmp_path / "results")
    results = on(shell, work, "demo-worker-0001", "demo-worker-0002")
    assert {result.exit_code for result in results.values()} == {0}
    assert files(tmp_path / "results") == ["demo-worker-0001/out.csv", "demo-worker-0002/out.csv"]


def test_a_name_cannot_leave_its_folder(shell: Connection, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("1\n")
    for name in ("..", "../up", "/etc", ".hidden", "a/b"):
        (result,) = on(shell, copy.get(f"{tmp_path}/out.csv", tmp_path / "results"), name).values()
        assert result.exit_code == 1 and "no name for a folder" in result.error
    assert files(tmp_path) == ["out.csv"]
    for path in ("", "/", "..", "a/..", "logs/"):
        with pytest.raises(UsageError):
            copy.get(path, tmp_path)


@pytest.mark.parametrize("method", ["put", "posix_rename", "chmod"])
def test_nothing_half_stays_on_the_node(
    shell: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    source, there = tmp_path / "data", tmp_path / "there"
    there.mkdir()
    (there / "data").write_text("before")
    source.write_bytes(os.urandom(100_000))

    def fails(client: paramiko.SFTPClient, *args: object, **options: object) -> None:
        with client.open(f"{args[-1]}" if method == "put" else f"{args[0]}", "wb") as half:
            half.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(paramiko.SFTPClient, method, fails)
    (result,) = on(shell, copy.put(source, f"{there}/data"), "a").values()
    assert result.exit_code == 1 and "No space left" in result.error
    assert files(there) == ["data"] and (there / "data").read_text() == "before"


def test_nothing_half_stays_here(
    shell: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").write_text("1\n")

    def fails(client: paramiko.SFTPClient, source: str, half: str, **options: object) -> None:
        Path(half).write_text("half")
        raise EOFError

    monkeypatch.setattr(paramiko.SFTPClient, "get", fails)
    (result,) = on(shell, copy.get(f"{tmp_path}/out", tmp_path / "results"), "a").values()
    assert result.exit_code == 1 and files(tmp_path) == ["out"]


def test_what_is_no_file_is_told_per_node(shell: Connection, tmp_path: Path) -> None:
    for path in (f"{tmp_path}/missing", "/dev/zero", str(tmp_path)):
        (result,) = on(shell, copy.get(path, tmp_path / "results"), "a").values()
        assert result.exit_code == 1 and result.error
