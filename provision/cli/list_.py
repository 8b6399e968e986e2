"""``provision list``: the clusters there are."""

import dataclasses

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import output_options
from provision.cli.tables import Table
from provision.errors import EXIT_DONE, EXIT_FAILED


@click.command("list")
@output_options
def run(options: ConsoleOptions) -> int:
    """List the clusters, from the labels of their machines alone.

    Exit 1 where a place could not be asked, with what the others have.
    """
    from provision.cluster import listing

    with Console(options) as console:
        found, unasked = listing.clusters()
        data = [{**dataclasses.asdict(one), "expired": one.expired} for one in found]
        console.result(data, Table(views.CLUSTER_COLUMNS, views.cluster_rows(found)))
        for words in unasked:
            console.complain(f"{words}; it may have clusters that are not listed")
    return EXIT_FAILED if unasked else EXIT_DONE
