"""``provision up``: the cluster, joined and proved."""

import dataclasses
import sys

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import SpecChoice, output_options, spec_options
from provision.cli.tables import Table
from provision.errors import EXIT_DONE, SpecError


@click.command("up")
@spec_options
@click.option(
    "--until",
    type=click.Choice(["created", "joined", "proved"]),
    default="proved",
    show_default=True,
    help="Where to stop: accepted by the cloud, joined to the scheduler, proved by a job.",
)
@click.option("--preview", is_flag=True, help="Only say what would be created or changed.")
@output_options
def run(chosen: SpecChoice, until: str, preview: bool, options: ConsoleOptions) -> int:
    """Bring up the cluster of SPEC (or of flags alone) and prove that it runs work.

    Run it again to go on where it stopped: what is there is left as it is.
    """
    from provision import lifecycle

    with Console(options) as console:
        loaded, _ = chosen.plan()
        command = f"provision {' '.join(sys.argv[1:])}"
        try:
            if preview:
                changes = lifecycle.preview(loaded.spec, loaded.source, console.emit)
                data = [dataclasses.asdict(change) for change in changes]
                console.result(data, Table(views.CHANGE_COLUMNS, views.change_rows(changes)))
                return EXIT_DONE
            outcome = lifecycle.up(loaded.spec, loaded.source, console.emit, command, until)
        except SpecError as error:
            raise loaded.placed(error) from None
        console.result(views.outcome_data(outcome), *views.outcome_lines(outcome))
        return outcome.exit_code
