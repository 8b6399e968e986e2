"""Reads a spec from a file, from text, or from flags alone; reports all that is wrong at once.

Each finding says where: the line and path of a file (``demo.yaml:7: groups.worker.nodes``), or the
flag that overrode it (``--nodes``).
"""

import errno
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from provision.errors import Finding, SpecError
from provision.files import STDIN, read_named
from provision.spec.document import Document, read
from provision.spec.flags import Flags, Overrides
from provision.spec.models import Spec
from provision.spec.sentences import case_of, say
from provision.suggest import meant, nearest

FINDINGS_MAX = 20
"""Findings reported; a file that is no spec at all has hundreds."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A sound spec. ``source`` is the file's resolved path as text, '' where there is no file."""

    spec: Spec
    source: str
    places: Callable[[Sequence[str]], str] = field(repr=False, compare=False)

    def placed(self, error: SpecError) -> SpecError:
        """The same findings, with file and line where they name a path of the spec."""
        return SpecError(
            [
                Finding(self.places(f.where.split(".")), f.problem, f.fix)
                if f.where.split(".")[0] in Spec.model_fields
                else f
                for f in error.findings
            ]
        )


def load(path: Path | None, overrides: Overrides | None = None) -> Loaded:
    """Read the spec at ``path`` (without one: two workers on this machine), then apply the flags.

    Raises:
        SpecError: everything that is wrong with it.
    """
    if path is None:
        return _checked(Document("", data={}), overrides or Overrides(), "")
    read = document(path)
    return _sound(read, overrides, str(path) if path == STDIN else str(path.resolve()))


def parse(text: str, name: str, overrides: Overrides | None = None, source: str = "") -> Loaded:
    """The same from text; ``name`` is how findings call it."""
    return _sound(read(name, text), overrides, source)


def _sound(document: Document, overrides: Overrides | None, source: str) -> Loaded:
    if document.root is None and not document.findings:
        fix = "write for example 'groups: {worker: {nodes: 2}}', or run 'provision init'"
        document.findings.append(Finding(document.name, "is empty", fix))
    if document.root is None:
        raise SpecError(document.findings)
    return _checked(document, overrides or Overrides(), source)


INIT = "write one with 'provision init'"


def document(path: Path, example: str = "demo.yaml", missing: str = INIT) -> Document:
    """The document in a file that a user names (``-`` is standard input).

    ``example`` is what such a file may be called, ``missing`` what to do where there is none like it.

    Raises:
        SpecError: the file cannot be read, or is no text. What is wrong with it as YAML is in the
            answer's ``findings``.
    """
    try:
        raw = read_named(path)
        return read(str(path), raw.decode("utf-8-sig"))
    except FileNotFoundError:
        wrong = Finding(str(path), "there is no such file", _near_file(path, missing))
    except IsADirectoryError:
        fix = "name a file in it, such as " + str(path / example)
        wrong = Finding(str(path), "is a directory", fix)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        wrong = Finding(f"{path}:{line}", "is not UTF-8 text", "save the file as UTF-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the name is not valid"
        own = getattr(error, "errno", 0) in (errno.EINVAL, errno.EFBIG)
        fix = f"name a file of text, or '{STDIN}' for standard input"
        wrong = (
            Finding(str(path), why, fix)
            if own
            else Finding(str(path), f"cannot be read ({why})", "check the path and its permissions")
        )
    raise SpecError([wrong])


def _near_file(path: Path, missing: str) -> str:
    try:
        beside = [entry.name for entry in os.scandir(path.parent) if entry.is_file()]
    except OSError:
        return f"there is no folder {path.parent} either; check the path"
    specs = [name for name in beside if name.endswith((".yaml", ".yml"))]
    near = nearest(path.name, specs) or nearest(f"{path.name}.yaml", specs)
    return meant(str(path.parent / near)) if near else missing


def _checked(document: Document, overrides: Overrides, source: str) -> Loaded:
    flags = Flags(document.data)
    data = flags.apply(overrides)
    findings = [*document.findings, *flags.findings]

    def places(path: Sequence[str]) -> str:
        return flags.place(path) or document.where(path)

    spec = None
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        known = {finding.where for finding in findings}
        # Errors beyond the limit would each cost a walk of the file, and nobody reads them.
        for each in error.errors(include_url=False)[: FINDINGS_MAX + 1]:
            case = case_of(each, data)
            finding = Finding(places(case.path), *say(each["type"], case))
            if finding.where not in known:
                findings.append(finding)
    if findings or spec is None:
        ordered = sorted(findings, key=lambda f: _line_of(document.name, f.where))
        if len(ordered) > FINDINGS_MAX:
            more = Finding(
                document.name or "spec", "has more findings than these", "mend these first"
            )
            ordered = [*ordered[:FINDINGS_MAX], more]
        raise SpecError(ordered)
    return Loaded(spec, source, places)


def _line_of(name: str, where: str) -> int:
    found = re.match(r":(\d+)", where.removeprefix(name)) if name else None
    return int(found[1]) if found else 0
