"""``provision logs``: what a node said while it booted."""

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import name_and_nodes, output_options, words_argument
from provision.errors import EXIT_DONE, UsageError


@click.command("logs")
@words_argument("[NAME] NODE")
@output_options
def run(words: tuple[str, ...], options: ConsoleOptions) -> int:
    """Print the console and cloud-init's output of NODE, also of one that never joined."""
    from provision.cluster import status

    name, nodes = name_and_nodes(words)
    if len(nodes) != 1:
        raise UsageError("one node is wanted", "name it: provision logs demo worker-0001")
    with Console(options) as console:
        said = status.logs(name, nodes[0], console.emit)
        parts = [part for title, text in said.items() for part in (f"==> {title} <==", text)]
        console.result(said, *parts)
    return EXIT_DONE
