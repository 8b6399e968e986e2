"""Where the Pulumi CLI comes from, in which order, and what is said when it comes from nowhere."""

import re
from pathlib import Path

import pytest

from provision.assets import asset
from provision.engine import binary
from provision.engine.binary import PINNED, Binary, Host
from provision.engine.children import ChildFailed
from provision.errors import RefusedError
from provision.events import Emit, ignore

NEW = "3.300.1"


class Machine:
    """A host that has what a test says, and notes what is asked of it."""

    def __init__(self, cache: Path, named: str = "", on_path: str | None = None) -> None:
        self.versions: dict[str, str] = {}
        self.works: set[str] = set()
        self.asked: list[str] = []
        self.host = Host(
            lambda name: on_path, self._version, self._install, self._build, cache, named
        )

    def _version(self, path: Path) -> str:
        self.asked.append(f"version {path}")
        return self.versions.get(str(path), "")

    def _install(self, root: Path, emit: Emit) -> None:
        self._way("install", root)

    def _build(self, root: Path, emit: Emit) -> None:
        self._way("build", root)

    def _way(self, way: str, root: Path) -> None:
        self.asked.append(way)
        (root / "bin").mkdir()
        if way not in self.works:
            raise ChildFailed(f"no {way} here")
        (root / "bin" / "pulumi").write_text("")
        (root / "bin" / "pulumi").chmod(0o755)


def test_the_variable_comes_first(tmp_path: Path) -> None:
    machine = Machine(tmp_path, named="/mine/pulumi", on_path="/usr/bin/pulumi")
    machine.versions = {"/mine/pulumi": NEW, "/usr/bin/pulumi": NEW}
    assert binary.ensure(ignore, machine.host) == Binary(Path("/mine/pulumi"), NEW)


@pytest.mark.parametrize(("version", "word"), [("3.100.0", "3.100.0"), ("", "no pulumi command")])
def test_a_variable_that_names_something_else_is_an_error(
    tmp_path: Path, version: str, word: str
) -> None:
    machine = Machine(tmp_path, named="/mine/pulumi", on_path="/usr/bin/pulumi")
    machine.versions = {"/mine/pulumi": version, "/usr/bin/pulumi": NEW}
    with pytest.raises(RefusedError, match=f"{word}.*unset PROVISION_PULUMI"):
        binary.lookup(machine.host)


def test_one_on_the_path_is_taken_when_it_is_new_enough(tmp_path: Path) -> None:
    machine = Machine(tmp_path, on_path="/usr/bin/pulumi")
    machine.versions["/usr/bin/pulumi"] = NEW
    assert binary.lookup(machine.host) == Binary(Path("/usr/bin/pulumi"), NEW)


def test_an_old_one_on_the_path_is_passed_over_for_the_cache(tmp_path: Path) -> None:
    machine = Machine(tmp_path, on_path="/usr/bin/pulumi")
    machine.versions["/usr/bin/pulumi"] = "3.258.9"
    machine.works = {"build"}
    made = binary.ensure(ignore, machine.host)
    assert made == Binary(tmp_path / PINNED / "bin" / "pulumi", PINNED)
    machine.asked.clear()
    assert binary.ensure(ignore, machine.host) == made
    # The cache's version is in its path: no process is needed to learn it.
    assert machine.asked == ["version /usr/bin/pulumi"]


def test_the_installer_comes_before_a_build(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.works = {"install", "build"}
    binary.ensure(ignore, machine.host)
    assert machine.asked == ["install"]


def test_nothing_is_made_by_a_mere_look(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.works = {"install"}
    assert binary.lookup(machine.host) is None
    assert machine.asked == []


def test_a_refusal_gives_all_reasons_in_one_sentence(tmp_path: Path) -> None:
    machine = Machine(tmp_path, on_path="/usr/bin/pulumi")
    machine.versions["/usr/bin/pulumi"] = "3.1.0"
    with pytest.raises(RefusedError) as caught:
        binary.ensure(ignore, machine.host)
    (finding,) = caught.value.findings
    for word in ("/usr/bin/pulumi is 3.1.0", "no install here", "no build here", "pulumi.com"):
        assert word in str(finding)
    # Half of something does not stay.
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_what_a_killed_build_left_goes(tmp_path: Path) -> None:
    (tmp_path / f".{PINNED}-x" / "bin").mkdir(parents=True)
    machine = Machine(tmp_path)
    machine.works = {"build"}
    binary.ensure(ignore, machine.host)
    assert sorted(path.name for path in tmp_path.iterdir()) == [PINNED, "lock"]


@pytest.mark.parametrize(
    ("version", "good"),
    [
        (PINNED, True),
        (NEW, True),
        ("3.258.99", False),
        ("4.0.0", False),
        ("2.999.0", False),
        ("", False),
        ("dev", False),
    ],
)
def test_what_is_new_enough(version: str, good: bool) -> None:
    assert binary.new_enough(version) is good


def test_the_pinned_version_is_the_one_that_go_builds() -> None:
    text = asset("tools", "pulumi", "go.mod").read_text(encoding="utf-8")
    assert re.findall(r"github\.com/pulumi/pulumi/\w+/v3 v(\S+)", text) == [PINNED, PINNED]
    go = re.search(r"^go (\S+)$", text, re.M)
    assert go is not None and f"install Go {go[1]} or newer" in binary.INSTALL_GO


def test_it_is_here_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(binary.VARIABLE, "/mine")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    here = binary.here()
    assert (here.named, here.cache) == ("/mine", tmp_path / "provision" / "pulumi")
