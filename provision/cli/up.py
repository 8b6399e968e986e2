"""``provision up``: the cluster, joined and proved."""

import sys

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import SpecChoice, output_options, spec_options
from provision.errors import SpecError


@click.command("up")
@spec_options
@output_options
def run(chosen: SpecChoice, options: ConsoleOptions) -> int:
    """Bring up the cluster of SPEC (or of flags alone) and prove that it runs work.

    Run it again to go on where it stopped: what is there is left as it is.
    """
    from provision import lifecycle

    with Console(options) as console:
        loaded, _ = chosen.plan()
        command = f"provision {' '.join(sys.argv[1:])}"
        try:
            outcome = lifecycle.up(loaded.spec, loaded.source, console.emit, command)
        except SpecError as error:
            raise loaded.placed(error) from None
        console.result(views.outcome_data(outcome), *views.outcome_lines(outcome))
        return outcome.exit_code
