"""The public Python API: what it holds, what its page says, and that its example runs."""

import re
from pathlib import Path
from typing import Any

import pytest

from provision import api, errors
from provision.events import Noted
from provision.recipes.standing import Standing

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.partition("```python\n")[2].partition("```")[0]


def outcome(spec: api.Spec) -> api.Outcome:
    nodes = spec.groups["worker"].nodes
    return api.Outcome(spec.name, Standing(nodes, nodes), nodes, (), None, 1.0)


def test_the_page_names_everything_that_is_public() -> None:
    named = set(re.findall(r"[A-Za-z_]+", PAGE))
    assert set(api.__all__) - named - {"Agree", "Purchase", "Status", "Summary"} == set()
    assert all(hasattr(api, name) for name in api.__all__)


@pytest.mark.parametrize("refused", [False, True])
def test_the_pages_example_runs(
    refused: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it stands, over recipes that stand still; no test has it over real nodes yet."""
    asked: list[Any] = []

    def up(spec: api.Spec, emit: api.Emit, command: str, **more: Any) -> api.Outcome:
        asked.append(("up", spec.name, spec.cloud.kind))
        emit(Noted(text="working"))
        if refused:
            raise errors.RefusedError([errors.Finding("host", "too small", "take another")])
        return outcome(spec)

    def run(name: str, command: str, *more: Any) -> list[api.HostResult]:
        return [api.HostResult(f"{name}-worker-0001", 0, f"{command}!\n")]

    monkeypatch.setattr("provision.recipes.up.up", up)
    monkeypatch.setattr(
        "provision.recipes.down.down", lambda name, *more, **words: asked.append(name)
    )
    monkeypatch.setattr("provision.cluster.nodes.run", run)
    exec(compile(EXAMPLE, "docs/api.md", "exec"), {})
    assert asked == [("up", "nightly", "local"), "nightly"]
    said = capsys.readouterr().out
    assert "working" in said
    assert ("host: too small" in said) == refused
    assert ("3 of 3 nodes joined" in said and "worker-0001 0 hostname!" in said) == (not refused)


def test_the_errors_are_one_tree_with_the_command_lines_exit_codes() -> None:
    names = [
        name
        for name in api.__all__
        if name.endswith(("Error", "Failure")) or name == "InterruptedRun"
    ]
    assert "NotReadyError" in names
    for name in names:
        assert issubclass(getattr(api, name), api.ProvisionError)
    assert (api.SpecError.exit_code, api.RefusedError.exit_code) == (2, 4)


def test_a_spec_is_read_from_a_file_under_another_name(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("groups: {worker: {nodes: 4}}\n", encoding="utf-8")
    spec = api.read_spec(file, name="other")
    assert (spec.name, spec.groups["worker"].nodes) == ("other", 4)
    file.write_text("groups: {worker: {nodes: 0}}\n", encoding="utf-8")
    with pytest.raises(api.SpecError):
        api.read_spec(file)
