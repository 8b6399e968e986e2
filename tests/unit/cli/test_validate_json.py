"""``validate --output json``: every finding as data a tool can go to."""

import json
from pathlib import Path
from typing import Any

import pytest

from provision.cli.main import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found(capsys: Capture, *words: str) -> list[dict[str, Any]]:
    assert main(["validate", "-o", "json", *words]) == 2
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["ok"] is False and err == ""
    return list(answer["findings"])


def test_a_finding_has_its_file_line_path_sentence_and_severity(capsys: Capture) -> None:
    Path("a.yaml").write_text("name: a\ngroups:\n  worker:\n    nodes: 0\ncluod: local\n")
    first, second = found(capsys, "a.yaml")
    assert first == {
        "severity": "error",
        "file": "a.yaml",
        "line": 4,
        "path": "groups.worker.nodes",
        "where": "a.yaml:4: groups.worker.nodes",
        "problem": "must be at least 1, not 0",
        "fix": "give a number from 1 to 65000",
        "sentence": "a.yaml:4: groups.worker.nodes: must be at least 1, not 0; "
        "give a number from 1 to 65000",
    }
    assert (second["line"], second["path"]) == (5, "")
    assert "did you mean 'cloud'?" in second["fix"]


@pytest.mark.parametrize(
    ("text", "words", "file", "line", "path"),
    [
        ("name: a\ngroups: {default: {nodes: 1}}\n", [], "a.yaml", 2, "groups.default"),
        ("name: [a\n", [], "a.yaml", 2, ""),
        ("", [], "a.yaml", None, ""),
        ("groups: {worker: {nodes: 1}}\n", ["--nodes", "0"], None, None, ""),
        ("groups: {a: {nodes: 1, user_data: '#cloud-config\\n[]'}}", [], "a.yaml", 1, "groups.a.user_data"),
    ],
)  # fmt: skip
def test_every_kind_of_finding_is_data(
    text: str, words: list[str], file: str | None, line: int | None, path: str, capsys: Capture
) -> None:
    Path("a.yaml").write_text(text)
    one = found(capsys, "a.yaml", *words)[0]
    assert (one["file"], one["line"], one["path"]) == (file, line, path)


def test_no_finding_is_an_empty_list(capsys: Capture) -> None:
    assert main(["validate", "-o", "json", "--nodes", "3"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
    assert main(["validate", "-o", "json", "none.yaml"]) == 2
    assert json.loads(capsys.readouterr().out)["findings"][0]["problem"] == "there is no such file"
