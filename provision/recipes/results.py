"""What a run leaves in the cluster's folder: outputs for other tools, and every node's clock."""

import contextlib
from dataclasses import asdict
from typing import Any

from provision.cluster import outputs
from provision.cluster.session import Session
from provision.errors import SchedulerFailure, UnreachableError, UnreadableError
from provision.events import Warned
from provision.recipes import timings
from provision.recipes.bringup import BringUp, Gap
from provision.recipes.lateness import Roster
from provision.scheduler import Proof


def write(run: BringUp, gap: Gap, roster: Roster | None = None, proof: Proof | None = None) -> None:
    """Write the outputs for other tools, and the timings where nodes were waited for (``roster``)."""
    session = run.session
    if roster and any(node.clock.booted is None for node in roster.joined):
        # One that had joined a moment before was asked about too early.
        save_timings(run, gap, roster)
    inventory = session.inventory()
    session.write_access(inventory)
    data = outputs.as_dict(inventory)
    data["proof"] = asdict(proof) if proof else None
    session.workspace.save("outputs", data)


def save_timings(run: BringUp, gap: Gap, roster: Roster) -> None:
    """Keep every node's clock: this run's for the nodes it made, the earlier one's for the others."""
    session, nodes = run.session, roster.nodes
    with contextlib.suppress(UnreachableError, SchedulerFailure):
        starts = session.scheduler.agent_starts(session.try_shell(run.plan))
        for name, when in starts.items():
            if name in nodes:
                nodes[name].clock.booted = when
    fresh = {machine.name for machine in gap.lacking}
    fresh |= {node.name for node in nodes.values() if node.replaced}
    before = timings.clocks(earlier(session, "timings"))
    clocks = {
        name: node.clock if name in fresh else before.get(name, node.clock)
        for name, node in nodes.items()
    }
    if clocks != before:
        session.workspace.save(
            "timings", {"cluster": run.plan.name, "began": run.began, **timings.timings(clocks)}
        )


def earlier(session: Session, name: str) -> dict[str, Any]:
    """What an earlier run left in a file that this one writes whole; a damaged one is told."""
    try:
        return session.workspace.load(name)
    except UnreadableError as error:
        session.emit(Warned(text=f"{error.problem}; it is written anew"))
        return {}
