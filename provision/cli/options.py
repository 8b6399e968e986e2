"""Options that several commands share, each a decorator that hands the command one value."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from provision.cli.console import ConsoleOptions
from provision.cli.groups import FILE_PATH
from provision.errors import SpecError, UsageError
from provision.names import cluster_name

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from provision.plan import Plan
    from provision.spec.flags import Overrides
    from provision.spec.reader import Loaded

Run = Callable[..., int]
F = TypeVar("F", bound=Callable[..., Any])


class Duration(click.ParamType[int]):
    """``90s``, ``5m``, ``4h`` or ``2d``, as in a spec; hands on seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from provision.spec.models import duration_of

        try:
            return duration_of(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


@dataclass(frozen=True, slots=True)
class SpecChoice:
    """The spec a command line names: a file or none, and the flags that override it."""

    path: Path | None
    flags: dict[str, Any]
    otherwise: dict[str, Any] = field(default_factory=dict)
    """What the user's file of defaults says; a spec goes before it, and flags before the spec."""

    @property
    def overrides(self) -> "Overrides":
        """The flags as the spec reader takes them."""
        from provision.spec.flags import Overrides

        return Overrides(**self.flags, otherwise=Overrides(**self.otherwise))

    def load(self) -> "Loaded":
        """Read it; raises ``SpecError`` with everything that is wrong."""
        from provision.spec.reader import load

        return load(self.path, self.overrides)

    def plan(self) -> "tuple[Loaded, Plan]":
        """Read it and work out the plan, with file and line in all findings."""
        from provision.plan import plan_of

        loaded = self.load()
        try:
            return loaded, plan_of(loaded.spec)
        except SpecError as error:
            raise loaded.placed(error) from None


def output_options(function: Run) -> Run:
    """``--output``, ``--quiet`` and ``--events``, as ``options``: a :class:`ConsoleOptions`."""

    @functools.wraps(function)
    def wrapper(*args: Any, output: str, quiet: bool, events: Path | None, **rest: Any) -> int:
        return function(*args, options=ConsoleOptions(output, quiet, events), **rest)

    return _with(
        wrapper,
        click.option(
            "--output",
            "-o",
            type=click.Choice(["table", "json"]),
            default="table",
            help="The result on stdout as a table or as JSON.",
        ),
        click.option("--quiet", "-q", is_flag=True, help="No progress on stderr, only errors."),
        click.option(
            "--events",
            type=FILE_PATH,
            metavar="FILE",
            help="Append every event to this file, one JSON object a line.",
        ),
    )


def spec_options(function: Run) -> Run:
    """The SPEC argument and the flags that override it, as ``chosen``: a :class:`SpecChoice`."""

    @functools.wraps(function)
    def wrapper(*args: Any, spec: Path | None, **rest: Any) -> int:
        return function(*args, chosen=_chosen(spec, rest), **rest)

    return _with(
        wrapper,
        click.argument("spec", required=False, type=FILE_PATH),
        click.option("--name", metavar="NAME", help="Name of the cluster."),
        cloud_option,
        click.option(
            "--nodes",
            multiple=True,
            metavar="[GROUP=]N",
            help="Nodes of the only group, or of GROUP (may be repeated).",
        ),
        machines_option,
        click.option("--project", metavar="ID", help="Google Cloud project."),
        click.option(
            "--region", metavar="REGION", help="Region of the cloud, such as us-central1."
        ),
        click.option(
            "--endpoint", metavar="URL", help="Where the cloud's API answers: an emulator."
        ),
        click.option(
            "--quorum", metavar="SHARE", help="Share of nodes that must join, such as 0.98."
        ),
        click.option("--deadline", metavar="TIME", help="Longest wait for them, such as 10m."),
        click.option("--ttl", metavar="TIME", help="When the cluster may be removed, such as 4h."),
    )


OVERRIDES = (
    "name", "cloud", "nodes", "machines", "project", "region", "endpoint", "quorum", "deadline", "ttl",
)  # fmt: skip
"""Names of the flags of :func:`spec_options`, which are the fields of ``Overrides``."""


def _chosen(spec: Path | None, values: dict[str, Any]) -> SpecChoice:
    """Take the spec's flags out of a command's values, and what the user's file says apart."""
    from provision.cli.defaults import LABELS, origins

    context = click.get_current_context()
    given, labels = origins(context), context.meta.get(LABELS, {})
    flags: dict[str, Any] = {"origins": given}
    otherwise: dict[str, Any] = {"origins": labels}
    for name in OVERRIDES:
        value = values.pop(name)
        if name in labels:
            otherwise[name] = (context.default_map or {})[name]
        if name not in given or given[name] != labels.get(name):
            flags[name] = value
    return SpecChoice(spec, flags, otherwise)


def cluster_argument(function: F) -> F:
    """The NAME argument, '' where it is left out (the only cluster is meant)."""
    return click.argument(
        "name",
        required=False,
        metavar="[NAME]",
        callback=lambda _context, _parameter, value: "" if value is None else cluster_name(value),
        shell_complete=complete_clusters,
    )(function)


def node_argument(function: F) -> F:
    """The NODE argument, '' where it is left out."""
    return click.argument(
        "node", required=False, default="", metavar="[NODE]", shell_complete=complete_nodes
    )(function)


def words_argument(metavar: str) -> Callable[[F], F]:
    """All words of a command whose first may be a cluster's name; see :func:`name_and_nodes`."""
    return click.argument("words", nargs=-1, metavar=metavar, shell_complete=complete_words)


def name_and_nodes(words: Sequence[str]) -> tuple[str, list[str]]:
    """Split ``[NAME] NODE…``: the first word is the name where a cluster of that name is known.

    With one word that names no known cluster, it is a node of the only cluster.
    """
    from provision.workspace import known_clusters

    given = list(words)
    if "" in given:
        raise UsageError("one of the names is empty", "give each, or leave it out")
    if given and (given[0] in known_clusters() or (len(given) > 1 and not _is_node(given[0]))):
        return cluster_name(given[0]), given[1:]
    return "", given


def _is_node(word: str) -> bool:
    stem, _, number = word.rpartition("-")
    # No cluster is called like a set of nodes.
    return any(sign in word for sign in "[],@") or (
        bool(stem) and (number.isdigit() or number == "controller")
    )


def complete_clusters(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    """Names of the clusters that have a folder here."""
    try:
        from provision.workspace import known_clusters

        return _items(known_clusters(), incomplete)
    except Exception:  # noqa: BLE001  # a shell can do nothing with it
        return []


def complete_nodes(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    """Names of the cluster's nodes as last written, in the short form people type."""
    try:
        from provision.workspace import known_clusters, known_nodes

        # In the middle of an option click has not assigned the arguments yet.
        named = str(ctx.params.get("name") or next(iter(ctx.args), ""))
        clusters = [named] if named else known_clusters()
        nodes = [
            node.removeprefix(f"{cluster}-")
            for cluster in clusters[: 1 if named or len(clusters) == 1 else 0]
            for node in known_nodes(cluster)
        ]
        return _items(nodes, incomplete)
    except Exception:  # noqa: BLE001  # a shell can do nothing with it
        return []


def complete_words(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    """Cluster names for the first word, then nodes of that cluster."""
    before = [str(word) for word in ctx.params.get(str(param.name)) or ()]
    if before:
        ctx.params.setdefault("name", before[0])
        taken = set(before)
        return [item for item in complete_nodes(ctx, param, incomplete) if item.value not in taken]
    clusters = complete_clusters(ctx, param, incomplete)
    return clusters + (complete_nodes(ctx, param, incomplete) if len(clusters) <= 1 else [])


def _complete_allowed(path: Sequence[str]) -> Callable[..., "list[CompletionItem]"]:
    def complete(
        _ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        try:
            from provision.spec.sentences import allowed_words

            return _items(allowed_words(path), incomplete)
        except Exception:  # noqa: BLE001  # a shell can do nothing with it
            return []

    return complete


def _items(words: Sequence[str], incomplete: str) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def _with(function: Run, *decorators: Callable[[Run], Run]) -> Run:
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


cloud_option = click.option(
    "--cloud",
    metavar="KIND",
    help="Where the machines are.",
    shell_complete=_complete_allowed(("cloud", "kind")),
)
machines_option = click.option(
    "--machines",
    metavar="KIND",
    help="Kind of machine.",
    shell_complete=_complete_allowed(("cloud", "machines")),
)
