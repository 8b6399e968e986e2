"""The clusters there are. It loads what a list needs and nothing of what works on a cluster."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from provision import labels
from provision.cloud import Machine
from provision.clouds import cloud_of, places
from provision.cluster import lookup


@dataclass(frozen=True, slots=True)
class Summary:
    """One cluster in a list. Times are seconds since the epoch; ``expires`` None where it has no ttl."""

    name: str
    cloud: str
    scheduler: str
    machines: int
    started: int
    created: float
    expires: float | None

    @property
    def expired(self) -> bool:
        """Whether its ttl has passed."""
        return self.expires is not None and self.expires < time.time()


def clusters() -> tuple[list[Summary], Sequence[str]]:
    """All clusters, from labels alone; and in words, which places could not be asked and why."""
    with lookup.opened(places(), cloud_of) as asked:
        answers = lookup.ask(asked, lambda cloud: cloud.machines())
    found = [
        summary_of(name, place.cloud.kind, [one for one in machines if one.cluster == name])
        for place, machines in answers.said
        for name in {machine.cluster for machine in machines}
    ]
    return sorted(found, key=lambda summary: summary.name), answers.unasked


def summary_of(name: str, kind: str, machines: Sequence[Machine]) -> Summary:
    """What the labels of a cluster's machines say of it."""
    marks = machines[0].labels if machines else {}
    return Summary(
        name=name,
        cloud=kind,
        scheduler=marks.get(labels.SCHEDULER, ""),
        machines=len(machines),
        started=sum(1 for machine in machines if machine.phase == "started"),
        created=min((machine.requested for machine in machines), default=0.0),
        expires=labels.expiry(marks),
    )
