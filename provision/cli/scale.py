"""``provision scale``: more nodes, or fewer."""

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import output_options, words_argument
from provision.errors import UsageError
from provision.names import cluster_name
from provision.spec.models import NODES_MAX


@click.command("scale")
@words_argument("[NAME] N")
@click.option("--group", default="", metavar="GROUP", help="Which group, where there are several.")
@click.option("--force", is_flag=True, help="Remove nodes that run jobs too.")
@output_options
def run(words: tuple[str, ...], group: str, force: bool, options: ConsoleOptions) -> int:
    """Make the cluster N nodes large.

    Fewer: the highest numbers are drained and removed; none that runs a job, unless --force.
    """
    from provision.recipes.scale import scale

    name, nodes = _name_and_number(words)
    with Console(options) as console:
        command = f"provision scale {name} {nodes}"
        outcome = scale(name, nodes, group, console.emit, command, force=force)
        console.result(views.outcome_data(outcome), *views.outcome_lines(outcome))
        return outcome.exit_code


def _name_and_number(words: tuple[str, ...]) -> tuple[str, int]:
    if not 1 <= len(words) <= 2:
        raise UsageError("a number of nodes is wanted", "for example: provision scale demo 16")
    text = words[-1]
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= NODES_MAX:
        raise UsageError(
            f"{text!r} is not a number of nodes", f"give a whole number from 1 to {NODES_MAX}"
        )
    return cluster_name(words[0]) if len(words) > 1 else "", int(text)
