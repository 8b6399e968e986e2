"""YAML 1.2 as plain data that remembers its lines, and everything that is wrong with it as YAML.

The node graph is kept, so that a finding of the models can name the line of its key. Shared nodes
(anchors) are built once, so a "bomb" of nested aliases costs no more than its text. libyaml parses;
what a plain word means is YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema) and not
PyYAML's 1.1, to which ``1:30`` is ninety, ``010`` eight and ``no`` false. Merge keys (``<<``) are kept.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from provision.errors import Finding

DEPTH_MAX = 30
"""Deepest nesting read. libyaml's composer recurses in C and would end the process far above it."""
ALIASES_MAX = 1000
"""Most aliases read: merging a large mapping costs its size each time."""
TAGS = "tag:yaml.org,2002:"
MERGE = f"{TAGS}merge"
_BOOLS = {"true": True, "false": False}
_SCALARS: dict[str, tuple[str, str, Callable[[str], object]]] = {
    "null": (r"~|null|Null|NULL|", "~nN", lambda _text: None),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF", lambda text: _BOOLS[text.lower()]),
    "int": (
        r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789",
        lambda text: int(text, 0 if text[1:2] in ("o", "x") else 10),
    ),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
        lambda text: float(re.sub(r"\.(?=[iInN])", "", text)),
    ),
    "merge": (r"<<", "<", str),
}  # fmt: skip
"""What a plain word is: its spelling, the characters it can begin with, and its value."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # either of two
    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for _tag, (_pattern, _first, _) in _SCALARS.items():
    _starts = [*_first, ""] if _tag == "null" else list(_first)
    _Loader.add_implicit_resolver(f"{TAGS}{_tag}", re.compile(rf"^(?:{_pattern})$"), _starts)

SYNTAX_FIXES = (
    ("tab", "indent with spaces, not with tabs"),
    ("mapping values", "put a value that holds ': ' in quotes, and check the indentation"),
    ("start any token", "put the value in quotes"),
    ("undefined alias", "put a value that starts with '*' in quotes"),
    ("another document", "keep one document: remove everything from the second '---' on"),
    ("end of stream", "close the quote or bracket that is open there"),
    ("',' or", "close the bracket, or put a comma between its items"),
    ("control characters", "remove that character"),
)


@dataclass(slots=True)
class Document:
    """What a text holds; ``data`` is only sound without findings, ``name`` is what they call it."""

    name: str
    data: Any = None
    root: Any = None
    findings: list[Finding] = field(default_factory=list)

    def where(self, path: Sequence[str | int]) -> str:
        """``demo.yaml:7: groups.worker.nodes``, or the nearest line above it that exists."""
        spelled = spell(path)
        if self.root is None:
            return f"{self.name}: {spelled}" if self.name else spelled
        place = f"{self.name}:{_line(self.root, path)}"
        return f"{place}: {spelled}" if spelled else place


def read(name: str, text: str) -> Document:
    """Parse the text; what is wrong is in the answer's ``findings``, never raised."""
    document = Document(name)
    try:
        if not _plain_enough(text):
            problem = "is nested too deeply, or has too many aliases, for a spec"
            fix = f"write it with at most {DEPTH_MAX} levels and {ALIASES_MAX} aliases"
            document.findings.append(Finding(name or "spec", problem, fix))
            return document
        document.root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        document.findings.append(_syntax(name, text, error))
        return document
    if document.root is not None:
        document.data = _Builder(document).build(document.root, ())
    return document


