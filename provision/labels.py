"""Label keys, spelled once.

The state that matters lives in these labels on the resources themselves: ``list``, ``status`` and
``down`` work from them alone. Keys and values keep to the strictest cloud's alphabet (GCE: lower
case letters, digits, ``_`` and ``-``, at most 63 characters).
"""

from collections.abc import Mapping

CLUSTER = "provision-cluster"
"""Name of the cluster a resource belongs to; every resource we make carries it."""
RUN = "provision-run"
"""Identifier of the ``up`` that created the resource."""
EXPIRES = "provision-expires"
"""When the cluster may be removed, in seconds since the epoch, as decimal text."""
ROLE = "provision-role"
"""What a machine is for: ``controller`` or ``worker``."""
GROUP = "provision-group"
"""Instance group the machine belongs to."""
GENERATION = "provision-generation"
"""How often the machine was replaced, as decimal text: ``0`` for the first."""
CREATED = "provision-created"
"""When the resource was requested, in milliseconds since the epoch, as decimal text."""
SPEC = "provision-spec"
"""Fingerprint of the parts of the spec that cannot change while the cluster is up."""
KEYS = "provision-keys"
"""Fingerprint of the cluster's keys, so that a run with other keys is refused and not half joined."""
SCHEDULER = "provision-scheduler"
"""Name of the scheduler the machines join."""

LASTING = (SCHEDULER, SPEC, EXPIRES)
"""Labels that machines added later take over from those that are there."""

CONTROLLER = "controller"
WORKER = "worker"


def expiry(labels: Mapping[str, str]) -> float | None:
    """When it may be removed, in seconds since the epoch; None where no ttl, or no number, is told."""
    text = labels.get(EXPIRES, "")
    return float(text) if text.isdecimal() else None


def matches(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether ``labels`` holds every wanted pair; an empty wanted value asks only for the key."""
    return all(key in labels and value in ("", labels[key]) for key, value in wanted.items())
