"""Options of the commands that work on many nodes, and the command behind their ``--``."""

import functools
from typing import Any, cast

import click

from provision.cli.options import F, complete_nodes

LONGEST = 30 * 86400.0
"""Seconds: a month."""


def nodes_options(function: F) -> F:
    """``--node`` and ``--group``, as ``only``: sets of nodes, none for all workers."""

    @functools.wraps(function)
    def wrapper(*args: Any, nodes: tuple[str, ...], groups: tuple[str, ...], **rest: Any) -> Any:
        return function(*args, only=(*nodes, *(f"@{group}" for group in groups)), **rest)

    node = click.option(
        "--node",
        "nodes",
        multiple=True,
        metavar="NODES",
        shell_complete=complete_nodes,
        help="Only on these: worker-0001, worker-[0001-0003], a,b (may be repeated).",
    )
    group = click.option(
        "--group", "groups", multiple=True, metavar="GROUP", help="Only on this group's nodes."
    )
    return cast(F, node(group(wrapper)))


def seconds_option(function: F) -> F:
    """``--timeout``: how long one node may take."""

    def checked(ctx: click.Context, param: click.Parameter, value: float) -> float:
        if not 0 < value <= LONGEST:
            said = f"{value:g} is no time to wait; give 1 to {LONGEST:.0f}"
            raise click.BadParameter(said, ctx, param)
        return value

    return click.option(
        "--timeout",
        type=float,
        default=600.0,
        show_default=True,
        metavar="SECONDS",
        callback=checked,
        help="Seconds one node may take.",
    )(function)


class DashedCommand(click.Command):
    """A command whose words behind ``--`` are for someone else, as ``command``: a tuple of words.

    Click drops the ``--`` and could not tell ``run NAME -- CMD`` from ``run -- CMD ARG``.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before ``--`` and keep the rest."""
        behind: list[str] = []
        if "--" in args:
            at = args.index("--")
            args, behind = args[:at], args[at + 1 :]
        rest = super().parse_args(ctx, args)
        ctx.params["command"] = tuple(behind)
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The usage line, with the command at its end."""
        return [*super().collect_usage_pieces(ctx), "-- COMMAND ..."]
