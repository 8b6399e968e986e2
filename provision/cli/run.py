"""``provision run``: one command on many nodes."""

import dataclasses
import shlex

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import DashedCommand, cluster_argument, complete_nodes, output_options
from provision.errors import UsageError


@click.command("run", cls=DashedCommand)
@cluster_argument
@click.option(
    "--node",
    "only",
    multiple=True,
    metavar="NODE",
    shell_complete=complete_nodes,
    help="Only on this node (may be repeated).",
)
@click.option("--timeout", default=600.0, show_default=True, help="Seconds one node may take.")
@output_options
def run(
    name: str,
    only: tuple[str, ...],
    timeout: float,
    options: ConsoleOptions,
    command: tuple[str, ...],
) -> int:
    """Run a command on all workers in parallel; the exit code is the worst one.

    One word is a line for the nodes' shell ('uptime | cut -c1-9'); several are passed on as typed.
    """
    from provision import nodes
    from provision.remote import fanout

    if not command:
        raise UsageError("no command was given", "put it behind --: provision run demo -- uptime")
    line = command[0] if len(command) == 1 else shlex.join(command)
    with Console(options) as console:
        results = list(nodes.run(name, line, only, timeout, console.emit))
        lines = [
            f"{result.host}: {text}"
            for result in results
            for text in (result.stdout + result.stderr).splitlines() or [""]
            if text or result.exit_code == 0
        ]
        lines += [
            f"{result.host}: exit {result.exit_code}{': ' + result.error if result.error else ''}"
            for result in results
            if result.exit_code
        ]
        console.result([dataclasses.asdict(result) for result in results], *lines)
    return fanout.worst(results)
