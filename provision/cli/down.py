"""``provision down``: a cluster gone without a trace."""

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import cluster_argument, output_options
from provision.errors import EXIT_DONE, UnknownClusterError


@click.command("down")
@cluster_argument
@output_options
def run(name: str, options: ConsoleOptions) -> int:
    """Remove everything that carries the cluster's name.

    Where nothing does, it says so and lists the names that exist; that is exit 0 too.
    """
    from provision import lifecycle

    with Console(options) as console:
        try:
            removed = lifecycle.down(name, console.emit, f"provision down {name}".strip())
        except UnknownClusterError as error:
            console.result({"cluster": name, "removed": [], "existing": error.existing}, str(error))
            return EXIT_DONE
        count = f"{len(removed)} resources removed"
        console.result({"cluster": name, "removed": removed, "existing": []}, count)
    return EXIT_DONE
