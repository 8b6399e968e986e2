"""Reading specs: each case in tests/cases/spec is a bad spec and the findings it must give."""

import io
import math
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.errors import SpecError
from provision.files import SIZE_MAX
from provision.plan import plan_of
from provision.spec.document import read
from provision.spec.flags import Overrides
from provision.spec.models import Spec
from provision.spec.reader import Loaded, load, parse

CASES = Path(__file__).parents[2] / "cases" / "spec"
GROUPS = "groups: {worker: {nodes: 2}}\n"


def findings(text: str, flags: dict[str, Any]) -> list[str]:
    """What is said of the text, up to and with the plan."""
    given: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in flags.items()
    }
    try:
        loaded = parse(text, "demo.yaml", Overrides(**given))
    except SpecError as error:
        return [str(finding) for finding in error.findings]
    with pytest.raises(SpecError) as caught:
        plan_of(loaded.spec)
    return [str(finding) for finding in loaded.placed(caught.value).findings]


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_bad_specs_give_their_findings(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = findings(case["spec"], case.get("flags", {}))
    assert found == case["findings"]
    for sentence in found:
        assert not re.search(
            r"[Ii]nput should|pydantic|Value error|valid dictionary|Traceback", sentence
        )


def test_a_whole_spec_is_read() -> None:
    text = (
        "name: demo\ncloud: local\nscheduler: slurm\ngroups: {worker: {nodes: 8}}\n"
        "ready: {quorum: 1, deadline: 5m}\nttl: 4h\n"
    )
    spec = parse(text, "demo.yaml").spec
    assert (spec.name, spec.cloud.kind, spec.groups["worker"].nodes) == ("demo", "local", 8)
    assert (spec.ready.quorum, spec.ready.deadline, spec.ttl) == (1.0, 300, 14400)


def test_the_short_and_the_long_cloud_are_equal() -> None:
    short, long = (parse(f"cloud: {c}\n{GROUPS}", "a") for c in ("local", "{kind: local}"))
    assert short.spec == long.spec


def test_anchors_and_merges_are_read() -> None:
    text = "groups:\n  a: &a {nodes: 3, user_data: '#!/bin/sh'}\n  b: {<<: *a, nodes: 4}\n  c: *a\n"
    groups = parse(text, "a.yaml").spec.groups
    assert [(g.nodes, g.user_data) for g in groups.values()] == [
        (3, "#!/bin/sh"),
        (4, "#!/bin/sh"),
        (3, "#!/bin/sh"),
    ]


def test_a_bomb_of_aliases_costs_no_more_than_its_text() -> None:
    lines = ["a0: &a0 [x]"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)
    ]
    with pytest.raises(SpecError) as caught:
        parse("\n".join([*lines, GROUPS]), "bomb.yaml")
    assert str(caught.value.findings[-1]).startswith("bomb.yaml: has more findings")


def test_without_a_file_there_are_two_workers_here() -> None:
    loaded = load(None)
    assert (loaded.source, loaded.spec) == (
        "",
        Spec.model_validate({"name": "cluster", "groups": {"worker": {"nodes": 2}}}),
    )


@pytest.mark.parametrize(
    ("text", "nodes", "expected"),
    [
        (None, ("8",), {"worker": 8}),
        (None, ("worker=3",), {"worker": 3}),
        ("name: demo\n", ("3",), {"worker": 3}),
        ("groups: {gpu: {nodes: 1}}\n", ("3",), {"gpu": 3}),
        ("groups: {gpu: }\n", ("3",), {"gpu": 3}),
        ("groups: {a: {nodes: 1}, b: {nodes: 2}}\n", ("b=5",), {"a": 1, "b": 5}),
        ("groups: {a: {nodes: 1}, b: {nodes: 2}}\n", ("b=5", "a=4"), {"a": 4, "b": 5}),
    ],
)
def test_nodes_from_flags(
    text: str | None, nodes: tuple[str, ...], expected: dict[str, int]
) -> None:
    flags = Overrides(nodes=nodes)
    loaded = load(None, flags) if text is None else parse(text, "a.yaml", flags)
    assert {name: group.nodes for name, group in loaded.spec.groups.items()} == expected


