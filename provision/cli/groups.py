"""Click's group, paths and usage errors, in our words: what was meant, and where a value is from."""

from pathlib import Path
from typing import Any

import click

from provision.suggest import did_you_mean


class FilePath(click.Path):
    """A path as :class:`pathlib.Path`; a name that no system takes is a usage error."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Click's own, which lets the system's ValueError through."""
        try:
            return super().convert(value, param, ctx)
        except ValueError:
            self.fail("the name is not valid; give a path without control characters", param, ctx)


FILE_PATH = FilePath(path_type=Path)


class CommandGroup(click.Group):
    """A group of commands that says which one was likely meant; alone it shows its help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without any word the help is the answer, and no error."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit(0)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Click's own, but for the sentence about a command that does not exist."""
        name, known = args[0], self.list_commands(ctx)
        if name in known or ctx.resilient_parsing or name.startswith("-"):
            return super().resolve_command(ctx, args)
        path = ctx.command_path
        fix = did_you_mean(name, known, f"see '{path} --help'", f"'{path} {{}}'")
        raise click.UsageError(f"there is no command '{printable(name)}'; {fix}")


def printable(text: str) -> str:
    """The text without what could steer a terminal; tabs and line ends stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)


def sentence(error: click.ClickException) -> str:
    """Click's message as one sentence that ends with the next step."""
    if isinstance(error, click.NoSuchOption):
        message = f"there is no option '{error.option_name}'"
        options = error.ctx.command.params if error.ctx else []
        known = [word for each in options for word in (*each.opts, *each.secondary_opts)]
        known = [word for word in known if word.startswith("--")]
        near = did_you_mean(error.option_name, known)
    else:
        near = _value(error) if isinstance(error, click.BadParameter) else ""
        message = " ".join(error.format_message().split()).rstrip(".")
        message = message.replace(". Choose", ": choose")
        message = message[:1].lower() + message[1:]
    if near:
        return f"{message}; {near}"
    context = getattr(error, "ctx", None)
    if context is None or "; " in message:
        return message
    return f"{message}; see '{context.command_path} --help'"


def _value(error: click.BadParameter) -> str:
    """Tell a value that nobody typed with where it stands; answers which choice was likely meant."""
    if error.ctx is None or error.param is None:
        return ""
    from provision.cli.defaults import origins

    error.param_hint = origins(error.ctx).get(error.param.name or "") or error.param_hint
    kind = error.param.type
    word = error.message.partition("' is not one of")[0].removeprefix("'")
    return did_you_mean(word, map(str, kind.choices)) if isinstance(kind, click.Choice) else ""
