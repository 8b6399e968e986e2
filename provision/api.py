"""What Python programs may build on; everything else of the package may change without notice.

The recipes of the command line, the spec, the events they tell and the errors they raise. Nothing here
prints, prompts or ends the process. Importing it loads no cloud; docs/api.md has an example.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from provision.cluster import listing, nodes
from provision.cluster import status as looking
from provision.cluster.listing import Summary
from provision.cluster.status import Status
from provision.errors import (
    CloudFailure,
    DeclinedError,
    InterruptedRun,
    NotReadyError,
    ProvisionError,
    RefusedError,
    SpecError,
    UnknownClusterError,
    UsageError,
)
from provision.events import Emit, Event, ignore
from provision.recipes import down as down_recipe
from provision.recipes import up as up_recipe
from provision.recipes.consent import Agree, Purchase
from provision.recipes.outcome import Outcome
from provision.remote.fanout import HostResult
from provision.spec.clouds import GceCloud, LocalCloud
from provision.spec.flags import Overrides
from provision.spec.models import Group, Ready, Spec
from provision.spec.reader import load

__all__ = [
    "Agree",
    "CloudFailure",
    "DeclinedError",
    "Emit",
    "Event",
    "GceCloud",
    "Group",
    "HostResult",
    "InterruptedRun",
    "LocalCloud",
    "NotReadyError",
    "Outcome",
    "ProvisionError",
    "Purchase",
    "Ready",
    "RefusedError",
    "Spec",
    "SpecError",
    "Status",
    "Summary",
    "UnknownClusterError",
    "UsageError",
    "clusters",
    "down",
    "read_spec",
    "run",
    "status",
    "up",
]


def read_spec(path: Path | str, name: str = "") -> Spec:
    """The spec in a YAML file; ``name`` stands for the one in it.

    Raises:
        SpecError: everything that is wrong with it, in ``findings``.
    """
    return load(Path(path), Overrides(name=name or None)).spec


def up(spec: Spec, emit: Emit = ignore, *, agree: Agree | None = None) -> Outcome:
    """Bring the cluster up, or go on with one that an earlier run began; it is proved by a job.

    ``agree`` is asked before anything is created that somebody pays for; without one it is created.

    Raises:
        RefusedError: nothing was created, and why (``findings``).
        NotReadyError: fewer nodes joined than the quorum, by the deadline.
        ProvisionError: anything else; the sentence ends with the next step.
    """
    return up_recipe.up(spec, emit, "provision.api.up", agree=agree)


def down(name: str, emit: Emit = ignore) -> list[str]:
    """Remove everything that carries the name, without a question; answers the names of what went.

    Raises:
        UnknownClusterError: nothing carries the name.
        ProvisionError: something could not be removed, or not every place could be asked.
    """
    return down_recipe.down(name, emit, "provision.api.down")


def run(
    name: str, command: str, only: Sequence[str] = (), timeout: float = 600, emit: Emit = ignore
) -> Iterator[HostResult]:
    """Run a shell command on all workers (or ``only`` these nodes); results come as the nodes end.

    ``timeout`` is in seconds. A node that cannot be reached is a result with an ``error``.
    """
    return nodes.run(name, command, only, timeout, emit)


def status(name: str, emit: Emit = ignore) -> Status:
    """The cluster's machines and nodes now."""
    return looking.status(name, emit)


def clusters() -> tuple[Sequence[Summary], Sequence[str]]:
    """All clusters, from labels alone; and in words, which places could not be asked and why."""
    return listing.clusters()
