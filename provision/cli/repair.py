"""``provision repair``: replace what died."""

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import cluster_argument, output_options


@click.command("repair")
@cluster_argument
@click.option(
    "--controller",
    is_flag=True,
    help="Make the controller anew, though it has its disk still, or runs and does not answer.",
)
@output_options
def run(name: str, controller: bool, options: ConsoleOptions) -> int:
    """Replace machines that are gone or stopped, and nodes that the scheduler calls down.

    Nodes that someone drained stay as they are. A controller that has stopped is started where it kept
    its disk (GCE). Else, and where it is gone, it is made anew and the workers register with it; its queue
    and history are lost.
    """
    from provision.recipes.repair import repair

    with Console(options) as console:
        command = f"provision repair {name}".strip()
        outcome = repair(name, console.emit, command, renew=controller)
        console.result(views.outcome_data(outcome), *views.repair_lines(outcome))
        return outcome.exit_code
