"""``provision inventory``: the nodes for other tools."""

import json

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import cluster_argument
from provision.errors import EXIT_DONE


@click.command("inventory")
@cluster_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["ansible", "ssh", "json", "hosts", "prometheus"]),
    default="json",
    show_default=True,
    help="For whom.",
)
def run(name: str, form: str) -> int:
    """Print the cluster's machines for Ansible, OpenSSH, Prometheus, jq or /etc/hosts."""
    from provision.cluster import outputs, status

    with Console(ConsoleOptions()) as console:
        found = status.inventory(name, console.emit)
        if form == "json":
            console.write(json.dumps(outputs.as_dict(found), indent=2) + "\n")
        else:
            console.write(outputs.FORMATS[form](found))
    return EXIT_DONE
