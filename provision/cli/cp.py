"""``provision cp``: one file to many nodes, or from each of them."""

import dataclasses
from pathlib import Path

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.nodeoptions import nodes_options, seconds_option
from provision.cli.options import output_options, words_argument
from provision.errors import UsageError
from provision.names import cluster_name

REMOTE = ":"
"""What stands before a path on the nodes."""


@click.command("cp")
@words_argument("[NAME] FROM TO")
@nodes_options
@seconds_option
@output_options
def run(
    words: tuple[str, ...],
    only: tuple[str, ...],
    timeout: float,
    options: ConsoleOptions,
) -> int:
    """Copy a file to all workers (FILE :PATH), or from each to FOLDER/NODE/ (:PATH FOLDER).

    A path behind : is on the nodes, from the home of the user 'provision' unless it begins with /.
    A file arrives whole or not at all. The exit code is the worst one. For folders use rsync.
    """
    from provision.cli import answers
    from provision.cluster import nodes
    from provision.remote import fanout

    if not 2 <= len(words) <= 3:
        raise UsageError("a file and a place are wanted", "provision cp demo data.csv :/tmp/")
    name = cluster_name(words[0]) if len(words) == 3 else ""
    source, target = words[-2:]
    if source.startswith(REMOTE) == target.startswith(REMOTE):
        raise UsageError(
            "one of the two is on the nodes, and begins with a colon",
            "provision cp demo data.csv :/tmp/, or provision cp demo :/tmp/out.csv results",
        )
    with Console(options) as console:
        if target.startswith(REMOTE):
            file, place = Path(source), target.removeprefix(REMOTE)
            copied = nodes.upload(name, file, place, only, timeout, console.emit)
        else:
            place = source.removeprefix(REMOTE)
            copied = nodes.download(name, place, Path(target), only, timeout, console.emit)
        results = sorted(copied, key=lambda result: result.host)
        few = len(results) <= answers.FEW
        shown = (
            [line for result in results for line in answers.lines(result)]
            if few
            else answers.folded(results)
        )
        console.result([dataclasses.asdict(result) for result in results], *shown)
    return fanout.worst(results)
