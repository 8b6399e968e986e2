"""What a bring-up came to: who joined, what was made, what was proved, and its exit code."""

import time
from dataclasses import dataclass

from provision.errors import EXIT_DONE, EXIT_INCOMPLETE
from provision.recipes import proving
from provision.recipes.bringup import Run
from provision.recipes.lateness import Node
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
    missing: tuple[Node, ...]
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


def _replaced(run: Run) -> set[str]:
    if not run.wait:
        return set()
    every = [run.wait.controller, *run.wait.nodes.values()]
    return {node.name for node in every if node.replaced}


def of(run: Run, until: str) -> Outcome:
    """What the run came to, as it is measured now."""
    return Outcome(
        cluster=run.plan.name,
        standing=proving.standing_of(run),
        created=len(run.lacking),
        missing=tuple(run.wait.missing) if run.wait else (),
        proof=run.proof,
        proved=run.proved,
        revived=run.revived,
        anew=tuple(sorted({m.name for m in run.lacking} | _replaced(run))),
        until=until,
        seconds=round(time.time() - run.began, 3),
    )
