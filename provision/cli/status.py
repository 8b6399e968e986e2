"""``provision status``: a cluster and its nodes now."""

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import cluster_argument, output_options
from provision.cli.tables import Table
from provision.errors import EXIT_DONE, EXIT_INCOMPLETE


@click.command("status")
@cluster_argument
@output_options
def run(name: str, options: ConsoleOptions) -> int:
    """Show what the cloud and the scheduler say of each node.

    Exit 0 when every node that was asked for can take jobs, 3 when some cannot.
    """
    from provision import operations

    with Console(options) as console:
        found = operations.status(name, console.emit)
        table = Table(views.NODE_COLUMNS, views.node_rows(found))
        console.result(found.as_dict(), table, views.status_line(found))
    return EXIT_DONE if found.ready >= found.asked else EXIT_INCOMPLETE
