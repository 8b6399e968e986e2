"""Pages that repeat what the code says must say the same."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision import errors, events
from provision.cli.commands import COMMANDS
from provision.spec.clouds import CLOUD_KINDS
from provision.spec.flags import FLAGS
from provision.spec.models import Spec
from provision.spec.reader import parse
from tests.journeys import test_pages as journey

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GIVEN_BY_CODE = {
    "cloud": "local",
    "cloud.subnet": "from the cluster's name",
    "cloud.ssh_port": "none",
    "cloud.project": "from the environment or gcloud",
    "cloud.region": "from the environment or gcloud",
    "cloud.zones": "the region's",
    "cloud.image": "Ubuntu 24.04 LTS",
    "cloud.ssh_from": "the caller's address",
    "cloud.endpoint": "Google's own",
    "cloud.labels": "none",
    "groups.<name>.machine_types": "the cloud's",
    "groups.<name>.disk_gb": "the cloud's",
    "groups.<name>.disk_type": "the cloud's",
    "groups.<name>.user_data": "empty",
    "controller": "",
    "slurm": "",
    "slurm.conf": "empty",
    "controller.user_data": "empty",
    "ready": "",
    "ready.quorum": "1.0 up to 50 nodes, 0.98 above",
    "ready.deadline": "10m",
    "ready.replace_after": "3m",
    "ttl": "none",
}
"""Defaults that the models spell in another way, or leave to the plan."""


def rows(page: str, section: str = "") -> dict[str, list[str]]:
    """The tables of a page or section of it: first cell to the others, without backquotes."""
    text = (DOCS / page).read_text(encoding="utf-8")
    if section:
        text = text.partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = [re.split(r"\s*\|\s*", line)[1:-1] for line in text.splitlines() if line[:1] == "|"]
    return {line[0].strip("`"): [cell.strip("`") for cell in line[1:]] for line in lines}


def keys(
    schema: dict[str, Any], defs: dict[str, Any], place: str = ""
) -> Iterator[tuple[str, Any]]:
    """Every key of the spec's schema with its own schema."""
    schema = defs[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    for key, below in schema.get("properties", {}).items():
        required = key in schema.get("required", [])
        yield f"{place}{key}", {**below, "required": required}
        yield from keys(below, defs, f"{place}{key}.")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from keys(schema["additionalProperties"], defs, f"{place}<name>.")


def sections() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each table of keys, by its section, and the keys that the models have there."""
    schema = Spec.model_json_schema()
    yield "Keys", dict(keys(schema, schema["$defs"]))
    for kind, model in CLOUD_KINDS.items():
        own = model.model_json_schema()
        yield f"Keys of `cloud: {{kind: {kind}}}`", dict(keys(own, {}, "cloud."))


@pytest.mark.parametrize(("section", "known"), list(sections()), ids=["all", *CLOUD_KINDS])
def test_the_spec_page_has_every_key_with_its_default(section: str, known: dict[str, Any]) -> None:
    page = rows("spec.md", section)
    assert set(known) == set(page) - {"key", "---"} - (
        {"cloud.kind"} if section == "Keys" else set()
    )
    for key, of in known.items():
        expected = GIVEN_BY_CODE.get(key, str(of.get("default", "must be given")))
        assert page[key][1] == ("must be given" if of["required"] else expected), key
        for literal in [of["const"]] if "const" in of else of.get("enum", []):
            assert f"{literal}" in page[key][0]
        for limit in ("minimum", "maximum"):
            for one in [of, *of.get("anyOf", [])]:
                assert str(one.get(limit, "")) in page[key][0], key


def test_the_spec_page_has_every_flag() -> None:
    page = rows("spec.md")
    for flag, path in FLAGS.values():
        assert flag in page[".".join(path)][2]


def test_the_defaults_on_the_spec_page_are_the_models() -> None:
    dumped = parse("groups: {worker: {nodes: 1}}", "a").spec.model_dump(mode="json")
    assert dumped["ready"] == {
        "quorum": None,
        "deadline": "10m",
        "replace_after": "3m",
        "user_data": "reported",
    }
    assert (dumped["cloud"]["subnet"], dumped["cloud"]["ssh_port"], dumped["ttl"]) == (None,) * 3


def test_examples_of_the_spec_page_are_sound() -> None:
    text = (DOCS / "spec.md").read_text(encoding="utf-8")
    for example in re.findall(r"```yaml\n(.*?)```", text, re.S):
        assert parse(example, "docs/spec.md").spec.name == yaml.safe_load(example)["name"]


def test_the_command_page_has_every_command_and_exit_code() -> None:
    page = rows("cli.md")
    for command in COMMANDS:
        assert page[command.name] == [command.text, f"provision {command.example}"]
    codes = {str(v) for name, v in vars(errors).items() if name.startswith("EXIT_")}
    assert codes == {key for key in page if key.isdigit()}


def test_what_contributing_names_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./-]+/[\w./-]*)`", text))
    assert len(named) > 20
    rooms = (ROOT, ROOT / "provision", ROOT / "provision/clouds/gce")
    stands_for = ("NAME", "gce", "slurm", "list_")
    absent = {
        path
        for path in named
        if not any(
            (room / path.replace("NAME", one)).exists() for room in rooms for one in stands_for
        )
    }
    assert not absent
    assert all(
        f"How to add {what}" in text for what in ("a cloud", "a scheduler", "a command", "a dial")
    )


@pytest.mark.parametrize("kind", events.Event.__subclasses__(), ids=lambda kind: str(kind.__name__))
def test_the_events_page_has_every_event(kind: type[events.Event]) -> None:
    fields = [f"`{field.name}`" for field in dataclasses.fields(kind) if field.name != "at"]
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    assert f"| `{kind.__name__}` | {', '.join(fields)} |" in text


def test_every_command_of_every_page_is_played_or_says_why_not() -> None:
    journey.every_command_is_played()
