"""When each node passed each phase, and percentiles over all of them."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Clock:
    """When a node passed each phase, in seconds since the epoch; None where it has not."""

    requested: float | None = None
    started: float | None = None
    booted: float | None = None
    joined: float | None = None
    generation: int = 0


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """``p50``, ``p95`` and ``p100`` of some seconds, nearest rank; empty where there are none."""
    ranked = sorted(values)
    if not ranked:
        return {}
    ranks = {"p50": 0.50, "p95": 0.95, "p100": 1.0}
    return {
        name: round(ranked[max(0, -(-len(ranked) * int(share * 100) // 100) - 1)], 3)
        for name, share in ranks.items()
    }


def timings(clocks: Mapping[str, Clock]) -> dict[str, object]:
    """Every node's clock, and percentiles of each phase in seconds since the node was requested."""
    nodes = [{"name": name, **dataclasses.asdict(clock)} for name, clock in sorted(clocks.items())]
    phases = {}
    for phase in ("started", "booted", "joined"):
        spans = [
            max(0.0, getattr(clock, phase) - clock.requested)
            for clock in clocks.values()
            if clock.requested and getattr(clock, phase)
        ]
        phases[phase] = percentiles(spans)
    return {"nodes": nodes, "seconds_since_requested": phases}


def clocks(saved: Mapping[str, Any]) -> dict[str, Clock]:
    """The clocks that :func:`timings` wrote, by node; empty where there are none."""
    names = [item.name for item in dataclasses.fields(Clock)]
    return {
        str(node["name"]): Clock(**{name: node.get(name) for name in names})
        for node in saved.get("nodes", [])
    }
