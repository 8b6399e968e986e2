"""``provision init``: three questions, and a commented spec that ``up`` takes as it is."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.groups import FILE_PATH
from provision.cli.options import cloud_option, machines_option, output_options
from provision.cli.terminal import can_ask
from provision.errors import EXIT_DONE, SpecError, UsageError
from provision.files import check_target
from provision.spec.clouds import CLOUD_KINDS
from provision.spec.flags import Overrides
from provision.spec.reader import load, parse

FILE = "cluster.yaml"
SCHEMA = "provision.schema.json"
"""Where an editor looks for the schema: beside the spec."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question: the flag that answers it, the words, and what most people want ('': see below)."""

    flag: str
    text: str
    default: str


QUESTIONS = (
    Question("cloud", "Where shall the machines be (cloud)?", "local"),
    Question("nodes", "How many nodes?", "8"),
    Question("machines", "Which machine type?", ""),
)
MORE = {
    "gce": """
  # project and region come from the environment or gcloud's configuration where they are not given.
  #project: my-project-1234
  #region: us-central1
  #image: projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64"""
}
"""What a spec for a kind of cloud says beside the answers."""
Ask = Callable[[str, str], str]
"""Shows a question and its default, answers what was typed."""


@click.command("init")
@click.argument("file", required=False, default=FILE, type=FILE_PATH)
@click.option("--name", metavar="NAME", help="Name of the cluster (default: the file's name).")
@cloud_option
@click.option("--nodes", metavar="N", help="How many nodes.")
@machines_option
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: take defaults.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@output_options
def run(
    file: Path,
    name: str | None,
    yes: bool,
    force: bool,
    options: ConsoleOptions,
    **flags: str | None,
) -> int:
    """Write a commented spec to FILE (default: cluster.yaml), from three questions.

    Each question can be answered by its flag. Where nobody can be asked, the defaults are taken
    and named.
    """
    with Console(options) as console:
        refuse(file, force)
        named = _name_from(file) if name is None else name
        places = fitting(flags)
        load(None, Overrides(name=named, origins=places))
        ask = _prompt if can_ask() and not yes else None
        answers = answered(flags, ask, console, places)
        text = spec_text(named, answers)
        parse(text, str(file))
        _write(file, text)
        data = {"file": str(file), "name": named, **answers}
        console.result(data, f"wrote {file}", f"next: provision up {file}")
        if not file.with_name(SCHEMA).exists():
            console.note(f"for your editor: provision schema > {file.with_name(SCHEMA)}")
    return EXIT_DONE


def fitting(flags: dict[str, str | None]) -> dict[str, str]:
    """Drop a machine type that the user's file has for another cloud; answers where values are from."""
    from provision.cli.defaults import LABELS, origins

    context = click.get_current_context()
    places, file = origins(context), context.default_map or {}
    same = (flags["cloud"] or "local") == file.get("cloud", "local")
    if not same and places.get("machines") == context.meta[LABELS].get("machines"):
        flags["machines"] = None
    return places


def refuse(file: Path, force: bool) -> None:
    """Raise where the file cannot be written, before anything is asked."""
    if file.is_dir():
        raise UsageError(f"{file} is a directory", f"name a file in it, such as {file / FILE}")
    if file.exists() and not force:
        raise UsageError(f"{file} exists", "give --force to overwrite it, or another FILE")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {file.parent}", "make it, or name another FILE")


def answered(
    flags: Mapping[str, str | None],
    ask: Ask | None,
    console: Console,
    places: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """An answer to every question: from its flag, by asking, or the default, which is then named.

    Raises:
        SpecError: flags (or defaults) are wrong, all findings at once; a wrong typed answer is
            only said, and asked for again.
    """
    given = {q.flag: flags[q.flag] for q in QUESTIONS if flags.get(q.flag) is not None}
    if given:
        load(None, dataclasses.replace(_overrides(given), origins=dict(places or {})))
    answers: dict[str, str] = {}
    for question in QUESTIONS:
        answer = given.get(question.flag)
        if answer is None and ask is None:
            answer = _default(question, answers)
            console.note(f"--{question.flag} is not given: taking {answer}")
        elif place := (places or {}).get(question.flag):
            console.note(f"{question.flag} is {answer} ({place})")
        answers[question.flag] = answer or _asked(question, answers, ask, console)
    return answers


def _asked(question: Question, before: Mapping[str, str], ask: Ask | None, console: Console) -> str:
    assert ask is not None, "without one the default was taken"
    while True:
        answer = ask(question.text, _default(question, before)).strip()
        try:
            load(None, _overrides({**before, question.flag: answer}))
            return answer
        except SpecError as error:
            for finding in error.findings:
                console.note(f"  {finding.problem}; {finding.fix}")


def _default(question: Question, before: Mapping[str, str]) -> str:
    """What most people want; a machine type depends on the cloud."""
    if question.default:
        return question.default
    return str(CLOUD_KINDS[before["cloud"]].model_fields[question.flag].default)


def _overrides(answers: Mapping[str, str | None]) -> Overrides:
    nodes = answers.get("nodes")
    return Overrides(
        cloud=answers.get("cloud"),
        nodes=() if nodes is None else (nodes,),
        machines=answers.get("machines"),
    )


def _prompt(text: str, default: str) -> str:
    return str(click.prompt(text, default=default, err=True))


def _name_from(file: Path) -> str:
    """The file's name where it can be a cluster's, else ``cluster``."""
    stem = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).lstrip("-0123456789")[:30].rstrip("-")
    return stem or "cluster"


def _write(file: Path, text: str) -> None:
    try:
        check_target(file)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        fix = "check the folder's permissions, or name another FILE"
        raise UsageError(f"{file} cannot be written ({error.strerror})", fix) from None


def spec_text(name: str, answers: Mapping[str, str]) -> str:
    """The spec, with every key that people change; what is commented out shows the default."""
    return f"""\
# yaml-language-server: $schema={SCHEMA}
# A cluster for provision. Bring it up:  provision up FILE     Take it down:  provision down {name}
# Every key is explained in docs/spec.md; 'provision plan FILE' shows what this one would create.

# The name of everything that is created: a DNS label of at most 30 characters.
name: {name}

# Where the machines are, and of which type.
cloud:
  kind: {answers["cloud"]}
  machines: {answers["machines"]}{MORE.get(answers["cloud"], "")}

# What the machines join.
scheduler: slurm

# Machines of one kind, by group. A group's nodes are named {name}-<group>-0001 and so on.
groups:
  worker:
    nodes: {int(answers["nodes"].rpartition("=")[2])}

# When the cluster counts as ready: a share of the nodes (1.0 is all of them) by a deadline.
# A machine that has not joined after replace_after is replaced once.
#ready:
#  quorum: 1.0
#  deadline: 10m
#  replace_after: 3m

# When the cluster may be removed; without it, never.
#ttl: 4h
"""
