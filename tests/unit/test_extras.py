"""The distribution: its name, what it brings for this machine alone, and what a cloud asks for beside."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from provision import extras
from provision.errors import RefusedError

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CLOUDS_ONLY = {"pulumi", "grpcio", "protobuf", "google-auth", "google-cloud-compute"}


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def brought(names: set[str]) -> set[str]:
    """Those packages and all that they bring, as installed here."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # for another system or another Python
            continue
        waiting += [name_of(line) for line in requires if "extra ==" not in line]
    return seen


def test_the_name_is_ours_and_all_metadata_is_there() -> None:
    assert PROJECT["name"] == extras.DISTRIBUTION == "provision-cluster"
    assert list(PROJECT["scripts"]) == ["provision"]
    for key in ("description", "readme", "license", "authors", "keywords", "classifiers"):
        assert PROJECT[key], key
    assert metadata.metadata(extras.DISTRIBUTION)["Name"] == extras.DISTRIBUTION


def test_no_page_or_message_tells_to_install_the_strangers_package() -> None:
    files = [
        path
        for top in (
            "provision",
            "docs",
            "stacks",
            "tools",
            "inventories",
            "benchmarks",
            "cloud-init",
        )
        for path in (ROOT / top).rglob("*")
        if path.suffix in (".md", ".py", ".sh", ".yaml", ".yml", ".j2")
    ]
    files += [path for path in ROOT.iterdir() if path.is_file() and path.name[0] != "."]
    stranger = re.compile(
        r"(?:install|add|run|inject|uvx)\b[^\n]*[\s'\"]provision(?:\[|==|>=|~=|['\"`]|\s*$)"
    )
    assert stranger.search("pip install 'provision[gce]'") and stranger.search(
        "pipx install provision"
    )
    assert not stranger.search("pip install 'provision-cluster[gce]'")
    wrong = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if ("pip" in line or "uv" in line) and stranger.search(line)
    ]
    assert len(files) > 100
    assert wrong == []


def test_every_extra_is_declared_with_what_is_looked_for() -> None:
    declared = PROJECT["optional-dependencies"]
    assert set(extras.PACKAGES) == set(declared)
    for extra, packages in extras.PACKAGES.items():
        assert set(packages.values()) <= {name_of(line) for line in declared[extra]}


def test_a_local_install_brings_nothing_of_a_cloud() -> None:
    core = {name_of(line) for line in PROJECT["dependencies"]}
    assert brought(core) & CLOUDS_ONLY == set()
    assert {"pulumi", "grpcio"} <= brought({"pulumi"})
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {line.partition("==")[0] for line in lock.splitlines() if "==" in line}
    assert core <= locked
    assert locked & CLOUDS_ONLY == set()


def test_an_extra_that_is_there_is_not_refused() -> None:
    extras.check("gce", "cloud: gce")
    extras.check("emulator", "emulate")
    with pytest.raises(KeyError):
        extras.check("azure", "cloud: azure")


def test_what_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.PACKAGES, "gce", {"no_such": "no-such", "nor.this": "nor-this"})
    with pytest.raises(
        RefusedError, match=r"packages no-such, nor-this are missing; pip install '"
    ):
        extras.check("gce", "cloud: gce")
