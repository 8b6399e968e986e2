"""User-data: rendered from Jinja templates, parsed back, and checked by cloud-init's own schema.

Templates stand in ``cloud-init/`` and are the same for every cloud. An undefined variable is an
error; values go through ``| tojson``, which is valid YAML whatever is in them.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2
import jinja2.sandbox
import jsonschema
import yaml

from provision.assets import asset
from provision.cloudinit.contradictions import contradictions
from provision.cloudinit.parts import CONFIG, JINJA, STARTS, Unreadable, kind_of, parts_of
from provision.errors import Finding
from provision.scheduler import Template


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(asset("cloud-init")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # YAML is no HTML: values are quoted by the templates
    )


def render(template: Template) -> str:
    """The template's text with its variables put in.

    Raises:
        jinja2.TemplateError: a variable is missing or the template is broken, which is our bug.
    """
    return _environment().get_template(template.path).render(**template.variables)


def check(where: str, text: str) -> list[Finding]:
    """What cloud-init would refuse of our rendered cloud-config."""
    return _check_config(where, text)


def check_own(where: str, theirs: str, ours: str, *, local: bool) -> list[Finding]:
    """What cloud-init would refuse or ignore of a user's own user-data, and what would undo ``ours``.

    ``local`` says that the machines are nodes on this host.
    """
    if not theirs.strip():
        return []
    starts = ", ".join(STARTS)
    try:
        parts = parts_of(theirs)
    except Unreadable as error:
        return [Finding(where, str(error), f"let it begin with one of: {starts}")]
    findings = [] if parts else [Finding(where, "its MIME message has no parts", "add one")]
    settled = yaml.safe_load(ours)
    for part in parts:
        if not part.kind:
            findings.append(
                Finding(where, "cloud-init would ignore it", f"let it begin with one of: {starts}")
            )
        elif part.kind == CONFIG:
            wrong = _check_config(where, part.text)
            findings += wrong or contradictions(
                where, yaml.safe_load(part.text), settled, local=local
            )
        elif part.kind == JINJA:
            findings += contradictions(where, _guessed(part.text), settled, local=local)
    return findings


def check_size(where: str, whole: str, limit: int) -> list[Finding]:
    """Whether the cloud takes that much: ``limit`` in bytes."""
    size = len(whole.encode())
    if size <= limit:
        return []
    problem = f"its user-data has {size} bytes and the cloud takes {limit}"
    return [Finding(where, problem, "shorten it")]


def _guessed(template: str) -> Mapping[str, Any]:
    """What a template of the user's may come to, where it is cloud-config that can be read here."""
    try:
        lenient = jinja2.sandbox.SandboxedEnvironment(undefined=jinja2.ChainableUndefined)
        text = lenient.from_string(template).render()
        found = yaml.safe_load(text) if kind_of(text.partition("\n")[2]) == CONFIG else {}
    except (jinja2.TemplateError, yaml.YAMLError, ArithmeticError, TypeError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _check_config(where: str, text: str) -> list[Finding]:
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        return [Finding(where, f"its cloud-config is not YAML{line}", "correct it")]
    if not isinstance(parsed, Mapping):
        return [Finding(where, "its cloud-config is not a mapping of keys", "correct it")]
    return [
        Finding(
            where,
            f"cloud-init refuses {'.'.join(map(str, problem.absolute_path)) or 'a key'}: "
            f"{_shown(problem)}",
            "correct it (cloud-init's schema is cloud-init/schema/)",
        )
        for problem in _validator().iter_errors(parsed)
    ]


def _shown(problem: jsonschema.ValidationError) -> str:
    """What is wrong, without the value: it may be a key or a password."""
    if problem.validator == "additionalProperties":
        return problem.message
    return f"it breaks the rule {problem.validator!r} = {json.dumps(problem.validator_value)[:80]}"


@cache
def _validator() -> Any:
    schema = json.loads(asset("cloud-init", "schema", "schema-cloud-config-v1.json").read_text())
    return jsonschema.Draft4Validator(schema)
