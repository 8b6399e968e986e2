"""Plain values go over the wire and come back the same."""

from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct, Value
from hypothesis import given, settings
from hypothesis import strategies as some
from pulumi.runtime import rpc

from provision.provider import values
from provision.provider.values import UNKNOWN, decode, decode_map, encode, encode_map

leaves = some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.text()
texts = some.text(max_size=3).filter(lambda key: key != values.SIGNATURE)
trees = some.recursive(
    leaves, lambda inner: some.lists(inner) | some.dictionaries(texts, inner), max_leaves=5
)


def without_nulls(value: Any) -> Any:
    """As maps come back: a null in a map is the same as nothing."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@given(trees)
@settings(max_examples=60)
def test_a_value_comes_back(value: Any) -> None:
    assert decode(encode(value)) == without_nulls(value)


@given(trees)
@settings(max_examples=60)
def test_a_secret_comes_back_and_is_known_as_one(value: Any) -> None:
    struct = encode_map({"key": value, "open": 1}, secret={"key"})
    assert decode_map(struct).get("key") == without_nulls(value)
    assert values.secret_keys(struct) == {"key"}


@pytest.mark.parametrize(
    ("number", "back"), [(1, 1), (1.0, 1), (1.5, 1.5), (-3, -3), (1e300, 1e300)]
)
def test_whole_numbers_are_int(number: float, back: float) -> None:
    found = decode(encode(number))
    assert found == back
    assert isinstance(found, int) == (float(number).is_integer())


def test_a_bool_stays_one() -> None:
    assert decode(encode(True)) is True


def test_a_secret_within_makes_the_whole_key_one() -> None:
    inner = Struct(fields={"a": encode("x"), "b": encode("y", secret=True)})
    deep = Value(struct_value=Struct(fields={"list": Value(struct_value=inner)}))
    assert values.secret_keys(Struct(fields={"key": deep, "other": encode(1)})) == {"key"}


def test_what_is_not_known_is_so_in_both_directions() -> None:
    struct = encode_map({"a": UNKNOWN, "b": [1, {"c": UNKNOWN}], "d": "known"})
    found = decode_map(struct)
    assert found["a"] is UNKNOWN
    assert values.known(found) == {"d": "known"}
    assert repr(UNKNOWN) == "UNKNOWN"


def test_sets_have_an_order() -> None:
    assert decode(encode({"b", "a"})) == ["a", "b"]


def test_the_marks_are_the_sdks() -> None:
    assert values.UNKNOWN_TEXT == rpc.UNKNOWN
    assert rpc._special_sig_key == values.SIGNATURE
    assert rpc._special_secret_sig == values.SECRET


def test_files_are_refused() -> None:
    asset = {values.SIGNATURE: encode(rpc._special_asset_sig), "path": encode("/etc/passwd")}
    with pytest.raises(TypeError, match="files"):
        decode(Value(struct_value=Struct(fields=asset)))


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="a bytes cannot be stored"):
        encode(b"x")
