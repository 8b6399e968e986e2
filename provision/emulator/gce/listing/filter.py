"""``filter``: Compute's two syntaxes (text of the ``filter`` parameter in the discovery document).

    name = "a" AND NOT (labels.owner:x OR status != RUNNING)     comparisons, put together
    (cpuPlatform = "Intel") (scheduling.automaticRestart = true)  side by side means AND
    name eq "web-.*"                                              one field against a whole regex

The regex is RE2 at Google, which takes linear time. Python's does not; patterns whose repetitions nest
are refused so that no filter can hold the server.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from provision.emulator.gce import errors
from provision.emulator.gce.listing import comparing
from provision.emulator.gce.world import Json

Test = Callable[[Json], bool]
LONGEST = 4096
DEEPEST = 40
_OLD = re.compile(r"\s*\(?\s*([\w.\[\]\"-]+)\s+(eq|ne)\s+(.+?)\s*\Z", re.DOTALL)
_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<sign><=|>=|!=|!:|=|<|>|:|\(|\)|,)"
    r"|(?P<word>(?:[^\s()\"'=<>!:,\[]|!(?![=:])|\[\"?[^\]]*\])+))"
)


@lru_cache(maxsize=512)
def compile(text: str) -> Test:
    """The test for a filter. Raises ApiError 400."""
    if len(text) > LONGEST:
        raise bad(text)
    try:
        if re.search(r"(?<![\w.])(?:eq|ne)(?![\w.])", _bare(text)):
            return _old(text)
        parser = _Parser(_tokens(text), text)
        test = parser.expression(0)
        if parser.left():
            raise bad(text)
        return test
    except (re.error, RecursionError, OverflowError):
        raise bad(text) from None


def bad(text: str) -> errors.ApiError:
    """Google's answer to what it cannot read."""
    return errors.invalid("filter", text[:500], "Invalid list filter expression.")


def _bare(text: str) -> str:
    """The text without what stands in quotes."""
    return re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", '""', text)


def _old(text: str) -> Test:
    """``FIELD eq|ne REGEX``, several of them in parentheses side by side (or joined by AND, OR)."""
    parts = _groups(text)
    if len(parts) > 1:
        tests = [(joint, _old(part)) for joint, part in parts]

        def joined(row: Json) -> bool:
            result = tests[0][1](row)
            for joint, test in tests[1:]:
                result = (result or test(row)) if joint == "OR" else (result and test(row))
            return result

        return joined
    inner = parts[0][1]
    found = _OLD.match(inner)
    if found is None:
        raise bad(text)
    field, verb, literal = found[1], found[2], found[3]
    if literal[:1] in "\"'" and literal[-1:] == literal[:1] and len(literal) > 1:
        literal = re.sub(r"\\([\"'])", r"\1", literal[1:-1])
    literal = {"true": "true|True", "false": "false|False"}.get(literal, literal)
    pattern = comparing.regex(literal)
    path = comparing.path(field)

    def test(row: Json) -> bool:
        values = list(comparing.values(row, path))
        matched = any(pattern.fullmatch(comparing.text(value)) for value in values)
        return matched if verb == "eq" else not matched

    return test


def _groups(text: str) -> list[tuple[str, str]]:
    """Top-level parenthesised parts with the word before each; the text itself where there are none."""
    stripped = text.strip()
    if not stripped.startswith("("):
        if re.search(r"\s(?:AND|OR)\s", _bare(stripped)):
            return [(joint, part) for joint, part in _split(stripped)]
        return [("", stripped)]
    parts, depth, begin, joint, quote = [], 0, 0, "", ""
    at, after = 0, 0
    while at < len(stripped):
        letter = stripped[at]
        if quote:
            if letter == "\\":
                at += 1
            elif letter == quote:
                quote = ""
        elif letter in "\"'":
            quote = letter
        elif letter == "(":
            if depth == 0:
                joint = stripped[after:at].strip().upper()
                begin = at + 1
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                parts.append((joint, stripped[begin:at]))
                after = at + 1
        at += 1
    if (
        depth
        or quote
        or stripped[after:].strip()
        or any(j not in ("", "AND", "OR") for j, _ in parts)
    ):
        raise bad(text)
    return parts


def _split(text: str) -> list[tuple[str, str]]:
    pieces = re.split(r"\s(AND|OR)\s", text)
    return [("", pieces[0]), *zip(pieces[1::2], pieces[2::2], strict=True)]


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None or found.end() == at:
            raise bad(text)
        kind = found.lastgroup or ""
        value = found[kind]
        if kind == "quoted":
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        tokens.append((kind, value))
        at = found.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens; OR binds weaker than AND, NOT strongest."""

    def __init__(self, tokens: Sequence[tuple[str, str]], text: str) -> None:
        self._tokens, self._text, self._at = tokens, text, 0

    def left(self) -> bool:
        """Whether tokens remain."""
        return self._at < len(self._tokens)

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ("", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        if not token[0]:
            raise bad(self._text)
        self._at += 1
        return token

    def expression(self, depth: int) -> Test:
        """``term OR term``."""
        if depth > DEEPEST:
            raise bad(self._text)
        tests = [self._all(depth)]
        while self._peek() == ("word", "OR"):
            self._next()
            tests.append(self._all(depth))
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _all(self, depth: int) -> Test:
        tests = [self._one(depth)]
        while self.left() and self._peek() != ("word", "OR") and self._peek() != ("sign", ")"):
            if self._peek() == ("word", "AND"):
                self._next()
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _one(self, depth: int) -> Test:
        kind, value = self._peek()
        if (kind, value) == ("word", "NOT") or (kind, value) == ("word", "-"):
            self._next()
            inner = self._one(depth + 1) if depth < DEEPEST else None
            if inner is None:
                raise bad(self._text)
            return lambda row: not inner(row)
        if (kind, value) == ("sign", "("):
            self._next()
            test = self.expression(depth + 1)
            if self._next() != ("sign", ")"):
                raise bad(self._text)
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        kind, field = self._next()
        negated = kind == "word" and field.startswith("-") and len(field) > 1
        if kind == "sign":
            raise bad(self._text)
        sign_kind, sign = self._next()
        if sign_kind != "sign" or sign in "(),":
            raise bad(self._text)
        path = comparing.path(field[1:] if negated else field)
        test = comparing.test(path, sign, self._values())
        return (lambda row: not test(row)) if negated else test

    def _values(self) -> list[tuple[str, bool]]:
        """The literal, or those of ``:(a b c)``; each with whether it stood in quotes."""
        if self._peek() != ("sign", "("):
            kind, value = self._next()
            if kind == "sign":
                raise bad(self._text)
            # A word goes on over a colon or sign that belongs to it: a URL, a time.
            while (
                kind == "word"
                and self._peek() == ("sign", ":")
                and self._peek(1)[0] == "word"
                and self._peek(1)[1] not in ("AND", "OR")
            ):
                self._next()
                value += ":" + self._next()[1]
            return [(value, kind == "quoted")]
        self._next()
        values = []
        while self._peek() != ("sign", ")"):
            kind, value = self._next()
            if (kind, value) in (("sign", ","), ("word", "OR")):
                continue
            if kind == "sign":
                raise bad(self._text)
            values.append((value, kind == "quoted"))
        self._next()
        if not values:
            raise bad(self._text)
        return values
