"""``provision resume``: put nodes back into service."""

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import name_and_nodes, output_options, words_argument
from provision.errors import EXIT_DONE, EXIT_INCOMPLETE, UsageError
from provision.scheduler import MemberState


@click.command("resume")
@words_argument("[NAME] NODE...")
@output_options
def run(words: tuple[str, ...], options: ConsoleOptions) -> int:
    """Let the nodes take jobs again.

    Exit 0 when the scheduler then calls all of them ready, 3 when it does not.
    """
    from provision.cluster import status

    name, nodes = name_and_nodes(words)
    if not nodes:
        raise UsageError("no node was named", "name one: provision resume demo worker-0001")
    with Console(options) as console:
        changed = status.resume(name, nodes, console.emit)
        back = [one.name for one in changed if one.state is MemberState.READY]
        others = [one.name for one in changed if one.state is not MemberState.READY]
        console.result({"resumed": back, "not_ready": others}, *views.member_lines(changed))
    return EXIT_INCOMPLETE if others else EXIT_DONE
