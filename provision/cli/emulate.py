"""``provision emulate``: a cloud on this machine, for this tool and for anybody else's."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provision import extras
from provision.cli.console import Console, ConsoleOptions
from provision.cli.groups import FILE_PATH, CommandGroup
from provision.cli.options import output_options
from provision.errors import EXIT_DONE, SpecError, UsageError
from provision.runtimes import KINDS

if TYPE_CHECKING:
    from provision.emulator.dials import Dials

LINKS = ("google", "own")
MACHINES = (*KINDS, "none")
FORWARD = {"ignore_unknown_options": False, "allow_interspersed_args": False}


@click.group("emulate", cls=CommandGroup)
def run() -> None:
    """A cloud on this machine over its own REST API, with machines that really boot."""


@run.command("gce", context_settings=FORWARD)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; 0 takes a free one.")
@click.option(
    "--machines",
    type=click.Choice(MACHINES),
    default="light",
    show_default=True,
    help="What boots behind a VM; none: nothing, VMs are state only.",
)
@click.option(
    "--links",
    type=click.Choice(LINKS),
    default="google",
    show_default=True,
    help="What links in answers begin with: Google's host, as there; own: this one, to be followed.",
)
@click.option("--project", "projects", multiple=True, help="Project that exists (else all do).")
@click.option("--dials", "file", type=FILE_PATH, help="Dials from a JSON or YAML file.")
@click.option("--set", "settings", multiple=True, metavar="DIAL=VALUE", help="Turn one dial.")
@output_options
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def gce(
    host: str,
    port: int,
    machines: str,
    links: str,
    projects: tuple[str, ...],
    file: Path | None,
    settings: tuple[str, ...],
    command: tuple[str, ...],
    options: ConsoleOptions,
) -> int:
    """Emulate Google Compute Engine until Ctrl-C, or while COMMAND runs.

    Prints the environment that leads clients to it. With '-- COMMAND' the command gets that
    environment, and its exit code is the answer.
    """
    extras.check("emulator", "emulate")
    from provision.emulator import serve

    with Console(options) as console:
        asked = serve.Options(
            host, port, machines, _dials("gce", file, settings), projects, links, "gce"
        )
        if host not in ("127.0.0.1", "::1", "localhost"):
            console.note(
                f"everyone who reaches {host} can use this emulator; its API asks for no password"
            )
        if command:
            return serve.around(asked, console.emit, command)
        serve.forever(asked, console.emit, lambda env: console.result(dict(env), _exports(env)))
    return EXIT_DONE


def _exports(env: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}={value}" for name, value in env.items())


@run.command("set")
@click.option(
    "--endpoint", envvar="PROVISION_GCE_ENDPOINT", required=True, help="URL of the emulator."
)
@click.option(
    "--token",
    envvar="PROVISION_EMULATOR_TOKEN",
    default="",
    help="What the emulator printed as such.",
)
@click.argument("settings", nargs=-1, required=True, metavar="DIAL=VALUE...")
@output_options
def turn(endpoint: str, token: str, settings: tuple[str, ...], options: ConsoleOptions) -> int:
    """Turn dials of an emulator that runs: boot=20..40 never_join=0.05 capacity.us-central1-a.*=0."""
    extras.check("emulator", "emulate")
    from provision.emulator import asking

    with Console(options) as console:
        dials = asking.turn(endpoint, token, asking.parse(_pairs(settings)))
        console.result(dials, json.dumps(dials, indent=2))
    return EXIT_DONE


@run.command("clean")
@output_options
def clean(options: ConsoleOptions) -> int:
    """Remove what emulators that were killed have left on this machine."""
    extras.check("emulator", "emulate")
    from provision.emulator import hostroom

    with Console(options) as console:
        removed, limits = hostroom.clean_all()
        text = f"{len(removed)} leftovers removed"
        if limits:
            text += f"; kernel limits put back: {hostroom.listed(limits)}"
        console.result({"removed": removed, "limits": limits}, text)
    return EXIT_DONE


def _pairs(settings: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise UsageError(
                f"'{setting}' sets nothing", "write DIAL=VALUE, for example boot=20..40"
            )
        pairs[name] = value
    return pairs


def _dials(api: str, file: Path | None, settings: tuple[str, ...]) -> "Dials":
    from provision.emulator import asking
    from provision.emulator.apis import APIS
    from provision.emulator.dials import DialError

    kind = APIS[api]()
    dials = kind.dials
    try:
        if file is not None:
            dials = kind.turned(dials, _read(file))
        turned: Dials = kind.turned(dials, asking.parse(_pairs(settings)))
        return turned
    except DialError as error:
        raise UsageError(str(error), "see docs/emulate.md for all dials") from error


def _read(file: Path) -> dict[str, object]:
    from provision.spec.reader import document

    read = document(file, "dials.yaml", "see docs/emulate.md for all dials")
    if read.findings:
        raise SpecError(read.findings)
    if not isinstance(read.data, dict):
        raise UsageError(f"{file} holds no dials", "write them as a mapping: 'boot: 20..40'")
    return read.data
