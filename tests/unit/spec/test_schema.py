"""``provision schema`` accepts whatever the reader accepts, and refuses what is wrong."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from provision.cli import init
from provision.cli.main import main
from provision.errors import SpecError
from provision.spec.document import read
from provision.spec.reader import parse
from provision.spec.schema import schema
from tests.documents import ROOT

Capture = pytest.CaptureFixture[str]
FILES = sorted((ROOT / "inventories").glob("*.yaml")) + sorted((ROOT / "examples").glob("*.yaml"))
PAGES = [
    (page.name, text)
    for page in sorted((ROOT / "docs").glob("*.md"))
    for text in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    if "\ngroups:" in f"\n{text}"
]
GROUPS = "groups: {worker: {nodes: 2}}\n"


def validator() -> Any:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def wrong(text: str) -> list[str]:
    return [error.message for error in validator().iter_errors(read("a", text).data)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_schema_accepts_every_spec_that_people_start_from(path: Path) -> None:
    assert wrong(path.read_text(encoding="utf-8")) == []


def test_the_schema_accepts_the_specs_of_the_pages() -> None:
    assert len(PAGES) >= 2
    assert [wrong(text) for _, text in PAGES] == [[]] * len(PAGES)


@pytest.mark.parametrize(
    ("cloud", "machines"),
    [("local", "container"), ("local", "light"), ("gce", "n2-standard-2")],
)
def test_the_schema_accepts_what_init_writes_and_init_names_it(
    cloud: str, machines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "a.yaml", "--yes", "--cloud", cloud, "--machines", machines]) == 0
    text = Path("a.yaml").read_text()
    assert wrong(text) == wrong(re.sub(r"\n#( *\w+:)", r"\n\1", text)) == []
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={init.SCHEMA}"
    assert f"provision schema > {init.SCHEMA}" in capsys.readouterr().err
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


@pytest.mark.parametrize(
    "text",
    [
        GROUPS + "cloud: gce",
        GROUPS + "cloud: {}",
        GROUPS + "cloud: {machines: light, ssh_port: 22}",
        GROUPS
        + "cloud: {kind: gce, labels: {team: a}, ssh_from: anywhere, zones: [us-central1-a]}",
        GROUPS + "cloud: {kind: gce, ssh_from: 203.0.113.7, endpoint: 'http://127.0.0.1:8080'}",
        GROUPS + "cloud: {subnet: 10.99.0.0/20}\nttl: 4h\nready: {deadline: 90, quorum: 0.5}",
        GROUPS + "ttl: null\nready: {quorum: 1}",
    ],
)
def test_what_the_reader_takes_the_schema_takes(text: str) -> None:
    assert parse(text, "a").spec and wrong(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "groups: {}",
        "groups: {worker: {}}",
        "groups: {worker: {nodes: 0}}",
        "groups: {worker: {nodes: ten}}",
        "groups: {worker: {nodes: true}}",
        "groups: {worker: {nodes: 1.5}}",
        "groups: {Worker: {nodes: 1}}",
        "groups: {worker-of-a-name-too-long: {nodes: 1}}",
        "groups: [worker]",
        GROUPS + "name: Demo_",
        GROUPS + "cloud: lcoal",
        GROUPS + "cloud: {kind: lcoal}",
        GROUPS + "cloud: {region: us-central1}",
        GROUPS + "cloud: {kind: gce, region: here}",
        GROUPS + "cloud: {kind: gce, labels: {Team: a}}",
        GROUPS + "cloud: {subnet: everything}",
        GROUPS + "cloud: {ssh_port: 0}",
        GROUPS + "clouds: local",
        GROUPS + "ttl: soon",
        GROUPS + "ttl: 0",
        GROUPS + "ready: {quorum: 2}",
        GROUPS + "ready: {deadline: -5m}",
        GROUPS + "ready: {user_data: maybe}",
        GROUPS + "scheduler: slrum",
        "[]",
        "null",
    ],
)
def test_what_is_wrong_both_refuse(text: str) -> None:
    with pytest.raises(SpecError):
        parse(text, "a")
    assert wrong(text)
