"""What a run leaves in the cluster's folder: outputs for other tools, and every node's clock."""

import contextlib
from dataclasses import asdict
from typing import Any

from provision.cluster import outputs
from provision.errors import SchedulerFailure, UnreachableError, UnreadableError
from provision.events import Warned
from provision.recipes import timings
from provision.recipes.bringup import Run


def write(run: Run) -> None:
    """Write the outputs for other tools and the timings."""
    session = run.session
    if run.wait and any(node.clock.booted is None for node in run.wait.joined):
        # One that had joined a moment before was asked about too early.
        save_timings(run)
    inventory = session.inventory()
    session.write_access(inventory)
    data = outputs.as_dict(inventory)
    data["proof"] = asdict(run.proof) if run.proof else None
    session.workspace.save("outputs", data)


def save_timings(run: Run) -> None:
    """Keep every node's clock: this run's for the nodes it made, the earlier one's for the others."""
    wait = run.wait
    assert wait is not None, "join() comes first"
    with contextlib.suppress(UnreachableError, SchedulerFailure):
        starts = run.session.scheduler.agent_starts(run.session.try_shell(run.plan))
        for name, when in starts.items():
            if name in wait.nodes:
                wait.nodes[name].clock.booted = when
    fresh = {machine.name for machine in run.lacking}
    fresh |= {node.name for node in wait.nodes.values() if node.replaced}
    before = timings.clocks(earlier(run, "timings"))
    clocks = {
        name: node.clock if name in fresh else before.get(name, node.clock)
        for name, node in wait.nodes.items()
    }
    if clocks != before:
        run.session.workspace.save(
            "timings", {"cluster": run.plan.name, "began": run.began, **timings.timings(clocks)}
        )


def earlier(run: Run, name: str) -> dict[str, Any]:
    """What an earlier run left in a file that this one writes whole; a damaged one is told."""
    try:
        return run.session.workspace.load(name)
    except UnreadableError as error:
        run.session.emit(Warned(text=f"{error.problem}; it is written anew"))
        return {}
