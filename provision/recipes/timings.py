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
    """The clocks that :func:`timings` wrote, by node; what is no clock is passed over."""
    nodes = saved.get("nodes")
    found = (_clock(node) for node in (nodes if isinstance(nodes, list) else ()))
    return {name: clock for name, clock in found if name and clock}


def _clock(node: Any) -> tuple[str, Clock | None]:
    if not isinstance(node, dict) or not isinstance(node.get("name"), str):
        return "", None
    times = {key: node.get(key) for key in ("requested", "started", "booted", "joined")}
    generation = node.get("generation", 0)
    sound = all(when is None or type(when) in (int, float) for when in times.values())
    if not sound or type(generation) is not int:
        return "", None
    return node["name"], Clock(**times, generation=generation)
