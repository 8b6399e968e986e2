"""Instance metadata: key-value items, their limits, and the user-data among them.

Limits: a value 256 KiB, all together 512 KiB, a key 128 bytes (clouds.md 1.8, discovery ``Metadata``).
"""

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from typing import Any

from provision.emulator.gce import errors
from provision.emulator.gce.world import Json, fingerprint

KEY = re.compile(r"[a-zA-Z0-9-_]{1,128}\Z")
VALUE_LIMIT = 262_144
TOTAL_LIMIT = 524_288
UNPACKED_LIMIT = 16 * 2**20
"""Bytes of unpacked user-data; a small archive can hold a very large nothing."""


def pairs(metadata: Any) -> dict[str, str]:
    """Items of a ``Metadata`` by key."""
    items = (metadata or {}).get("items") or []
    return {item["key"]: item.get("value", "") for item in items if "key" in item}


def check(metadata: Any, where: str) -> None:
    """Refuse what Google refuses. Raises ApiError."""
    items = (metadata or {}).get("items") or []
    total, seen = 0, set()
    for index, item in enumerate(items):
        key, value = item.get("key", ""), item.get("value", "")
        place = f"{where}.items[{index}]"
        if not KEY.match(key):
            raise errors.invalid(
                f"{place}.key", key, f"Must be a match of regex '{KEY.pattern[:-2]}'"
            )
        if key in seen:
            raise errors.invalid(f"{where}.items", key, "Metadata has duplicate keys.")
        seen.add(key)
        size = len(value.encode())
        if size > VALUE_LIMIT:
            raise errors.invalid(
                f"{place}.value", f"{value[:64]}...",
                f"Value is too large: maximum size {VALUE_LIMIT} bytes; actual size {size}.",
            )  # fmt: skip
        total += size + len(key)
    if total > TOTAL_LIMIT:
        raise errors.invalid(
            where, f"{total} bytes", f"Metadata is too large: maximum size {TOTAL_LIMIT} bytes."
        )


def shown(items: Mapping[str, str]) -> Json:
    """A ``Metadata`` of these items."""
    result: Json = {
        "kind": "compute#metadata",
        "fingerprint": fingerprint(sorted(items.items())),
    }
    if items:
        result["items"] = [{"key": key, "value": value} for key, value in items.items()]
    return result


def user_data(items: Mapping[str, str]) -> str:
    """What cloud-init is given: ``user-data``, decoded where ``user-data-encoding`` says base64.

    cloud-init's DataSourceGCE reads the same two keys; what is gzipped it unpacks, as is done here.
    What is no text after that is handed on as it came.
    """
    text = items.get("user-data", "")
    if items.get("user-data-encoding") != "base64":
        return text
    try:
        data = base64.b64decode(text)
        if data[:2] == b"\x1f\x8b":
            data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, UNPACKED_LIMIT)
        return data.decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError):
        return text
