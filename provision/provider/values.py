"""Plain values from and to the wire: protobuf's ``Struct`` with Pulumi's marks in it.

The marks are part of the provider protocol (pulumi/sdk/go/common/resource/plugin/rpc.go and
sdk/python/lib/pulumi/runtime/rpc.py). Whole numbers come as ``int``: the wire has only doubles.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.struct_pb2 import ListValue, Struct, Value

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands on the wire for a value that only exists once something has been created."""
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of a map that is no map; its value says what it is."""
SECRET = "1b47061264138c4ac30d75fd1eb44270"
"""The one such mark that is asked for here; :meth:`Servicer.Configure` declines the others."""


class _Unknown:
    """The type of :data:`UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""A value of a preview that is not known before something is created."""


def decode(value: Value) -> Any:
    """The plain value, secrets without their wrapping.

    Raises ``TypeError`` for files and archives, which no resource of ours takes.
    """
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
        case "list_value":
            return [decode(item) for item in value.list_value.values]
        case "struct_value":
            return _decode_struct(value.struct_value)
        case _:
            return None


def _decode_struct(struct: Struct) -> Any:
    mark = _mark(struct)
    if not mark:
        return decode_map(struct)
    if mark == SECRET:
        return decode(struct.fields["value"])
    raise TypeError("files, archives and resources cannot be inputs; give a text or an id")


def _mark(struct: Struct) -> str:
    """What a map that is no map says it is, '' for one that is."""
    return struct.fields[SIGNATURE].string_value if SIGNATURE in struct.fields else ""


def decode_map(struct: Struct) -> dict[str, Any]:
    """The plain values of a whole map; keys that are null are left out at the top."""
    return {
        key: decode(value)
        for key, value in struct.fields.items()
        if value.WhichOneof("kind") not in (None, "null_value")
    }


def encode(value: Any, *, secret: bool = False) -> Value:
    """The value as it goes over the wire; raises ``TypeError`` for what has no form there."""
    if secret:
        fields = {SIGNATURE: Value(string_value=SECRET), "value": encode(value)}
        return Value(struct_value=Struct(fields=fields))
    if value is None:
        return Value(null_value=0)  # type: ignore[arg-type]  # the stubs want the enum's own type
    if value is UNKNOWN:
        return Value(string_value=UNKNOWN_TEXT)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int | float):
        return Value(number_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    if isinstance(value, Mapping):
        return Value(struct_value=encode_map(value))
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return Value(list_value=ListValue(values=[encode(item) for item in items]))
    raise TypeError(f"a {type(value).__name__} cannot be stored in the state")


def encode_map(values: Mapping[str, Any], secret: Iterable[str] = ()) -> Struct:
    """A whole map; the keys in ``secret`` are encrypted when they are stored."""
    hidden = frozenset(secret)
    return Struct(
        fields={key: encode(value, secret=key in hidden) for key, value in values.items()}
    )


def known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are known through and through."""
    return {key: value for key, value in values.items() if not has_unknown(value)}


def has_unknown(value: Any) -> bool:
    """Whether anything in it is not yet known."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def secret_keys(struct: Struct) -> frozenset[str]:
    """Top-level keys that hold a secret, at whatever depth; their whole value counts as one."""
    return frozenset(key for key, value in struct.fields.items() if _has_secret(value))


def _has_secret(value: Value) -> bool:
    match value.WhichOneof("kind"):
        case "list_value":
            return any(_has_secret(item) for item in value.list_value.values)
        case "struct_value":
            inner = value.struct_value
            return _mark(inner) == SECRET or any(map(_has_secret, inner.fields.values()))
        case _:
            return False
