"""User-data: rendered from Jinja templates, parsed back, and checked by cloud-init's own schema.

Templates stand in ``cloud-init/`` and are the same for every cloud. An undefined variable is an
error; values go through ``| tojson``, which is valid YAML whatever is in them.
"""

import json
from collections.abc import Mapping
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from functools import cache
from typing import Any

import jinja2
import jsonschema
import yaml

from provision.assets import asset
from provision.errors import Finding
from provision.scheduler import Template

KINDS = {
    "#cloud-config": "cloud-config",
    "#!": "x-shellscript",
    "#cloud-boothook": "cloud-boothook",
    "#include": "x-include-url",
    "## template: jinja": "jinja2",
}
"""First words of a user-data part and its MIME subtype (cloud-init docs, "User data formats")."""
BOUNDARY = "==provision-user-data=="
"""Fixed, so that the same plan renders to the same bytes."""


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(asset("cloud-init")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(template: Template) -> str:
    """The template's text with its variables put in.

    Raises:
        jinja2.TemplateError: a variable is missing or the template is broken, which is our bug.
    """
    return _environment().get_template(template.path).render(**template.variables)


def with_extra(user_data: str, extra: str) -> str:
    """Our user-data and the spec's own, as one MIME multipart where there is an own one."""
    if not extra.strip():
        return user_data
    whole = MIMEMultipart(boundary=BOUNDARY)
    for number, text in enumerate((user_data, extra)):
        part = MIMEText(text, kind_of(text) or "plain", "us-ascii" if text.isascii() else "utf-8")
        part.add_header("Content-Disposition", "attachment", filename=f"part-{number:03d}")
        whole.attach(part)
    return whole.as_string()


def kind_of(text: str) -> str:
    """MIME subtype of a user-data part by its first words; '' where cloud-init would ignore it."""
    for start, kind in KINDS.items():
        if text.startswith(start):
            return kind
    return ""


def check(where: str, text: str, extra: str, limit: int) -> list[Finding]:
    """Everything cloud-init would refuse, plus the cloud's size ``limit`` in bytes.

    ``text`` is our rendered cloud-config and ``extra`` the spec's own part.
    """
    findings = _check_config(where, text)
    if extra:
        place = f"{where}.user_data"
        if not kind_of(extra):
            starts = ", ".join(KINDS)
            findings.append(
                Finding(place, "cloud-init would ignore it", f"let it begin with one of: {starts}")
            )
        elif kind_of(extra) == "cloud-config":
            findings += _check_config(place, extra)
    size = len(with_extra(text, extra).encode())
    if size > limit:
        findings.append(
            Finding(
                where, f"its user-data has {size} bytes and the cloud takes {limit}", "shorten it"
            )
        )
    return findings


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
