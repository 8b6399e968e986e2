"""Rules of this repository that no linter knows."""

import ast
import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from provision.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
LINES = 300
"""Lines a module may have."""
FUNCTION = 60
"""Lines a function may have, docstring and decorators included."""
CLASS = 150
"""Lines a class may have: one that grows beyond them holds two ideas."""
DEPTH = 3
"""Folders below the package that a module may be deep."""
LOCKS = ("requirements.lock", "requirements-dev.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("provision", "stacks")
    for path in (ROOT / folder).rglob("*.py")
)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definitions(module: str) -> Iterator[Definition]:
    """All functions and classes of a module, nested ones too."""
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, Definition):
            yield node


def length(node: Definition) -> int:
    """Lines from the first decorator to the end."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return (node.end_lineno or first) - first + 1


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short_and_not_deep(module: str) -> None:
    assert len((ROOT / module).read_text(encoding="utf-8").splitlines()) <= LINES
    assert len(Path(module).parts) - 2 <= DEPTH


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_short(module: str) -> None:
    functions = [node for node in definitions(module) if not isinstance(node, ast.ClassDef)]
    assert [(node.name, length(node)) for node in functions if length(node) > FUNCTION] == []


@pytest.mark.parametrize("module", MODULES)
def test_classes_are_short(module: str) -> None:
    classes = [node for node in definitions(module) if isinstance(node, ast.ClassDef)]
    assert {node.name for node in classes if length(node) > CLASS} == set()


@pytest.mark.parametrize("module", MODULES)
def test_public_functions_and_classes_say_what_they_do(module: str) -> None:
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    public = [node for node in tree.body if isinstance(node, Definition) and node.name[0] != "_"]
    assert [node.name for node in public if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place(lock: str) -> None:
    """Neither an index, which is the machine's to choose, nor a path of the machine that made it."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert re.findall(r"\S*://\S*|^-\S.*|\S*/\S*", text, re.M) == []


def pins(lock: str) -> dict[str, list[str]]:
    """Versions by normalized name; universal locks may have several for one name."""
    found: dict[str, list[str]] = {}
    text = (ROOT / lock).read_text(encoding="utf-8")
    for name, version in re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", text, re.M):
        found.setdefault(name, []).append(version)
    return found


def test_every_pin_has_its_hashes() -> None:
    for lock in LOCKS:
        text = (ROOT / lock).read_text(encoding="utf-8")
        blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.M)[1:]
        assert len(blocks) == sum(map(len, pins(lock).values()))
        assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_locks_keep_what_the_project_asks() -> None:
    """Run `make lock` where this fails: a dependency changed and its pin did not."""
    groups, extras = PROJECT["dependency-groups"], PROJECT["project"]["optional-dependencies"]
    own = [*PROJECT["project"]["dependencies"], *groups["build"]]
    wanted = {
        "requirements.lock": own,
        "requirements-dev.lock": [*own, *groups["dev"], *itertools.chain(*extras.values())],
    }
    for lock, texts in wanted.items():
        pinned = pins(lock)
        for requirement in map(Requirement, texts):
            versions = pinned.get(requirement.name.lower(), [])
            assert versions, f"{requirement} is not in {lock}"
            assert all(requirement.specifier.contains(Version(version)) for version in versions)


def test_both_locks_agree() -> None:
    dev = pins("requirements-dev.lock")
    assert {name: dev.get(name) for name in pins("requirements.lock")} == pins("requirements.lock")


def test_every_layer_of_tests_is_run() -> None:
    named = PROJECT["tool"]["pytest"]["ini_options"]["testpaths"]
    layers = {path.relative_to(ROOT).parts[1] for path in (ROOT / "tests").rglob("test_*.py")}
    assert {f"tests/{layer}" for layer in layers} == set(named)


def commands(page: str) -> list[str]:
    """The lines of a page's indented blocks."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def test_the_commands_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.M))
    named = {command.name for command in COMMANDS}
    shown = commands("README.md")
    assert {line.split()[1] for line in shown if line.startswith("make ")} <= targets
    used = {line.split()[1] for line in shown if line.startswith("provision ")}
    assert used and used <= named


def test_the_hooks_of_pre_commit_are_targets_of_make_and_fetch_nothing() -> None:
    """They work where nothing but a package registry can be reached, and check what CI checks."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    entries = [hook["entry"].split() for hook in hooks]
    assert [words[0] for words in entries] == ["make"] * len(entries) and [
        "make",
        "check",
    ] in entries
    assert all(re.search(rf"^{words[1]}:", makefile, re.M) for words in entries)


PACKED_BY_HAND = ("provision/cloud.py", "provision/clouds/", "provision/emulator/", "stacks/gce/")
"""Rooms that are about to be divided, where calls too are still packed by hand."""
TABLES = ast.Dict | ast.List | ast.Set | ast.Tuple


def packed(tree: ast.Module, line: int) -> bool:
    """Whether a table ends in that line, or a constant of the module: nothing else is read in columns."""
    constants = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
    tables = [node for node in ast.walk(tree) if isinstance(node, TABLES)]
    return line in {node.end_lineno for node in (*constants, *tables)}


@pytest.mark.parametrize("module", MODULES)
def test_nothing_but_tables_is_packed_by_hand(module: str) -> None:
    """It is a way round the limits on lines, and the formatter's whole point that nobody decides."""
    if module.startswith(PACKED_BY_HAND):
        return
    text = (ROOT / module).read_text(encoding="utf-8")
    skips = [n for n, line in enumerate(text.splitlines(), 1) if line.endswith("# fmt: skip")]
    tree = ast.parse(text)
    assert [line for line in skips if not packed(tree, line)] == []


def test_ignores_say_why() -> None:
    """`# noqa` and `# type: ignore` name the rule and the reason, as ruff and mypy cannot ask."""
    good = re.compile(r"# (?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])\s+[#-] \w")
    skipped = {"tests/unit/test_house.py"}
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("provision", "stacks", "tests", "benchmarks", "tools")
        for path in (ROOT / folder).rglob("*.py")
        if path.relative_to(ROOT).as_posix() not in skipped
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"# *(?:noqa|type: *ignore)", line) and not good.search(line)
    ]
    assert found == []
