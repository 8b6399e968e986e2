"""``provision repair``: replace what died."""

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import cluster_argument, output_options


@click.command("repair")
@cluster_argument
@output_options
def run(name: str, options: ConsoleOptions) -> int:
    """Replace machines that are gone or stopped, and nodes that the scheduler calls down.

    Nodes that someone drained stay as they are.
    """
    from provision import lifecycle

    with Console(options) as console:
        outcome = lifecycle.repair(name, console.emit, f"provision repair {name}".strip())
        console.result(views.outcome_data(outcome), *views.outcome_lines(outcome))
        return outcome.exit_code
