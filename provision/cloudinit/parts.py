"""The parts of a user's own user-data, told apart exactly as cloud-init does it on the machine.

Source: cloud-init's ``user_data.py`` and ``handlers/__init__.py`` (25.1); docs "User data formats".
"""

import base64
import binascii
import email
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message

import yaml

CONFIG = "text/cloud-config"
JINJA = "text/jinja2"
ARCHIVE = "text/cloud-config-archive"
STARTS = {
    "#cloud-config-archive": ARCHIVE,
    "#cloud-config-jsonp": "text/cloud-config-jsonp",
    "## template: jinja": JINJA,
    "#cloud-boothook": "text/cloud-boothook",
    "#include-once": "text/x-include-once-url",
    "#cloud-config": CONFIG,
    "#part-handler": "text/part-handler",
    "#include": "text/x-include-url",
    "#!": "text/x-shellscript",
}
"""How a part may begin, longest first, and its MIME type."""
GUESSED = ("text/plain", "text/x-not-multipart", "text/x-shellscript")
"""Types at which cloud-init looks at the beginning instead."""
PACKED = frozenset(
    f"application/{name}"
    for name in (
        "gzip", "gzip-compressed", "gzipped", "x-compress", "x-compressed", "x-gunzip", "x-gzip",
        "x-gzip-compressed",
    )
)  # fmt: skip
UNPACKED_MAX = 4 * 1024 * 1024
"""Bytes that a compressed part may have unpacked; no cloud takes a sixteenth of it."""


class Unreadable(ValueError):  # a finding in the end, not an error of ours
    """A part that cloud-init could not read; the text says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its MIME type ('' where cloud-init would ignore it) and its text."""

    kind: str
    text: str = field(repr=False)


def kind_of(text: str) -> str:
    """MIME type of a part by its first words; '' where cloud-init would ignore it."""
    start = text.lstrip()[:40].lower()
    return next((kind for words, kind in STARTS.items() if start.startswith(words)), "")


def is_message(text: str) -> bool:
    """Whether cloud-init would take the text for a MIME message."""
    return "mime-version:" in text[:4096].lower()


def unpacked(text: str) -> str:
    """The text itself, or what its base64 holds (gzip or plain), which YAML can carry no other way.

    Raises:
        Unreadable: it is base64 of something that is no user-data.
    """
    if kind_of(text) or is_message(text):
        return text
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return text
    return _decoded(raw)


def parts_of(text: str) -> list[Part]:
    """Every part of a user's own user-data, packed ones and those of archives included.

    Raises:
        Unreadable: one of them cannot be read.
    """
    whole = unpacked(text)
    if not is_message(whole):
        return list(_of_text(whole, kind_of(whole)))
    message = email.message_from_string(whole)
    return [part for each in message.walk() if not each.is_multipart() for part in _of_part(each)]


def _of_part(message: Message) -> Iterator[Part]:
    kind = message.get_content_type()
    payload = message.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    text = _decoded(raw) if kind in PACKED or raw[:2] == b"\x1f\x8b" else _text(raw)
    kind = (
        kind_of(text) or ("" if kind in PACKED else kind)
        if kind in GUESSED or kind in PACKED
        else kind
    )
    yield from _of_text(text, "" if kind in GUESSED[:2] else kind)


def _of_text(text: str, kind: str) -> Iterator[Part]:
    if kind != ARCHIVE:
        yield Part(kind, text)
        return
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Unreadable("its archive is not YAML") from error
    if not isinstance(entries, list):
        raise Unreadable("its archive is not a list of parts")
    for entry in entries:
        of = {"content": entry} if isinstance(entry, str) else entry
        content = of.get("content", "") if isinstance(of, dict) else None
        if not isinstance(content, str):
            raise Unreadable("an entry of its archive has no text as content")
        yield Part(str(of.get("type") or kind_of(content) or CONFIG), content)


def _decoded(raw: bytes) -> str:
    """The text of bytes that may be gzip, never more than :data:`UNPACKED_MAX` of it."""
    if raw[:2] == b"\x1f\x8b":
        unpacker = zlib.decompressobj(wbits=31)
        try:
            raw = unpacker.decompress(raw, UNPACKED_MAX)
        except zlib.error as error:
            raise Unreadable("its gzip data is damaged") from error
        if unpacker.unconsumed_tail:
            raise Unreadable(f"its gzip data holds more than {UNPACKED_MAX} bytes")
        if not unpacker.eof:
            raise Unreadable("its gzip data is cut off")
    return _text(raw)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("it is not UTF-8 text") from error
