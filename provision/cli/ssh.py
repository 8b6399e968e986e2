"""``provision ssh``: a login, by the system's own OpenSSH."""

import os
import shlex
import shutil
from collections.abc import Sequence

import click

from provision.cli.nodeoptions import DashedCommand
from provision.cli.options import cluster_argument, node_argument
from provision.errors import ProvisionError


@click.command("ssh", cls=DashedCommand)
@cluster_argument
@node_argument
def run(name: str, node: str, command: tuple[str, ...]) -> int:
    """Log in to the controller, or to NODE; with a command behind --, run that instead.

    Hands over to OpenSSH with the cluster's own configuration. What begins with - behind the -- are
    options of OpenSSH: provision ssh demo -- -N -L 8080:localhost:8080
    """
    from provision.cluster import status

    program = shutil.which("ssh")
    if program is None:
        raise ProvisionError("OpenSSH's ssh is not on this machine", "install openssh-client")
    config, host = status.ssh_target(name, node)
    os.execv(program, [program, "-F", str(config), *arguments(host, command)])
    return 1  # execv does not come back


def arguments(host: str, command: Sequence[str]) -> list[str]:
    """OpenSSH's arguments: it takes options behind the host too; a command is one line for a shell."""
    if not command:
        return [host]
    if command[0].startswith("-"):
        return [host, *command]
    return [host, command[0] if len(command) == 1 else shlex.join(command)]
