"""VMs and instance groups as GCE shows them, as the clouds' common values."""

import time

from provision import labels
from provision.cloud import GroupState, Machine, Phase
from provision.clouds.gce.api.answers import Cause, classify, one_line
from provision.clouds.gce.api.listing import Row
from provision.clouds.gce.resources import Group
from provision.clouds.gce.resources.instances import seconds
from provision.clouds.gce.resources.kind import last

PHASES = {"PROVISIONING": Phase.REQUESTED, "STAGING": Phase.REQUESTED, "RUNNING": Phase.STARTED}
"""Every other status is on its way out, or out."""
FRESH = 180.0
"""Seconds for which a group's error counts as its present trouble; it tries again in less."""
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
    trouble, hopeless = "", False
    if any(word in counts for word in MAKING):
        trouble, hopeless = _trouble(kind, ident)
    return GroupState(
        name, group, int(found.target_size), int(actions.none), counts, trouble, hopeless
    )


def _trouble(kind: Group, ident: str) -> tuple[str, bool]:
    """The latest error, and whether waiting alone does not mend it."""
    now = time.time()
    fresh = [
        (when, item.error)
        for item in kind.errors(ident)
        if (when := seconds(item.timestamp)) and when > now - FRESH
    ]
    if not fresh:
        return "", False
    _, error = max(fresh, key=lambda each: each[0])
    return f"{error.code}: {one_line(error.message)}", classify(error.code) is not Cause.OTHER
