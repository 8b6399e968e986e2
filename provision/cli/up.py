"""``provision up``: the cluster, joined and proved."""

import dataclasses
import sys

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import SpecChoice, output_options, spec_options
from provision.cli.tables import Table
from provision.cli.terminal import can_ask
from provision.errors import EXIT_DONE, SpecError, UsageError
from provision.recipes import up as recipe
from provision.recipes.consent import Agree, Purchase
from provision.recipes.outcome import PROVED, STAGES


@click.command("up")
@spec_options
@click.option(
    "--until",
    type=click.Choice(STAGES),
    default=PROVED,
    show_default=True,
    help="Where to stop: accepted by the cloud, joined to the scheduler, proved by a job.",
)
@click.option("--preview", is_flag=True, help="Only say what would be created or changed.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before creating what costs money.")
@click.option(
    "--shrink-to-fit",
    "shrink",
    is_flag=True,
    help="Take as many nodes as the quotas allow (of the last group).",
)
@output_options
def run(
    chosen: SpecChoice, until: str, preview: bool, yes: bool, shrink: bool, options: ConsoleOptions
) -> int:
    """Bring up the cluster of SPEC (or of flags alone) and prove that it runs work.

    Run it again to go on where it stopped: what is there is left as it is.
    """
    with Console(options) as console:
        loaded, _ = chosen.plan()
        command = f"provision {' '.join(sys.argv[1:])}"
        agree = None if yes else asking(console)
        try:
            if preview:
                changes = recipe.preview(loaded.spec, console.emit, shrink=shrink)
                data = [dataclasses.asdict(change) for change in changes]
                console.result(data, Table(views.CHANGE_COLUMNS, views.change_rows(changes)))
                return EXIT_DONE
            outcome = recipe.up(
                loaded.spec, console.emit, command, until, agree=agree, shrink=shrink
            )
        except SpecError as error:
            raise loaded.placed(error) from None
        console.result(views.outcome_data(outcome), *views.outcome_lines(outcome))
        return outcome.exit_code


def asking(console: Console) -> Agree:
    """Asks the one who types; without a terminal it raises UsageError, as nobody has agreed."""

    def agree(purchase: Purchase) -> bool:
        what = views.purchase_line(purchase)
        if not can_ask():
            fix = "give --yes to agree without being asked"
            raise UsageError(f"{what}, and there is no terminal to ask at", fix)
        return console.confirm(f"{what}. Create them?")

    return agree
