"""Every command that README.md and docs/ show is one that the command line takes."""

import importlib
import re
from pathlib import Path

import click
import pytest

from provision.cli.commands import BY_NAME
from tests import documents
from tests.documents import ROOT, Line

LINES = [line for line in documents.lines() if line.words()[1:2] != ["COMMAND"]]
"""Without the line of cli.md that says how a command is written at all."""
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
INLINE = re.compile(r"`provision ([a-z]+)((?: [^`|]*)?)`")


def parsed(words: list[str]) -> None:
    """As click would, without running anything. Raises click.ClickException."""
    name, *rest = words
    assert name in BY_NAME, f"there is no command {name}"
    command: click.Command = importlib.import_module(BY_NAME[name].module).run
    context = None
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest[0]) if rest else None
        if found is None:
            raise click.UsageError(f"{name} has no {rest[:1]}")
        command, rest = found, rest[1:]
    context = command.make_context(command.name, rest)
    context.close()


@pytest.mark.parametrize("line", LINES, ids=[f"{line.page}:{line.number}" for line in LINES])
def test_a_command_of_a_page_is_taken(line: Line) -> None:
    words = line.words()
    if words[0] == "make":
        assert {word for word in words[1:] if "=" not in word} <= TARGETS
        return
    parsed(words[1:])


def test_the_pages_have_commands_and_a_wrong_one_is_found() -> None:
    assert len(LINES) > 30
    assert {line.page for line in LINES} >= {"README.md", "docs/gce.md", "docs/local.md"}
    for wrong in (
        ["run", "demo", "--nope", "--", "x"],
        ["down", "demo", "--sure"],
        ["emulate", "moon"],
    ):
        with pytest.raises(click.ClickException):
            parsed(wrong)
    with pytest.raises(AssertionError):
        parsed(["bring"])


@pytest.mark.parametrize("page", documents.PAGES, ids=lambda page: page.name)
def test_a_command_within_a_sentence_exists_with_its_options(page: Path) -> None:
    text = re.sub(r"\s+", " ", page.read_text(encoding="utf-8"))
    for name, rest in INLINE.findall(text):
        assert name in BY_NAME, name
        command = importlib.import_module(BY_NAME[name].module).run
        every = [command, *(getattr(command, "commands", {}) or {}).values()]
        known = {option for each in every for param in each.params for option in param.opts}
        known |= {
            option for each in every for param in each.params for option in param.secondary_opts
        }
        for option in re.findall(r"(?<= )--?[a-z][a-z-]*", rest.partition(" -- ")[0]):
            assert option in known | {"--help", "-h"}, f"provision {name}{rest}"


def test_what_is_not_run_says_why() -> None:
    for page in documents.PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            if "not run" in line and line.strip().startswith("<!--"):
                found = documents.MARK.match(line)
                assert found and len(found["why"].split()) >= 3, line


def test_a_mark_holds_for_its_own_block_alone() -> None:
    text = (
        "# x\n\n<!-- not run: needs an account of Google's -->\n\n    provision list  # all\n\n"
        "words\n\n    provision list\n\n```sh\nFOO=1 provision status a | cat\n```\n"
    )
    found = list(documents.of("p.md", text))
    assert [(line.number, bool(line.why)) for line in found] == [(5, True), (9, False), (12, False)]
    assert found[0].beside == "all" and found[2].words() == ["provision", "status", "a"]


def test_a_command_that_goes_on_behind_a_backslash_is_one() -> None:
    (found,) = documents.of("p.md", "    provision list \\\n        --output json  # all\n")
    assert found.words() == ["provision", "list", "--output", "json"] and found.beside == "all"
