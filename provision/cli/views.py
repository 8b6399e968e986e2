"""Results as rows and sentences: what a command shows, apart from how it is printed."""

import time
from collections.abc import Sequence
from typing import Any

from provision.cloud import Change
from provision.lifecycle import CREATED, Outcome
from provision.names import short_name
from provision.operations import Status, Summary
from provision.runtime import HostCheck

Rows = list[Sequence[str]]

MISSING_SHOWN = 20
"""Missing nodes that are named one by one."""
CLUSTER_COLUMNS = ("NAME", "CLOUD", "SCHEDULER", "MACHINES", "RUNNING", "AGE", "EXPIRES")
NODE_COLUMNS = ("NODE", "GROUP", "ADDRESS", "MACHINE", "STATE", "DETAIL")
CHANGE_COLUMNS = ("OPERATION", "KIND", "NAME", "WHAT DIFFERS")
CHECK_COLUMNS = ("CHECK", "STATE", "DETAIL")


def age(seconds: float) -> str:
    """A span in its largest unit: ``4h``, ``12m``, ``30s``."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"


def expires(summary: Summary) -> str:
    """When the cluster's ttl ends, in words."""
    if summary.expires is None:
        return "never"
    left = summary.expires - time.time()
    return f"in {age(left)}" if left > 0 else f"{age(-left)} ago"


def cluster_rows(summaries: Sequence[Summary]) -> Rows:
    """A row per cluster, under :data:`CLUSTER_COLUMNS`."""
    now = time.time()
    return [
        (
            s.name,
            s.cloud,
            s.scheduler,
            str(s.machines),
            str(s.started),
            age(now - s.created),
            expires(s),
        )
        for s in summaries
    ]


def node_rows(status: Status) -> Rows:
    """A row per node, under :data:`NODE_COLUMNS`."""
    return [
        (
            short_name(status.summary.name, node.name),
            node.group,
            node.address,
            node.phase,
            node.state + (", busy" if node.busy else ""),
            " ".join(word for word in (node.detail, node.reason) if word),
        )
        for node in status.nodes
    ]


def change_rows(changes: Sequence[Change]) -> Rows:
    """A row per change, under :data:`CHANGE_COLUMNS`."""
    return [(c.operation, c.kind, c.name, ", ".join(c.properties)) for c in changes]


def status_line(status: Status) -> str:
    """The status in one sentence."""
    summary = status.summary
    head = f"{summary.name}: {status.ready} of {status.asked} nodes ready"
    if status.trouble:
        head = f"{summary.name}: {summary.started} of {summary.machines} machines run; {status.trouble}"
    if summary.expired:
        head += f"; its ttl ended {expires(summary)}: 'provision down {summary.name}'"
    return head


def outcome_lines(outcome: Outcome) -> list[str]:
    """What an ``up`` came to, the proof, and what to do next."""
    name = outcome.cluster
    if outcome.until == CREATED:
        lines = [
            f"{name}: {outcome.asked} nodes are requested after {outcome.seconds:.1f} s; whether they "
            "join was not waited for"
        ]
    elif not outcome.created and not outcome.missing:
        lines = [f"{name} is up: {outcome.joined} of {outcome.asked} nodes joined"]
    else:
        lines = [
            f"{name} is up after {outcome.seconds:.1f} s: "
            f"{outcome.joined} of {outcome.asked} nodes joined"
        ]
    if outcome.proof:
        lines.append(
            f"proof: {outcome.proof.command} answered from {outcome.proof.nodes} distinct nodes"
        )
    for node in outcome.missing[:MISSING_SHOWN]:
        lines.append(
            f"missing: {short_name(name, node.name)} (last phase: {node.phase}"
            f"{', ' + node.reason if node.reason else ''})"
        )
        lines += [f"    | {line}" for line in node.console_tail.splitlines()[-8:]]
    if len(outcome.missing) > MISSING_SHOWN:
        lines.append(f"missing: {len(outcome.missing) - MISSING_SHOWN} more (see provision status)")
    lines += [
        "next:",
        f"  provision run {name} -- hostname",
        f"  provision ssh {name}",
        f"  provision status {name}",
        f"  provision down {name}",
    ]
    return lines


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain data for ``--output json``."""
    proof = outcome.proof
    return {
        "cluster": outcome.cluster,
        "asked": outcome.asked,
        "joined": outcome.joined,
        "created": outcome.created,
        "seconds": outcome.seconds,
        "proof": {"nodes": proof.nodes, "seconds": proof.seconds} if proof else None,
        "missing": [
            {
                "name": node.name,
                "phase": node.phase,
                "reason": node.reason,
                "console_tail": node.console_tail,
            }
            for node in outcome.missing
        ],
    }


def check_rows(checks: Sequence[HostCheck]) -> Rows:
    """A row per host check, under :data:`CHECK_COLUMNS`; a failed one shows its fix."""
    return [
        (check.name, "ok", check.detail)
        if check.finding is None
        else (check.name, "FAIL", f"{check.finding.problem}; {check.finding.fix}")
        for check in checks
    ]
