"""The command blocks of README.md and docs/*.md: where each stands, and whether it is to be run.

A block is lines that are indented by four spaces or more, or fenced as sh, bash or console, and hold a
command. ``<!-- not run: REASON -->`` on the line before a block says that a test cannot run it.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARK = re.compile(r"^\s*<!-- not run: (?P<why>.+) -->\s*$")
OURS = re.compile(r"^(?:[A-Z_]+=\S+ )*(provision|make) ")
TYPED = re.compile(rf"{OURS.pattern}|^(?:source|jq|scp|rsync) |^[a-z]+=\S+$")
"""Ours, and what stands beside them for the same shell; not what only has to do with Google's own tools."""
ENDS = {"|", ">", ">>", "&&", "||", ";", "<"}


@dataclass(frozen=True, slots=True)
class Line:
    """One command as it stands: page, number of its line, its text, what is said beside it, why not run."""

    page: str
    number: int
    text: str
    beside: str
    why: str

    def words(self) -> list[str]:
        """The command's words up to a pipe or a redirection, without its settings and its comment."""
        lexer = shlex.shlex(self.text, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words: list[str] = []
        for word in lexer:
            if word in ENDS:
                break
            words.append(word)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        return words


def lines(wanted: re.Pattern[str] = OURS) -> Iterator[Line]:
    """Every command of ours in a block, in the order in which a reader meets them."""
    for page in PAGES:
        yield from of(page.relative_to(ROOT).as_posix(), page.read_text(encoding="utf-8"), wanted)


def of(page: str, text: str, wanted: re.Pattern[str] = OURS) -> Iterator[Line]:
    """Those of one page; one that goes on behind a backslash stands where it ends."""
    why, fence, begun = "", "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if found := MARK.match(line):
            why = found["why"]
            continue
        if line.startswith("```"):
            fence = "" if fence else line.strip("` ") or "text"
            continue
        inside = fence in ("sh", "bash", "console") or (not fence and line.startswith("    "))
        if line.strip() and not inside:
            why = why if fence else ""
        command = line.strip().removeprefix("$ ")
        if inside and begun:
            begun, command = "", f"{begun} {command}"
        if inside and command.endswith("\\"):
            begun = command.removesuffix("\\").rstrip()
        elif inside and wanted.match(command):
            code, _, beside = command.partition(" #")
            yield Line(page, number, code.strip(), beside.strip(" #"), why)
