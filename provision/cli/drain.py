"""``provision drain``: take nodes out of service."""

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import name_and_nodes, output_options, words_argument
from provision.errors import EXIT_DONE, UsageError


@click.command("drain")
@words_argument("[NAME] NODE...")
@click.option(
    "--reason", default="provision drain", show_default=True, help="Why, for others to read."
)
@output_options
def run(words: tuple[str, ...], reason: str, options: ConsoleOptions) -> int:
    """Give the nodes no new jobs; running jobs go on."""
    from provision.cluster import status

    name, nodes = name_and_nodes(words)
    if not nodes:
        raise UsageError("no node was named", "name one: provision drain demo worker-0001")
    with Console(options) as console:
        changed = status.drain(name, nodes, reason, console.emit)
        lines = views.member_lines(changed)
        console.result({"drained": [one.name for one in changed]}, *lines)
    return EXIT_DONE
