"""What carries our label in any cloud: listed by its census, and removed row after row by that alone."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from provision.cloud import Cloud
from provision.errors import CloudFailure, InterruptedRun, ProvisionError
from provision.events import Emit, Noted
from provision.leftovers import Leftover

TOGETHER = 16
"""Resources that are removed at a time."""
SECONDS = 900.0
"""Seconds that one of them may take to go: a group of 1,000 VMs is the slowest."""
Census = Callable[[], Sequence[Sequence[Leftover]]]
"""Rows in the order in which they can go, as they are now."""


def leftovers(cloud: Cloud, cluster: str = "") -> list[Leftover]:
    """Everything of the cluster (of ours, without one), what goes first standing first."""
    return [one for row in cloud.census(cluster) for one in row]


def sweep(census: Census, emit: Emit, seconds: float = SECONDS) -> list[str]:
    """Remove all that there is, row after row; answers the names.

    A row that leaves something ends it: what stands in the next ones is needed by that. Whether nothing
    is left in the end is for the caller to look at.

    Raises:
        ProvisionError: of what could not be removed, each named.
    """
    gone: list[str] = []
    rows = census()
    for number in range(len(rows)):
        # Looked at again: what stood in an earlier row may have taken some of it along.
        row = census()[number] if number else rows[number]
        failures: list[tuple[Leftover, ProvisionError]] = []
        with ThreadPoolExecutor(TOGETHER, thread_name_prefix="sweep") as pool:
            for one, failure in zip(
                row, pool.map(lambda one: _removed(one, seconds), row), strict=True
            ):
                if failure:
                    failures.append((one, failure))
                else:
                    emit(Noted(text=f"removed the {one.kind} {one.name}"))
                    gone.append(one.name)
        if failures:
            raise _failed(failures)
    return gone


def _removed(one: Leftover, seconds: float) -> ProvisionError | None:
    """Why it could not be; a wish to stop ends all of it."""
    try:
        one.remove(seconds)
    except InterruptedRun:
        raise
    except ProvisionError as failure:
        return failure
    return None


def _failed(failures: Sequence[tuple[Leftover, ProvisionError]]) -> ProvisionError:
    """The one failure as it is; of several all names, and each reason once."""
    _, first = failures[0]
    if len(failures) == 1:
        return first
    names = ", ".join(f"the {one.kind} {one.name}" for one, _ in failures)
    reasons = "; ".join(dict.fromkeys(failure.problem for _, failure in failures))
    return CloudFailure(f"{names} could not be removed ({reasons})", first.next_step)
