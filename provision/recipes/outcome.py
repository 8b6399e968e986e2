"""What a bring-up came to: who joined, what was made, what was proved, and its exit code."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from provision.errors import EXIT_DONE, EXIT_INCOMPLETE
from provision.recipes import standing
from provision.recipes.bringup import BringUp, Gap
from provision.recipes.lateness import JoiningNode
from provision.recipes.membership import Joined
from provision.recipes.proving import Proved
from provision.recipes.standing import Standing
from provision.scheduler import Proof

CREATED, JOINED, PROVED = "created", "joined", "proved"
STAGES = (CREATED, JOINED, PROVED)
"""Where a bring-up may stop: the cloud has accepted, the scheduler has the nodes, a job has run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a bring-up came to. ``created`` counts machines, ``seconds`` is the whole run's time.

    ``proved`` says that the proof is of this run; else it is an earlier one's, as old as it is.
    """

    cluster: str
    standing: Standing
    created: int
    missing: tuple[JoiningNode, ...]
    proof: Proof | None
    seconds: float
    until: str = PROVED
    proved: bool = False
    revived: bool = False
    """Whether a controller that had stopped was started again."""
    anew: tuple[str, ...] = ()
    """Machines that were made in this run, those of nodes that were late and replaced among them."""

    @property
    def asked(self) -> int:
        """How many nodes the cluster is to have."""
        return self.standing.asked

    @property
    def joined(self) -> int:
        """How many of them joined, drained ones included."""
        return self.standing.joined

    @property
    def exit_code(self) -> int:
        """0 when all nodes joined, 3 when the quorum did and some are missing, down again or unfit."""
        less = self.missing or self.standing.down or self.standing.unfit
        return EXIT_INCOMPLETE if less else EXIT_DONE


def created(run: BringUp, gap: Gap) -> Outcome:
    """What it came to where nobody was waited for."""
    return Outcome(
        cluster=run.plan.name,
        standing=standing.of(len(run.plan.workers), [], {}),
        created=len(gap.lacking),
        missing=(),
        proof=None,
        seconds=_seconds(run),
        until=CREATED,
        revived=gap.revived,
        anew=tuple(sorted(machine.name for machine in gap.lacking)),
    )


def of(
    run: BringUp, gap: Gap, joined: Joined, unfit: Sequence[str], proved: Proved, until: str
) -> Outcome:
    """What it came to, as it was measured in this run."""
    every = [joined.roster.controller, *joined.roster.nodes.values()]
    anew = {m.name for m in gap.lacking} | {node.name for node in every if node.replaced}
    return Outcome(
        cluster=run.plan.name,
        standing=standing.of(len(run.plan.workers), joined.names, proved.seen, unfit),
        created=len(gap.lacking),
        missing=tuple(joined.roster.missing),
        proof=proved.proof,
        proved=proved.now,
        revived=gap.revived,
        anew=tuple(sorted(anew)),
        until=until,
        seconds=_seconds(run),
    )


def _seconds(run: BringUp) -> float:
    return round(time.time() - run.began, 3)
