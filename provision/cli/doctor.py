"""``provision doctor``: does this machine have what a local cluster needs?"""

import dataclasses

import click

from provision.cli import views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import output_options
from provision.cli.tables import Table
from provision.errors import EXIT_DONE, EXIT_REFUSED, ProvisionError
from provision.runtime import HostCheck
from provision.runtimes import KINDS
from provision.spec.models import NODES_MAX


@click.command("doctor")
@click.option(
    "--nodes",
    type=click.IntRange(1, NODES_MAX),
    default=8,
    show_default=True,
    help="For how many nodes to check.",
)
@click.option(
    "--machines",
    type=click.Choice(KINDS),
    default=KINDS[0],
    show_default=True,
    help="Kind of machine.",
)
@click.option("--fix", is_flag=True, help="Mend what is safe to mend (kernel limits; needs root).")
@output_options
def run(nodes: int, machines: str, fix: bool, options: ConsoleOptions) -> int:
    """Check this machine for NODES local nodes, each check with its fix.

    'up' refuses with the same findings. Exit 0 when all is well, 4 when 'up' would refuse.
    """
    from provision.cluster import status

    with Console(options) as console:
        checks = status.host_checks(nodes, machines)
        # All of them: any() would stop at the first.
        if fix and any([_mend(check, console) for check in checks]):
            checks = status.host_checks(nodes, machines)
        data = [
            {
                "name": check.name,
                "ok": check.finding is None,
                "detail": check.detail,
                "finding": dataclasses.asdict(check.finding) if check.finding else None,
                "fixable": check.apply is not None,
            }
            for check in checks
        ]
        console.result(data, Table(views.CHECK_COLUMNS, views.check_rows(checks)))
    return EXIT_REFUSED if any(check.finding for check in checks) else EXIT_DONE


def _mend(check: HostCheck, console: Console) -> bool:
    """Apply one fix; True when it was applied."""
    if check.finding is None or check.apply is None:
        return False
    try:
        check.apply()
    except ProvisionError as error:
        console.complain(str(error))
        return False
    console.note(f"mended: {check.name}")
    return True
