"""``provision status``: a cluster and its nodes now."""

from dataclasses import replace

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import cluster_argument, output_options
from provision.errors import EXIT_DONE, EXIT_INCOMPLETE


@click.command("status")
@cluster_argument
@click.option("--all", "every", is_flag=True, help="A row for each node, however many there are.")
@click.option("--not-ready", is_flag=True, help="Only the nodes that can take no jobs now.")
@output_options
def run(name: str, every: bool, not_ready: bool, options: ConsoleOptions) -> int:
    """Show what the cloud and the scheduler say of each node; many alike share a row.

    Exit 0 when every node that was asked for can take jobs, 3 when some cannot.
    """
    from provision.cluster import status
    from provision.scheduler import MemberState

    with Console(options) as console:
        found = status.status(name, console.emit)
        shown = found
        if not_ready:
            lacking = [node for node in found.nodes if node.state != MemberState.READY]
            shown = replace(found, nodes=tuple(lacking))
        table = views.node_table(shown, every)
        parts = [table] if table.rows or not not_ready else []
        console.result(shown.as_dict(), *parts, views.status_line(found))
    return EXIT_DONE if found.ready >= found.asked else EXIT_INCOMPLETE