def test_flags_override_and_keep_the_rest() -> None:
    text = f"name: a\ncloud: {{kind: local, subnet: 10.1.0.0/20}}\nready: {{quorum: 1}}\n{GROUPS}"
    flags = Overrides(name="b", cloud="local", deadline="90s", quorum="0.5", ttl="2d")
    spec = parse(text, "a.yaml", flags).spec
    assert (spec.name, spec.cloud.subnet, spec.ttl) == ("b", "10.1.0.0/20", 172800)
    assert (spec.ready.quorum, spec.ready.deadline) == (0.5, 90)


def test_a_flag_mends_a_bad_value() -> None:
    assert parse("groups: {worker: {nodes: ten}}\n", "a", Overrides(nodes=("3",))).spec


def test_the_source_is_the_resolved_path(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    path.write_text(GROUPS, encoding="utf-8-sig")
    loaded = load(tmp_path / "." / "demo.yaml")
    assert isinstance(loaded, Loaded)
    assert loaded.source == str(path.resolve())


def refused(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load(path)
    return str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "demo.yaml").write_text(GROUPS, encoding="utf-8")
    (tmp_path / "bytes.yaml").write_bytes(b"name: demo\n\xff\n")
    (tmp_path / "large.yaml").write_text("#" * (SIZE_MAX + 1), encoding="utf-8")
    (tmp_path / "none.yaml").write_text("", encoding="utf-8")
    assert refused(tmp_path / "dmeo.yaml") == (
        f"{tmp_path}/dmeo.yaml: there is no such file; did you mean '{tmp_path}/demo.yaml'?"
    )
    assert "there is no folder" in refused(tmp_path / "away" / "demo.yaml")
    assert refused(tmp_path).startswith(f"{tmp_path}: is a directory; name a file in it")
    assert f"{tmp_path}/bytes.yaml:2: is not UTF-8 text" in refused(tmp_path / "bytes.yaml")
    assert "is larger than 1 MiB" in refused(tmp_path / "large.yaml")
    assert "is empty" in refused(tmp_path / "none.yaml")
    assert "the name is not valid" in refused(Path("a\0b"))


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.yaml").touch()
    monkeypatch.setattr(os, "open", denied)
    assert "cannot be read (Permission denied)" in refused(tmp_path / "a.yaml")


@pytest.mark.timeout(20)
def test_what_never_ends_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    asked = "name a file of text, or '-' for standard input"
    assert refused(tmp_path / "pipe") == f"{tmp_path}/pipe: is a pipe, not a file; {asked}"
    for device in ("/dev/zero", "/dev/random", "/dev/tty"):
        assert refused(Path(device)) == f"{device}: is a device, not a file; {asked}"


def test_a_spec_comes_by_standard_input_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def given(raw: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    given(GROUPS.encode())
    loaded = load(Path("-"))
    assert (loaded.source, loaded.spec.groups["worker"].nodes) == ("-", 2)
    given(b"#" * (SIZE_MAX + 1))
    assert refused(Path("-")).startswith("-: is larger than 1 MiB")
    monkeypatch.setattr(sys, "stdin", None)
    assert refused(Path("-")).startswith("-: cannot be read (standard input is closed)")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1:30", "1:30"), ("yes", "yes"), ("Off", "Off"), ("n", "n"), ("2026-01-01", "2026-01-01"),
        ("010", 10), ("0o10", 8), ("0x1F", 31), ("+5", 5), ("1_000", "1_000"), ("0b11", "0b11"),
        ("1e3", 1000.0), (".5", 0.5), ("-.inf", -math.inf), ("190:20:30.15", "190:20:30.15"),
        ("~", None), ("", None), ("Null", None), ("TRUE", True), ("'true'", "true"), ("=", "="),
    ],
)  # fmt: skip
def test_plain_words_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    document = read("a.yaml", f"key: {text}\n")
    assert (document.data, document.findings) == ({"key": value}, [])
    assert type(document.data["key"]) is type(value)


def test_what_is_no_key_is_not_shown() -> None:
    said = "\n".join(findings("dXNlcjpw/YXNzd29yZA==: x\n" + GROUPS, {}))
    assert "…: is no key of a spec" in said
    assert "dXNl" not in said