def _plain_enough(text: str) -> bool:
    """Look at the parser's events, which need no stack, before anything recurses over the nodes."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > DEPTH_MAX or aliases > ALIASES_MAX:
            return False
    return True


def _syntax(name: str, text: str, error: yaml.YAMLError) -> Finding:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable")
    position = getattr(error, "position", None)
    if mark is not None:
        line, column = mark.line + 1, mark.column + 1
    elif isinstance(position, int):
        before = text[:position]
        line, column = before.count("\n") + 1, position - before.rfind("\n")
    else:
        line, column = 1, 1
    said = said.removeprefix("but ")
    lines = text.splitlines()
    if line <= len(lines) and "\t" in lines[line - 1][: column + 1]:
        said = "a tab stands in the indentation"
    general = "mend that line or the one above"
    fix = next((fix for word, fix in SYNTAX_FIXES if word in said), general)
    where = f"{name}:{line}: column {column}" if name else f"line {line}, column {column}"
    return Finding(where, f"is not valid YAML ({said})", fix)


def _line(root: Any, path: Sequence[str | int]) -> int:
    """The line of the last key of the path that exists."""
    node, line = root, root.start_mark.line
    for part in path:
        pairs = _pairs(node)
        found = next((pair for pair in pairs if pair[0].value == str(part)), None)
        if found is None:
            break
        line, node = found[0].start_mark.line, found[1]
    return int(line) + 1


def _pairs(node: Any, seen: tuple[int, ...] = ()) -> list[tuple[Any, Any]]:
    """Key and value nodes of a mapping: its own first, then those it merges (``<<``)."""
    if not isinstance(node, yaml.MappingNode) or id(node) in seen:
        return []
    own = [pair for pair in node.value if pair[0].tag != MERGE]
    for key, value in node.value:
        if key.tag == MERGE:
            several = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for merged in several[:10]:
                own += _pairs(merged, (*seen, id(node)))[:1000]
    return own


class _Builder:
    """Builds plain data from nodes, each node once, collecting findings on the way."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._built: dict[int, Any] = {}
        self._open: set[int] = set()

    def build(self, node: Any, path: tuple[str, ...]) -> Any:
        if id(node) in self._built:
            return self._built[id(node)]
        if id(node) in self._open:
            self._wrong(node, path, "refers to itself", "write the value out instead of an alias")
            return None
        self._open.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            value = self._scalar(node, path)
        elif isinstance(node, yaml.SequenceNode):
            value = [self.build(item, (*path, str(turn))) for turn, item in enumerate(node.value)]
        else:
            value = self._mapping(node, path)
        self._open.discard(id(node))
        self._built[id(node)] = value
        return value

    def _scalar(self, node: Any, path: tuple[str, ...]) -> Any:
        kind = node.tag.removeprefix(TAGS)
        if kind == "str":
            return node.value
        if kind not in _SCALARS:
            self._wrong(node, path, "has a YAML tag that a spec cannot have", "remove the tag")
            return None
        try:
            return _SCALARS[kind][2](node.value)
        except (LookupError, ValueError):
            fix = "write a plain value, or put it in quotes"
            self._wrong(node, path, f"cannot be read as YAML: {short(node.value)}", fix)
            return None

    def _mapping(self, node: Any, path: tuple[str, ...]) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if key.tag == MERGE:
                several = self.build(value, path)
                for one in several if isinstance(several, list) else [several]:
                    if isinstance(one, dict):
                        merged = {**one, **merged}
                    else:
                        self._wrong(key, path, "merges no mapping", "name a mapping after <<")
                continue
            if not isinstance(key, yaml.ScalarNode):
                self._wrong(key, path, "has a key that is no text", "write keys as plain text")
                continue
            name, line = key.value, key.start_mark.line + 1
            here = (*path, name)
            if name in lines:
                both = f"lines {lines[name]} and {line}" if line != lines[name] else f"line {line}"
                self._wrong(
                    key,
                    here,
                    f"is given twice, on {both}",
                    "keep one of them" + (", or rename the group" if path == ("groups",) else ""),
                )
            lines.setdefault(name, line)
            # A key is text whatever it looks like: 'on', '1' and 'null' name themselves.
            mapping[name] = self.build(value, here)
        return {**merged, **mapping}

    def _wrong(self, node: Any, path: Sequence[str], problem: str, fix: str) -> None:
        place = f"{self._document.name}:{node.start_mark.line + 1}"
        spelled = spell(path)
        self._document.findings.append(
            Finding(f"{place}: {spelled}" if spelled else place, problem, fix)
        )


def spell(path: Sequence[str | int]) -> str:
    """``groups.worker.nodes``, without parts that do not look like keys.

    The file may be no spec at all, but one that holds secrets.
    """
    parts = (str(part) for part in path)
    return ".".join(part if re.fullmatch(r"[\w -]{1,40}", part) else "…" for part in parts)


def short(value: object) -> str:
    """A value as the user wrote it, as far as one line shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of many digits"
    text = f"{value:g}" if isinstance(value, float) else re.sub(r"\s+", " ", str(value))
    text = text if len(text) <= 40 else f"{text[:37]}…"
    return f"'{text}'" if isinstance(value, str) else text
