"""The image's name, and when it is built."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from provision.errors import RuntimeFailure
from provision.events import ignore
from provision.runtimes.container import base, image


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "Containerfile").write_text("FROM x\n")
    (tmp_path / "etc" / "a.conf").write_text("a\n")
    return tmp_path


def test_the_name_follows_contents_and_names(inputs: Path) -> None:
    before = image.fingerprint(inputs)
    assert image.fingerprint(inputs) == before
    (inputs / "etc" / "a.conf").write_text("b\n")
    changed = image.fingerprint(inputs)
    (inputs / "etc" / "a.conf").rename(inputs / "etc" / "b.conf")
    assert len({before, changed, image.fingerprint(inputs)}) == 3


def test_the_projects_own_inputs_are_found() -> None:
    assert (image.folder() / "Containerfile").is_file()
    assert image.tag().startswith("localhost/provision-node:")


def test_the_image_brings_what_the_pages_say_of_nodes_on_this_host() -> None:
    brought = (image.folder() / "packages.txt").read_text(encoding="utf-8").split()
    assert {"rsync", "openssh-server", "cloud-init", "slurmd", "slurmctld", "munge"} <= {*brought}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(image, "user_cache_path", lambda name: tmp_path / name)
    return tmp_path


def test_built_once(engine: Any, cache: Path) -> None:
    assert image.ensure(engine, ignore) == image.tag()
    image.ensure(engine, ignore)
    builds = [call for call in engine.calls if call.startswith("build")]
    assert builds == [f"build {image.tag()} from {base.REGISTRY}"]


def test_a_base_that_is_here_is_not_pulled(engine: Any, cache: Path) -> None:
    engine.images.add(base.OWN)
    image.ensure(engine, ignore)
    assert not [call for call in engine.calls if call.startswith("pull")]


def test_no_registry_and_no_mmdebstrap_is_one_sentence(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.pull_fails = True
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RuntimeFailure, match=r"no such host.*apt-get install -y mmdebstrap"):
        base.base_image(engine, ignore)


def test_a_build_that_gives_no_image_fails(
    engine: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.images, "build", lambda *given: iter(["E: Unable to fetch"]))
    with pytest.raises(RuntimeFailure, match="last line: E: Unable to fetch"):
        image.ensure(engine, ignore)
