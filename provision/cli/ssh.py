"""``provision ssh``: a login, by the system's own OpenSSH."""

import os
import shlex
import shutil

import click

from provision.cli.options import DashedCommand, cluster_argument, node_argument
from provision.errors import ProvisionError


@click.command("ssh", cls=DashedCommand)
@cluster_argument
@node_argument
def run(name: str, node: str, command: tuple[str, ...]) -> int:
    """Log in to the controller, or to NODE; with a command behind --, run that instead.

    Hands over to OpenSSH with the cluster's own configuration.
    """
    from provision import operations

    program = shutil.which("ssh")
    if program is None:
        raise ProvisionError("OpenSSH's ssh is not on this machine", "install openssh-client")
    config, host = operations.ssh_target(name, node)
    line = command[0] if len(command) == 1 else shlex.join(command)
    words = [program, "-F", str(config), host, *([line] if command else [])]
    os.execv(program, words)
    return 1  # execv does not come back
