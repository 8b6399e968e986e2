"""The release recipe, in a repository of its own: one version in the tag, the package and the changelog."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "release.py"
LOG = """# Changelog

## Unreleased

### Added
- A thing.

## 0.1.0 - 2026-01-02

### Added
- The first thing.
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What a release touches, committed."""
    (tmp_path / "CHANGELOG.md").write_text(LOG)
    (tmp_path / "provision").mkdir()
    (tmp_path / "provision" / "__init__.py").write_text('"""P."""\n\n__version__ = "0.1.0"\n')
    git(tmp_path, "init", "--quiet")
    for key, value in {"user.name": "a", "user.email": "a@b.example"}.items():
        git(tmp_path, "config", key, value)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "Begin")
    git(tmp_path, "tag", "v0.1.0")
    return tmp_path


def git(where: Path, *words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=where, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def release(where: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words], cwd=where, capture_output=True, text=True, timeout=60
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def test_a_release_is_a_commit_a_tag_and_a_part_of_the_changelog(repository: Path) -> None:
    code, words = release(repository, "0.2.0")
    assert (code, words) == (
        0, "v0.2.0 is tagged; push it with: git push --atomic origin HEAD v0.2.0",
    )  # fmt: skip
    assert (
        (repository / "provision" / "__init__.py").read_text().endswith('__version__ = "0.2.0"\n')
    )
    text = (repository / "CHANGELOG.md").read_text()
    assert re.findall(r"^## (\S+)", text, re.M) == ["Unreleased", "0.2.0", "0.1.0"]
    assert text.index("## 0.2.0") < text.index("- A thing.") < text.index("## 0.1.0")
    assert git(repository, "log", "-1", "--format=%s") == "Release 0.2.0"
    assert git(repository, "rev-parse", "v0.2.0^{commit}") == git(repository, "rev-parse", "HEAD")
    assert "- A thing." in git(repository, "tag", "--list", "-n9", "v0.2.0")
    assert git(repository, "status", "--porcelain") == ""
    assert release(repository, "--check") == (
        0, "0.2.0, by its tag, the package and the changelog",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("0.2", "is no version; give three numbers"),
        ("v0.2.0", "is no version"),
        ("0.1.0", "v0.1.0 is there already"),
        ("0.0.9", "0.0.9 comes before 0.1.0"),
    ],
)
def test_a_version_that_cannot_be_is_refused(repository: Path, version: str, why: str) -> None:
    code, words = release(repository, version)
    assert code == 4 and why in words
    unchanged(repository)


def unchanged(repository: Path) -> None:
    assert git(repository, "tag", "--list") == "v0.1.0"
    assert git(repository, "log", "--format=%s").splitlines()[-1] == "Begin"
    assert '"0.1.0"' in (repository / "provision" / "__init__.py").read_text()


def test_nothing_to_tell_is_refused(repository: Path) -> None:
    (repository / "CHANGELOG.md").write_text(LOG.replace("### Added\n- A thing.\n", ""))
    git(repository, "commit", "--quiet", "-am", "Tell nothing")
    code, words = release(repository, "0.2.0")
    assert code == 4 and "has nothing below '## Unreleased'" in words
    unchanged(repository)


def test_what_is_not_committed_is_refused(repository: Path) -> None:
    (repository / "CHANGELOG.md").write_text(LOG + "\n")
    code, words = release(repository, "0.2.0")
    assert code == 4 and "not committed" in words
    unchanged(repository)


def test_a_tag_that_names_another_version_is_found(repository: Path) -> None:
    (repository / "CHANGELOG.md").write_text(LOG + "\n")
    git(repository, "commit", "--quiet", "-am", "Go on")
    assert release(repository, "--check")[1] == "0.1.0, not released: no tag points here"
    git(repository, "tag", "v0.3.0")
    code, words = release(repository, "--check")
    assert code == 4 and "name different versions" in words


def test_without_a_version_it_says_what_it_wants(repository: Path) -> None:
    code, words = release(repository)
    assert code == 2 and "tools/release.py 0.2.0" in words
