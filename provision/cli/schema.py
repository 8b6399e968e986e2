"""``provision schema``: what a spec may hold, for editors and other tools."""

import json

import click

from provision.cli.console import Console, ConsoleOptions
from provision.errors import EXIT_DONE


@click.command("schema")
def run() -> int:
    """Print the JSON Schema of a spec.

    Editors with yaml-language-server complete and check a spec that begins with the line
    '# yaml-language-server: $schema=provision.schema.json', as 'provision init' writes it.
    """
    from provision.spec.schema import schema

    with Console(ConsoleOptions()) as console:
        console.write(json.dumps(schema(), indent=2) + "\n")
    return EXIT_DONE
