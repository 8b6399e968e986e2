"""``provision validate``: everything that can be checked of a spec without a cloud."""

import re
from pathlib import Path

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import SpecChoice, output_options, spec_options
from provision.errors import EXIT_DONE, Finding, SpecError
from provision.spec.models import Spec

KEYS = frozenset(Spec.model_fields)


@click.command("validate")
@spec_options
@output_options
def run(chosen: SpecChoice, options: ConsoleOptions) -> int:
    """Check SPEC and the user-data it leads to; needs no cloud and creates nothing.

    With --output json the findings are the result: where each is (file, line, path), and its sentence.
    """
    from provision.cluster import status

    with Console(options) as console:
        try:
            loaded, plan = chosen.plan()
            if faults := status.faults(plan):
                raise loaded.placed(SpecError(faults))
        except SpecError as error:
            if not console.json:
                raise
            found = [finding_data(finding, chosen.path) for finding in error.findings]
            console.result({"ok": False, "findings": found})
            return error.exit_code
        workers = len(plan.workers)
        said = f"ok: {plan.name} on {plan.cloud.kind}: 1 controller and {workers} workers"
        data = {"ok": True, "name": plan.name, "source": loaded.source, "workers": workers}
        data |= {"findings": []}
        console.result(data, said)
    return EXIT_DONE


def finding_data(finding: Finding, file: Path | None) -> dict[str, object]:
    """A finding for a tool: ``line`` is None and ``path`` '' where there is none.

    ``where`` is what people read: file, line and path, or the flag or variable that is wrong.
    """
    where = finding.where
    found = re.fullmatch(r"(\d+)(?:: (.*))?", where.removeprefix(f"{file}:")) if file else None
    path = (found[2] or "" if found else where).removesuffix(".")
    return {
        "severity": "error",
        "file": str(file) if file and (found or where == str(file)) else None,
        "line": int(found[1]) if found else None,
        "path": path if path.split(".")[0] in KEYS else "",
        "where": where,
        "problem": finding.problem,
        "fix": finding.fix,
        "sentence": str(finding),
    }
