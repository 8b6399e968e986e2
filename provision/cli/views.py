"""Results as rows and sentences: what a command shows, apart from how it is printed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from provision.cli.tables import Table
from provision.names import ENDLESS, short_name
from provision.remote.nodeset import fold

if TYPE_CHECKING:
    # Not for running: what is shown is made by others, and a list needs no recipe.
    from provision.cloud import Change, Limit
    from provision.cluster.listing import Summary
    from provision.cluster.status import Status
    from provision.recipes.consent import Headroom, Purchase
    from provision.recipes.outcome import Outcome
    from provision.runtime import HostCheck
    from provision.scheduler import Member, Proof

Rows = list[Sequence[str]]

MISSING_SHOWN = 20
"""Missing nodes that are named one by one."""
CLUSTER_COLUMNS = ("NAME", "CLOUD", "SCHEDULER", "MACHINES", "RUNNING", "AGE", "EXPIRES")
NODE_COLUMNS = ("NODE", "GROUP", "ADDRESS", "MACHINE", "STATE", "DETAIL")
FOLDED_COLUMNS = ("NODES", "COUNT", "GROUP", "MACHINE", "STATE", "DETAIL")
MANY = 40
"""Nodes that a table shows one by one."""
CHANGE_COLUMNS = ("OPERATION", "KIND", "NAME", "WHAT DIFFERS")
LIMIT_COLUMNS = ("METRIC", "WHERE", "LIMIT", "USED", "NEED", "LEFT", "FITS")
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


def node_table(status: Status, every: bool) -> Table:
    """A row per node; from :data:`MANY` on, unless ``every``, one for all that are alike."""
    rows = node_rows(status)
    if every or len(rows) <= MANY:
        return Table(NODE_COLUMNS, rows)
    alike: dict[tuple[str, ...], list[str]] = {}
    for node, group, _, *rest in rows:
        alike.setdefault((group, *rest), []).append(node)
    folded = [(fold(names), str(len(names)), *same) for same, names in alike.items()]
    return Table(FOLDED_COLUMNS, sorted(folded, key=lambda row: (row[2], row[0])))


def member_lines(members: Sequence[Member]) -> list[str]:
    """A line per node: what the scheduler says of it now."""
    return [
        f"{member.name}: {member.detail or member.state}"
        + (f" ({member.reason})" if member.reason else "")
        for member in members
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
    if outcome.until == "created":
        lines = [
            f"{name}: {outcome.asked} nodes are requested after {outcome.seconds:.1f} s; whether they "
            "join was not waited for"
        ]
    elif not outcome.created and not outcome.missing:
        lines = [f"{name} is up: {outcome.standing.sentence(name)}"]
    else:
        lines = [f"{name} is up after {outcome.seconds:.1f} s: {outcome.standing.sentence(name)}"]
    if outcome.proof:
        lines.append(proof_line(outcome.proof, outcome.proved))
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


def repair_lines(outcome: Outcome) -> list[str]:
    """What a repair did, and what the cluster came to by it."""
    names = [short_name(outcome.cluster, name) for name in outcome.anew]
    shown = ", ".join(names[:MISSING_SHOWN]) + (" …" if len(names) > MISSING_SHOWN else "")
    count = f"{len(names)} machines were" if len(names) > 1 else "1 machine was"
    made = f"{count} made anew ({shown})" if names else ""
    revived = "the controller was started again" if outcome.revived else ""
    said = ", ".join(words for words in (revived, made) if words)
    line = f"{outcome.cluster}: {said or 'no machine had to be made anew'}"
    return [line, *outcome_lines(outcome)]


def proof_line(proof: Proof, now: bool) -> str:
    """What a proof job of this run showed; one of an earlier run carries its age."""
    if now:
        return f"proof: {proof.command} answered from {proof.nodes} distinct nodes"
    when = f"{age(time.time() - proof.at)} ago" if proof.at else "in an earlier run"
    return (
        f"last proof: {when} {proof.command} answered from {proof.nodes} distinct nodes; "
        "it was not run again"
    )


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain data for ``--output json``."""
    proof = outcome.proof
    return {
        "cluster": outcome.cluster,
        "asked": outcome.asked,
        "joined": outcome.joined,
        "drained": list(outcome.standing.drained),
        "down": list(outcome.standing.down),
        "created": outcome.created,
        "anew": list(outcome.anew),
        "seconds": outcome.seconds,
        "proof": {
            "nodes": proof.nodes,
            "seconds": proof.seconds,
            "at": proof.at,
            "now": outcome.proved,
        }
        if proof
        else None,
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


def limit_rows(limits: Sequence[Limit]) -> Rows:
    """A row per quota, under :data:`LIMIT_COLUMNS`; the last is with how many nodes it would do."""
    return [
        (
            limit.metric,
            limit.where,
            _number(limit.limit),
            _number(limit.used),
            _number(limit.need),
            _number(limit.left),
            "any" if limit.largest == ENDLESS else _number(limit.largest),
        )
        for limit in limits
    ]


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.10g}"


def room_lines(room: Headroom) -> list[str]:
    """Whether it fits, what would, and what it costs."""
    plan, lines = room.plan, [""] if room.limits else []
    asked = sum(len(group.machines) for group in plan.groups)
    if not room.limits:
        lines.append(
            f"{plan.cloud.kind} has no quotas to count; {asked} nodes were checked, and fit"
        )
    elif room.fits:
        lines.append(f"{plan.name} fits with {asked} nodes, as far as the limits are known")
    else:
        most = sum(room.sizes.values()) if room.sizes else 0
        fits = f"{most} would" if most else "not even one would"
        lines.append(f"{plan.name} does not fit with {asked} nodes: {fits}")
    if any(limit.limit is None for limit in room.limits) or not room.fits:
        lines.append(f"limits, and more of them: {room.limits[0].fix}")
    return lines + ([f"cost: {room.cost.text}"] if room.cost else [])


def room_data(room: Headroom) -> dict[str, Any]:
    """The same as plain data; ``largest`` is None where it does not depend on the nodes."""
    limits = [
        {
            **asdict(limit),
            "left": limit.left,
            "short": limit.short,
            "largest": None if limit.largest == ENDLESS else limit.largest,
        }
        for limit in room.limits
    ]
    return {
        "cluster": room.plan.name,
        "fits": room.fits,
        "nodes": room.sizes,
        "limits": limits,
        "cost": asdict(room.cost) if room.cost else None,
    }


def purchase_line(purchase: Purchase) -> str:
    """What is about to be bought."""
    line = f"{purchase.machines} machines are to be created for {purchase.cluster}"
    if purchase.cost is None:
        return line
    kinds = ", ".join(f"{count} x {kind}" for kind, count in purchase.cost.machines.items())
    return f"{line}, which then has {kinds} and costs {purchase.cost.text}"
