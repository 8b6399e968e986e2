"""``provision validate``: everything that can be checked of a spec without a cloud."""

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import SpecChoice, output_options, spec_options
from provision.errors import EXIT_DONE, SpecError


@click.command("validate")
@spec_options
@output_options
def run(chosen: SpecChoice, options: ConsoleOptions) -> int:
    """Check SPEC and the user-data it leads to; needs no cloud and creates nothing."""
    from provision import operations

    with Console(options) as console:
        loaded, plan = chosen.plan()
        if faults := operations.faults(plan):
            raise loaded.placed(SpecError(faults))
        workers = len(plan.workers)
        said = f"ok: {plan.name} on {plan.cloud.kind}: 1 controller and {workers} workers"
        data = {"ok": True, "name": plan.name, "source": loaded.source, "workers": workers}
        console.result(data, said)
    return EXIT_DONE
