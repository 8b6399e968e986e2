"""VMs and instance groups as GCE shows them, as the clouds' common values."""

import time
from collections import Counter

from provision import labels
from provision.cloud import GroupState, Machine, Phase
from provision.clouds.gce.api.answer import classify
from provision.clouds.gce.api.listing import Row
from provision.clouds.gce.resources import Group
from provision.clouds.gce.resources.kind import last, seconds
from provision.failures import Cause, one_line

PHASES = {"PROVISIONING": Phase.REQUESTED, "STAGING": Phase.REQUESTED, "RUNNING": Phase.STARTED}
"""Every other status is on its way out, or out."""
FRESH = 180.0
"""Seconds for which a group's error counts as a present one; it tries again in less."""
MAKING = ("creating", "recreating", "creating_without_retries")
UNDER_WAY = (*MAKING, "deleting", "restarting", "refreshing", "verifying", "starting", "stopping")
"""Actions that are counted for people."""


def machine(instance: Row) -> Machine:
    """A VM of a list."""
    marks = dict(instance.get("labels", {}))
    interface: Row = next(iter(instance.get("networkInterfaces", [])), {})
    access: Row = next(iter(interface.get("accessConfigs", [])), {})
    phase = PHASES.get(instance.get("status", ""), Phase.STOPPED)
    began = seconds(instance.get("lastStartTimestamp", ""))
    return Machine(
        name=instance["name"],
        cluster=marks.get(labels.CLUSTER, ""),
        role=marks.get(labels.ROLE, ""),
        group=marks.get(labels.GROUP, ""),
        address=interface.get("networkIP", ""),
        phase=phase,
        generation=0,
        requested=seconds(instance.get("creationTimestamp", "")) or 0.0,
        started=began if phase is Phase.STARTED else None,
        labels=marks,
        error=one_line(instance.get("statusMessage", "")),
        ident=str(instance.get("id", "")),
        zone=last(instance.get("zone", "")),
        external=access.get("natIP", ""),
    )


def state(kind: Group, ident: str, group: str) -> GroupState:
    """An instance group by one ``get``, and by one page of errors while it is making VMs."""
    name = last(ident)
    found = kind.get(ident)
    if found is None:
        return GroupState(name, group, 0, 0)
    actions = found.current_actions
    counts = {word: number for word in UNDER_WAY if (number := int(getattr(actions, word)))}
    failures, words = _failures(kind, ident) if any(word in counts for word in MAKING) else ({}, "")
    return GroupState(
        name, group, int(found.target_size), int(actions.none), counts, failures, words
    )


def _failures(kind: Group, ident: str) -> tuple[dict[Cause, int], str]:
    """The fresh errors counted by cause, and the latest in words; the latest one's cause stands first."""
    now = time.time()
    fresh = [
        (when, item.error)
        for item in kind.errors(ident)
        if (when := seconds(item.timestamp)) and when > now - FRESH
    ]
    fresh.sort(key=lambda each: each[0], reverse=True)
    counts = Counter(classify(error.code) for _, error in fresh)
    latest = next((error for _, error in fresh), None)
    return dict(counts), f"{latest.code}: {one_line(latest.message)}" if latest else ""
