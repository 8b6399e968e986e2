"""``provision run``: one command on many nodes."""

import dataclasses
import shlex

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.nodeoptions import DashedCommand, nodes_options, seconds_option
from provision.cli.options import cluster_argument, output_options
from provision.errors import UsageError
from provision.events import Event, Progress


@click.command("run", cls=DashedCommand)
@cluster_argument
@nodes_options
@seconds_option
@click.option(
    "--fold/--no-fold",
    default=None,
    help="Tell equal answers once, at the end (the default from 9 nodes on), or each as it comes.",
)
@output_options
def run(
    name: str,
    only: tuple[str, ...],
    timeout: float,
    fold: bool | None,
    options: ConsoleOptions,
    command: tuple[str, ...],
) -> int:
    """Run a command on all workers in parallel; the exit code is the worst one.

    One word is a line for the nodes' shell ('uptime | cut -c1-9'); several are passed on as typed.
    A command that is not done in time (exit code 124), and every one at Ctrl-C, is ended on its node.
    """
    from provision.cli import answers
    from provision.cluster import nodes
    from provision.remote import fanout

    if not command:
        raise UsageError("no command was given", "put it behind --: provision run demo -- uptime")
    line = command[0] if len(command) == 1 else shlex.join(command)
    results: list[fanout.HostResult] = []
    totals: list[int] = []

    def emit(event: Event) -> None:
        """The first answer's progress says how many there will be."""
        if isinstance(event, Progress) and event.step == "run":
            totals.append(event.total)
        console.emit(event)

    with Console(options) as console:
        for result in nodes.run(name, line, only, timeout, emit):
            results.append(result)
            if fold is None:
                fold = totals[0] > answers.FEW
            if not (fold or console.json):
                console.result(None, *answers.lines(result))
        results.sort(key=lambda result: result.host)
        shown = answers.folded(results) if fold else []
        console.result([dataclasses.asdict(result) for result in results], *shown)
    return fanout.worst(results)
