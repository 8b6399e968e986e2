"""``provision list``: the clusters there are."""

import dataclasses

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import output_options
from provision.cli.tables import Table
from provision.errors import EXIT_DONE


@click.command("list")
@output_options
def run(options: ConsoleOptions) -> int:
    """List the clusters, from the labels of their machines alone."""
    from provision import operations

    with Console(options) as console:
        found = operations.clusters()
        data = [{**dataclasses.asdict(one), "expired": one.expired} for one in found]
        console.result(data, Table(views.CLUSTER_COLUMNS, views.cluster_rows(found)))
    return EXIT_DONE
