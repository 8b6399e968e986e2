"""``provision completion``: the script that a shell reads once to complete our words."""

import click

from provision.cli.console import Console, ConsoleOptions
from provision.errors import EXIT_DONE


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def run(shell: str) -> int:
    """Print the completion script of a shell.

    \b
    bash: echo 'source <(provision completion bash)' >> ~/.bashrc
    zsh:  echo 'source <(provision completion zsh)' >> ~/.zshrc
    fish: provision completion fish > ~/.config/fish/completions/provision.fish
    """
    with Console(ConsoleOptions()) as console:
        console.write(script(shell))
    return EXIT_DONE


def script(shell: str) -> str:
    """Click's script for the shell, which asks ``provision`` itself for the words."""
    from click.shell_completion import ShellComplete, get_completion_class

    from provision.cli.app import GROUP, PROGRAM
    from provision.cli.commands import COMPLETE

    kind = get_completion_class(shell)
    assert kind is not None, "click knows every shell that the argument allows"
    # Not BashComplete.source(): it starts bash to look at its version.
    return ShellComplete.source(kind(GROUP, {}, PROGRAM, COMPLETE)) + "\n"
