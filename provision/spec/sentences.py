"""What pydantic finds wrong with a spec, in our own words: a table from error type to sentence."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from provision.spec.document import short
from provision.spec.models import Spec
from provision.suggest import did_you_mean

Schema = dict[str, Any]
Path = tuple[str, ...]

EXAMPLES = {
    "groups": "groups: {worker: {nodes: 8}}",
    "nodes": "nodes: 8",
    "cloud": "cloud: local",
    "kind": "kind: local",
    "ready": "ready: {deadline: 5m}",
    "deadline": "5m",
    "replace_after": "3m",
    "ttl": "4h",
    "subnet": "10.99.0.0/20",
    "zones": "zones: [us-central1-a, us-central1-b]",
    "machine_types": "machine_types: [n2-standard-2, n2d-standard-2]",
    "labels": "labels: {team: simulation}",
    "region": "us-central1",
    "endpoint": "http://127.0.0.1:8080",
    "project": "my-project-1234",
    "image": "family/my-family",
    "ssh_from": "203.0.113.7/32",
    "machines": "e2-standard-2",
    "controller_type": "e2-standard-4",
    "disk_type": "pd-balanced",
}
"""What a fix shows for a key; a key that is not here gets a general sentence."""


@dataclass(frozen=True, slots=True)
class Case:
    """One error: where, what stands there, the schema of that place, pydantic's context."""

    path: Path
    value: Any
    schema: Schema
    parent: Schema
    context: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The last key of the path."""
        return self.path[-1] if self.path else ""


Said = tuple[str, str]
"""A problem and its fix."""


def say(error_type: str, case: Case) -> Said:
    """Problem and fix for an error of that pydantic type."""
    return SENTENCES.get(error_type, _general)(case)


def case_of(error: Mapping[str, Any], data: Any) -> Case:
    """Locate a pydantic error in the data the user wrote.

    Pydantic's ``loc`` has more than the user's keys: ``[key]`` for a key that is wrong itself, the
    tag of a tagged union, and ``cloud.kind`` where only ``cloud: local`` was written.
    """
    schema, parent = _schema(), {}
    value, path = data, list[str]()
    for part in [part for part in error["loc"] if part != "[key]"]:
        if "oneOf" in schema:
            schema = _branch(schema, str(part))
            continue
        if not isinstance(value, dict) and error["type"] != "missing":
            schema = _below(schema, str(part))
            break
        parent, schema = schema, _below(schema, str(part))
        path.append(str(part))
        value = value.get(part) if isinstance(value, dict) else None
    if "[key]" in error["loc"]:
        value = path[-1]
    if error["type"] == "union_tag_invalid" and isinstance(value, dict):
        tag = schema["discriminator"]["propertyName"]
        path.append(tag)
        value = value.get(tag)
    return Case(tuple(path), value, schema, parent, error.get("ctx", {}))


@cache
def _schema() -> Schema:
    return Spec.model_json_schema()


def _resolved(schema: Schema) -> Schema:
    if "$ref" in schema:
        schema = _schema()["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    several = [s for s in schema.get("anyOf", []) if s.get("type") != "null"]
    return _resolved(several[0]) if several else schema


def _below(schema: Schema, key: str) -> Schema:
    """The schema of a key of a mapping; empty where it has no such key."""
    if key == schema.get("discriminator", {}).get("propertyName"):
        return {"enum": _allowed(schema)}
    if "oneOf" in schema:
        found = [_below(_resolved(branch), key) for branch in schema["oneOf"]]
        return next((each for each in found if _allowed(each)), next(filter(None, found), {}))
    others: Any = schema.get("additionalProperties") or next(
        iter(schema.get("patternProperties", {}).values()), {}
    )
    one = schema.get("properties", {}).get(key, others)
    return _resolved(one) if isinstance(one, dict) else {}


def _branch(schema: Schema, tag: str) -> Schema:
    ref = schema.get("discriminator", {}).get("mapping", {}).get(tag)
    return _resolved({"$ref": ref}) if ref else {}


def _allowed(schema: Schema) -> list[str]:
    if "const" in schema:
        return [str(schema["const"])]
    if "oneOf" in schema:
        return [str(tag) for tag in schema.get("discriminator", {}).get("mapping", {})]
    return [str(value) for value in schema.get("enum", [])]


@cache
def _homes() -> dict[str, str]:
    """Every key below the top level, with the place where it belongs."""
    homes: dict[str, str] = {}

    def walk(schema: Schema, place: str) -> None:
        for branch in schema.get("oneOf", []):
            walk(_resolved(branch), place)
        for key, below in schema.get("properties", {}).items():
            homes.setdefault(key, f"{place}{key}")
            walk(_resolved(below), f"{place}{key}.")
        if isinstance(schema.get("additionalProperties"), dict):
            walk(_resolved(schema["additionalProperties"]), f"{place}<name>.")

    walk(_schema(), "")
    return homes


def allowed_words(problem_path: Sequence[str]) -> list[str]:
    """The literals allowed at a path, for completion and prompts."""
    schema = _schema()
    for part in problem_path:
        schema = _below(schema, part)
    return _allowed(schema)


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"give a number from {low} to {high}"
    if schema.get("exclusiveMinimum") is not None and high is not None:
        return f"give a number above {schema['exclusiveMinimum']} and up to {high}"
    return "give another number"


def _example(case: Case) -> str:
    example = EXAMPLES.get(case.key)
    return f"write for example {example}" if example else "change it"


def _missing(case: Case) -> Said:
    example = EXAMPLES.get(case.key, f"{case.key}: …")
    return "is missing", f"add it, for example {example}"


def _unknown_key(case: Case) -> Said:
    known = list(case.parent.get("properties", {}))
    home, near = _homes().get(case.key, ""), did_you_mean(case.key, known)
    allowed = f"allowed here: {', '.join(known)}"
    if home:
        return "is no key of this place", f"it belongs at {home} ({allowed})"
    if near:
        return "is no key of a spec", f"{near} ({allowed})"
    return "is no key of a spec", f"remove it ({allowed})"


def _literal(case: Case) -> Said:
    allowed = _allowed(case.schema) or re.findall(r"'([^']*)'", str(case.context.get("expected")))
    allowed = allowed or re.findall(r"'([^']*)'", str(case.context.get("expected_tags")))
    problem = f"must be {' or '.join(allowed)}, not {short(case.value)}"
    word = case.value if isinstance(case.value, str) else ""
    return problem, did_you_mean(word, allowed, f"write {' or '.join(allowed)}")


def _no_tag(case: Case) -> Said:
    return "has no kind", f"add kind: {' or '.join(_allowed(case.schema))}"


def _whole(case: Case) -> Said:
    return f"must be a whole number, not {short(case.value)}", _range(case.schema)


def _number(case: Case) -> Said:
    return f"must be a number, not {short(case.value)}", _range(case.schema)


def _bound(word: str, key: str) -> Callable[[Case], Said]:
    def said(case: Case) -> Said:
        limit = short(case.context.get(key))
        return f"must be {word} {limit}, not {short(case.value)}", _range(case.schema)

    return said


def _yes_or_no(case: Case) -> Said:
    return f"must be true or false, not {short(case.value)}", "write true or false"


def _list(case: Case) -> Said:
    return f"must be a list, not {short(case.value)}", _example(case)


def _text(case: Case) -> Said:
    plain = not isinstance(case.value, dict | list | None)
    return f"must be text, not {short(case.value)}", "put it in quotes" if plain else "write text"


def _long(case: Case) -> Said:
    most, has = case.context.get("max_length"), len(str(case.value))
    return f"must have at most {most} characters, and {short(case.value)} has {has}", "shorten it"


def _mapping(case: Case) -> Said:
    if not case.path:
        return "a spec must be a mapping of keys", f"write for example {EXAMPLES['groups']}"
    example = EXAMPLES.get(case.key, f"{case.key}: {{nodes: 8}}")
    return f"must be a mapping, not {short(case.value)}", f"write for example {example}"


def _empty(case: Case) -> Said:
    return "must not be empty", _example(case)


def _own(case: Case) -> Said:
    """An error that a validator of ours raised: it has the words already."""
    text = str(case.context.get("error"))
    problem = f"{short(case.value)} is not {text.removeprefix('must be ')}"
    if "DNS label" not in problem:
        return problem, _example(case)
    slug = re.sub(r"[^a-z0-9]+", "-", str(case.value).lower()).lstrip("-0123456789").rstrip("-")
    return problem, f"write for example {slug or 'demo'}"


def _general(case: Case) -> Said:
    return f"cannot be {short(case.value)}", _example(case)


SENTENCES: dict[str, Callable[[Case], Said]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "literal_error": _literal,
    "enum": _literal,
    "union_tag_invalid": _literal,
    "union_tag_not_found": _no_tag,
    "int_type": _whole,
    "int_from_float": _whole,
    "int_parsing": _whole,
    "int_parsing_size": _whole,
    "float_type": _number,
    "float_parsing": _number,
    "finite_number": _number,
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "string_type": _text,
    "string_unicode": _text,
    "string_too_long": _long,
    "bool_type": _yes_or_no,
    "bool_parsing": _yes_or_no,
    "tuple_type": _list,
    "dict_type": _mapping,
    "model_type": _mapping,
    "model_attributes_type": _mapping,
    "too_long": _long,
    "too_short": _empty,
    "value_error": _own,
}
"""Every error type that the models can raise (a test walks them and compares)."""
