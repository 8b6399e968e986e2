"""``provision quota``: what a spec needs of the account's quotas, and what is left of them."""

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import SpecChoice, output_options, spec_options
from provision.cli.tables import Table
from provision.errors import EXIT_DONE, EXIT_REFUSED, SpecError


@click.command("quota")
@spec_options
@output_options
def run(chosen: SpecChoice, options: ConsoleOptions) -> int:
    """Show what SPEC needs of each quota, what is left of it, and how many nodes would fit.

    Creates nothing. Exit 0 when all fits, 4 when 'up' would refuse.
    """
    from provision.recipes import consent

    with Console(options) as console:
        loaded, _ = chosen.plan()
        try:
            room = consent.headroom(loaded.spec, console.emit)
        except SpecError as error:
            raise loaded.placed(error) from None
        table = [Table(views.LIMIT_COLUMNS, views.limit_rows(room.limits))] if room.limits else []
        console.result(views.room_data(room), *table, *views.room_lines(room))
    return EXIT_DONE if room.fits else EXIT_REFUSED
