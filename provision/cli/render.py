"""``provision render``: what a machine boots with."""

from pathlib import Path

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.groups import FilePath
from provision.cli.options import SpecChoice, spec_options
from provision.errors import EXIT_DONE, UsageError
from provision.suggest import did_you_mean


@click.command("render")
@spec_options
@click.option(
    "--role", default="worker", show_default=True, help="'controller', 'worker', or a group's name."
)
@click.option(
    "--to",
    type=FilePath(path_type=Path, dir_okay=False),
    help="Write the exact text, secrets included, to this file (mode 0600).",
)
def run(chosen: SpecChoice, role: str, to: Path | None) -> int:
    """Print the user-data of a role exactly as the machines get it, with the secrets masked.

    With --to it is written whole, with the cluster's own keys where they exist, else with new ones.
    """
    from provision.cluster import status
    from provision.files import check_target, write_private

    with Console(ConsoleOptions()) as console:
        _, plan = chosen.plan()
        texts = status.rendered(plan, masked=to is None)
        group = role if role in texts or role != "worker" else plan.groups[0].name
        if group not in texts:
            near = did_you_mean(role, texts)
            fix = f"{near} choose one of: {', '.join(texts)}".lstrip()
            raise UsageError(f"there is no role {role!r}", fix)
        if to is None:
            console.write(texts[group])
            return EXIT_DONE
        try:
            check_target(to)
            write_private(to.absolute(), texts[group])
        except OSError as error:
            raise UsageError(f"{to} cannot be written ({error.strerror})", "name another") from None
        console.note(f"{to} written, mode 0600")
    return EXIT_DONE
