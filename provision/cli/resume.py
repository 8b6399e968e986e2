"""``provision resume``: put nodes back into service."""

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import name_and_nodes, output_options, words_argument
from provision.errors import EXIT_DONE, UsageError


@click.command("resume")
@words_argument("[NAME] NODE...")
@output_options
def run(words: tuple[str, ...], options: ConsoleOptions) -> int:
    """Let the nodes take jobs again."""
    from provision import operations

    name, nodes = name_and_nodes(words)
    if not nodes:
        raise UsageError("no node was named", "name one: provision resume demo worker-0001")
    with Console(options) as console:
        changed = operations.resume(name, nodes, console.emit)
        console.result({"resumed": changed}, f"resumed {' '.join(changed)}")
    return EXIT_DONE
