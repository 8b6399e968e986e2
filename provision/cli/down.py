"""``provision down``: a cluster gone without a trace."""

import dataclasses
from typing import TYPE_CHECKING

import click

from provision.cli.console import Console, ConsoleOptions
from provision.cli.options import Duration, cluster_argument, output_options
from provision.cli.terminal import can_ask
from provision.errors import EXIT_DONE, DeclinedError, UnknownClusterError, UsageError

if TYPE_CHECKING:
    from provision.recipes.takedown import Consent, Removal

YES = "give --yes to agree without being asked"


@click.command("down")
@cluster_argument
@click.option("--yes", "-y", is_flag=True, help="Do not ask, whatever it costs and does.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--forget",
    is_flag=True,
    help="Remove only this machine's files, asking no cloud: where that is gone for good.",
)
@click.option(
    "--deadline",
    type=Duration(),
    default="30m",
    show_default=True,
    metavar="TIME",
    help="Longest time for the removal, such as 10m; what is left then is named.",
)
@output_options
def run(
    name: str, yes: bool, dry_run: bool, forget: bool, deadline: int, options: ConsoleOptions
) -> int:
    """Remove everything that carries the cluster's name.

    Asks first where somebody pays for it, where jobs run or wait, and where no NAME is given. Where
    nothing carries the name it says which places were asked; that is exit 0 too, unless one of them
    could not be asked.
    """
    from provision.recipes import down as recipe

    with Console(options) as console:
        if forget:
            return _forget(name, yes, dry_run, console)
        try:
            if dry_run:
                return _show(recipe.removal(name, console.emit, deadline), console)
            command = f"provision down {name}".strip()
            consent = None if yes else asking(console)
            removed = recipe.down(name, console.emit, command, consent=consent, deadline=deadline)
        except UnknownClusterError as error:
            data = {"removed": [], "existing": error.existing, "asked": error.asked}
            console.result({"cluster": name, **data}, str(error))
            return EXIT_DONE
        count = f"{len(removed)} resources removed"
        console.result({"cluster": name, "removed": removed, "existing": []}, count)
    return EXIT_DONE


def asking(console: Console) -> "Consent":
    """Asks the one who types; without a terminal only what costs and does nothing may go unasked."""
    from provision.recipes.takedown import words

    def consent(removal: "Removal") -> bool:
        if can_ask():
            return console.confirm(f"{words(removal)}. Remove it all?")
        if removal.weighty:
            raise UsageError(f"{words(removal)}, and there is no terminal to ask at", YES)
        console.note(words(removal))
        return True

    return consent


def _show(removal: "Removal", console: Console) -> int:
    from provision.cli.tables import Table
    from provision.recipes.takedown import words

    rows = [(one.kind, one.name) for one in removal.resources]
    line = f"would be removed: {words(removal)}"
    data = dataclasses.asdict(dataclasses.replace(removal, resources=()))
    data["resources"] = [one.as_dict() for one in removal.resources]
    console.result(data, Table(("KIND", "NAME"), rows), line)
    return EXIT_DONE


def _forget(name: str, yes: bool, dry_run: bool, console: Console) -> int:
    """Forgetting loses keys and state, so it is never done unasked."""
    from provision.recipes import down as recipe
    from provision.workspace import Workspace

    if not name:
        raise UsageError("--forget wants a NAME", "for example: provision down demo --forget")
    folder = Workspace(name).folder
    what = f"{folder} holds the keys and the state of {name}, whose machines may run on"
    if dry_run or not folder.exists():
        line = what if folder.exists() else f"this machine has no files of {name}"
        console.result({"cluster": name, "forgotten": False}, line)
        return EXIT_DONE
    if not yes and not can_ask():
        raise UsageError(f"{what}, and there is no terminal to ask at", YES)
    if not yes and not console.confirm(f"{what}. Remove only the files?"):
        raise DeclinedError("nothing was removed", "run it again, and answer yes or give --yes")
    recipe.forget(name, f"provision down {name} --forget")
    console.result({"cluster": name, "forgotten": True}, f"the files of {name} are removed")
    return EXIT_DONE
