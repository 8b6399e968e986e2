"""Every error type that the models can raise has our own sentence."""

from collections.abc import Iterator
from typing import Any

from provision.spec.clouds import CLOUD_KINDS
from provision.spec.models import Spec
from provision.spec.sentences import SENTENCES, allowed_words
from provision.suggest import nearest

RAISES: dict[str, set[str]] = {
    "model": {"model_type"},
    "model-fields": {"missing", "extra_forbidden"},
    "dict": {"dict_type"},
    "list": {"list_type"},
    "tuple": {"tuple_type"},
    "literal": {"literal_error"},
    "tagged-union": {"union_tag_invalid", "union_tag_not_found"},
    "int": {"int_type", "int_from_float", "int_parsing", "int_parsing_size"},
    "float": {"float_type", "float_parsing"},
    "str": {"string_type", "string_unicode"},
    "bool": {"bool_type", "bool_parsing"},
    "function-before": {"value_error"},
    "function-after": {"value_error"},
    "function-plain": {"value_error"},
    "default": set(),
    "nullable": set(),
    "definitions": set(),
    "definition-ref": set(),
    "model-field": set(),
}
"""Core schema types and the errors they raise (pydantic_core's list of error types)."""
LIMITS = {
    "gt": {"greater_than"},
    "ge": {"greater_than_equal"},
    "lt": {"less_than"},
    "le": {"less_than_equal"},
    "max_length": {"string_too_long", "too_long"},
    "min_length": {"string_too_short", "too_short"},
    "pattern": {"string_pattern_mismatch"},
    "multiple_of": {"multiple_of"},
}


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part of a core schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str) and schema["type"] not in ("no-info", "with-info"):
            yield schema
        for key, below in schema.items():
            if key not in ("metadata", "serialization", "expected", "default"):
                yield from parts(below)
    elif isinstance(schema, list | tuple):
        for below in schema:
            yield from parts(below)


def test_every_error_type_has_a_sentence() -> None:
    raised: set[str] = set()
    for schema in parts(Spec.__pydantic_core_schema__):
        kind = schema["type"]
        assert kind in RAISES, f"say in RAISES which errors the schema type {kind!r} raises"
        raised |= RAISES[kind]
        for limit, errors in LIMITS.items():
            if limit in schema:
                # A dict has lengths too, and its errors have no 'string_' before their names.
                raised |= {
                    e for e in errors if e.startswith("string_") == (kind == "str")
                } or errors
    assert raised >= {"missing", "int_type", "value_error"}
    assert raised - set(SENTENCES) == set()


def test_nearest_spelling_ignores_case() -> None:
    assert nearest("LCOAL", ["local", "gce"]) == "local"
    assert nearest("zzz", ["local", "gce"]) == ""


def test_allowed_words_come_from_the_models() -> None:
    assert allowed_words(["cloud", "kind"]) == sorted(CLOUD_KINDS)
    assert allowed_words(["scheduler"]) == ["slurm"]
