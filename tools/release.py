"""Cut a release: the changelog's open part gets the version, the package says it, and a tag names it.

    tools/release.py 0.2.0      commit "Release 0.2.0" and the annotated tag v0.2.0; pushes nothing
    tools/release.py --check    the tag of this commit, the package and the changelog say one version

Exit codes: 0 done; 2 usage; 4 refused, and nothing was changed.
"""

import datetime
import re
import subprocess
import sys
from pathlib import Path

CHANGELOG = Path("CHANGELOG.md")
PACKAGE = Path("provision/__init__.py")
OPEN = "## Unreleased"
VERSION = re.compile(r"\d+\.\d+\.\d+")
SAID = re.compile(r'^__version__ = "([^"]*)"$', re.M)
SECONDS = 60.0


class Refused(Exception):
    """Why there is no release; nothing was changed."""


def git(*words: str) -> str:
    """What git says."""
    done = subprocess.run(
        ["git", *words], capture_output=True, text=True, check=False, timeout=SECONDS
    )
    if done.returncode:
        raise Refused(f"git {words[0]} failed ({done.stderr.strip()}); mend that and run it again")
    return done.stdout.strip()


def said() -> str:
    """The version that the package says."""
    found = SAID.search(PACKAGE.read_text(encoding="utf-8"))
    if not found:
        raise Refused(f"{PACKAGE} says no version; it needs a line __version__ = ...")
    return found[1]


def sections(changelog: str) -> dict[str, str]:
    """The text below each heading of the second level, by the heading's first word."""
    parts = re.split(r"^## (.*)$", changelog, flags=re.M)[1:]
    return {
        head.split()[0]: text.strip() for head, text in zip(parts[::2], parts[1::2], strict=True)
    }


def cut(changelog: str, version: str, day: str) -> str:
    """The changelog with its open part under the version's own heading, and an empty open part."""
    if not sections(changelog).get("Unreleased"):
        raise Refused(f"{CHANGELOG} has nothing below '{OPEN}'; write there what has changed")
    return changelog.replace(f"{OPEN}\n", f"{OPEN}\n\n## {version} - {day}\n", 1)


def check() -> str:
    """That a tagged commit says one version everywhere; answers what it says."""
    tags = [tag for tag in git("tag", "--points-at", "HEAD").splitlines() if tag.startswith("v")]
    version = said()
    if not tags:
        return f"{version}, not released: no tag points here"
    listed = list(sections(CHANGELOG.read_text(encoding="utf-8")))[1:2]
    if tags != [f"v{version}"] or listed != [version]:
        raise Refused(
            f"the tag {', '.join(tags)}, {PACKAGE} ({version}) and {CHANGELOG} "
            f"({', '.join(listed) or 'none'}) name different versions; remove the tag"
        )
    return f"{version}, by its tag, the package and the changelog"


def release(version: str) -> str:
    """Cut, commit and tag; answers what is left to do."""
    if not VERSION.fullmatch(version):
        raise Refused(f"{version!r} is no version; give three numbers, such as 0.2.0")
    if git("status", "--porcelain", "--untracked-files=no"):
        raise Refused("files are changed and not committed; commit them first")
    tag, before = f"v{version}", said()
    if git("tag", "--list", tag):
        raise Refused(f"{tag} is there already; give the next version")
    if _numbers(version) < _numbers(before):
        raise Refused(f"{version} comes before {before}, which the package says; give a later one")
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    changelog = cut(CHANGELOG.read_text(encoding="utf-8"), version, day)
    package = SAID.sub(f'__version__ = "{version}"', PACKAGE.read_text(encoding="utf-8"))
    CHANGELOG.write_text(changelog, encoding="utf-8")
    PACKAGE.write_text(package, encoding="utf-8")
    git("add", str(CHANGELOG), str(PACKAGE))
    git("commit", "--quiet", "-m", f"Release {version}")
    notes = sections(changelog)[version]
    git("tag", "--annotate", "--cleanup=verbatim", "-m", f"{tag}\n\n{notes}\n", tag)
    return f"{tag} is tagged; push it with: git push --atomic origin HEAD {tag}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def main(words: list[str]) -> int:
    """Run it; answers the exit code."""
    if len(words) != 1:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    try:
        print(check() if words == ["--check"] else release(words[0]))
    except Refused as refused:
        print(f"release: {refused}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
