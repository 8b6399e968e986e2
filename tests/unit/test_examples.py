"""Every spec that people start from is valid and planned; the CI examples take the cluster down always."""

from pathlib import Path

import click
import pytest
import yaml

from provision.plan import plan_of
from provision.spec.reader import load
from tests.documents import ROOT, Line
from tests.unit.test_commands_in_docs import parsed

INVENTORIES = sorted((ROOT / "inventories").glob("*.yaml"))
CI = sorted((ROOT / "examples" / "ci").glob("*.yml"))


def test_there_are_specs_of_each_kind() -> None:
    specs = [load(path).spec for path in INVENTORIES]
    assert {spec.cloud.kind for spec in specs} == {"local", "gce"}
    groups = [group for spec in specs for group in spec.groups.values()]
    assert any(group.spot for group in groups) and any(group.user_data for group in groups)
    assert any(len(spec.groups) == 2 for spec in specs)


@pytest.mark.parametrize("path", INVENTORIES, ids=lambda path: path.stem)
def test_a_spec_is_valid_and_planned(path: Path) -> None:
    from provision.cluster import status

    loaded = load(path)
    plan = plan_of(loaded.spec)
    assert len(plan.workers) == sum(group.nodes for group in loaded.spec.groups.values())
    assert status.faults(plan) == []


def commands(node: object) -> list[tuple[str, bool]]:
    """Every command line of ours, and whether it always runs."""
    found: list[tuple[str, bool]] = []
    if isinstance(node, dict):
        always = node.get("if") == "always()"
        for key, value in node.items():
            if key == "run" and isinstance(value, str):
                found += [(line, always) for line in value.splitlines()]
            elif key in ("script", "before_script", "after_script"):
                found += [(line, key == "after_script") for line in value]
            else:
                found += commands(value)
    if isinstance(node, list):
        found += [each for value in node for each in commands(value)]
    return [(line, always) for line, always in found if line.startswith("provision ")]


@pytest.mark.parametrize("path", CI, ids=lambda path: path.stem)
def test_a_ci_example_takes_its_cluster_down_whatever_happens(path: Path) -> None:
    every = commands(yaml.safe_load(path.read_text(encoding="utf-8")))
    words = [Line(path.name, 0, line.replace("$NAME", "ci-1"), "", "").words() for line, _ in every]
    for each in words:
        parsed(each[1:])
    names = [each[1] for each in words]
    assert names[0] == "up" and "--ttl" in words[0] and "--yes" in words[0]
    (down,) = [(line, always) for line, always in every if line.startswith("provision down")]
    assert down[1] and "--yes" in down[0] and '"$NAME"' in down[0]


def test_both_ci_services_are_there_and_a_wrong_line_is_found() -> None:
    assert {path.stem for path in CI} == {"github", "gitlab"}
    with pytest.raises(click.ClickException):
        parsed(["down", "x", "--always"])


def test_the_hooks_are_local_and_call_targets_that_exist() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for hook in hooks["repos"][0]["hooks"]:
        assert f"\n{hook['entry'].removeprefix('make ')}: " in makefile
