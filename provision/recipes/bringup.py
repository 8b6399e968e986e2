"""What the steps of one bring-up hand to each other."""

import math
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from provision import labels
from provision.cloud import Cost, Launch, Machine
from provision.cluster.session import Session
from provision.errors import InterruptedRun
from provision.events import Event
from provision.plan import Plan, PlannedMachine, plan_of
from provision.recipes.join import JoinWait
from provision.scheduler import Member, Proof
from provision.spec.models import Spec


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is about to be created and paid for: ``machines`` of them now, and what the whole costs."""

    cluster: str
    machines: int
    cost: Cost | None


Agree = Callable[[Purchase], bool]
"""Asks whoever pays; False creates nothing. May raise where nobody can be asked."""


@dataclass(slots=True)
class Run:
    """What the steps of one bring-up hand to each other."""

    session: Session
    spec: Spec
    plan: Plan
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    began: float = field(default_factory=time.time)
    launch: Launch | None = None
    lacking: list[PlannedMachine] = field(default_factory=list)
    fresh: bool = False
    before: Sequence[Machine] = ()
    """What the cloud had of the cluster when the run began."""
    revived: bool = False
    """Whether its controller had stopped and was started again, with the disk it has."""
    renew: bool = False
    """Whether the controller is replaced although its machine runs: its user says so."""
    wait: JoinWait | None = None
    proof: Proof | None = None
    proved: bool = False
    """Whether the proof is of this run, not of an earlier one."""
    seen: Mapping[str, Member] = field(default_factory=dict)
    """The nodes as the scheduler had them at the last look."""
    unfit: Sequence[str] = ()
    """Nodes that joined and do not count, as their own user-data failed and is required."""
    stopping: threading.Event = field(default_factory=threading.Event)
    creating: Future[Mapping[str, str]] | None = None
    kept: Mapping[str, str] = field(default_factory=dict)
    agree: Agree | None = None
    _until: float = math.inf

    def begin(self) -> None:
        """The deadline's seconds count from now, and no call of the cloud goes on beyond them."""
        self._until = time.monotonic() + self.plan.deadline
        self.session.cloud.within(self.plan.deadline)

    @property
    def left(self) -> float:
        """Seconds of the deadline that are left."""
        return max(0.0, self._until - time.monotonic())

    @classmethod
    def of(cls, session: Session, spec: Spec) -> "Run":
        """A run of this spec in this session, with all that the spec leaves to the surroundings."""
        spec = spec.model_copy(update={"cloud": session.cloud.settled()})
        run = cls(session, spec, plan_of(spec))
        run.begin()
        return run

    @classmethod
    def again(cls, session: Session, spec: Spec, here: Sequence[Machine]) -> "Run":
        """A run on a cluster that exists and was named: it keeps the marks of its first run."""
        checked = Spec.model_validate(spec.model_dump(), strict=False)
        marks = here[0].labels if here else {}
        kept = {key: marks[key] for key in labels.LASTING if key in marks}
        run = cls(session, checked, plan_of(checked), kept=kept)
        run.begin()
        return run

    def emit(self, event: Event) -> None:
        """Tell, or end the work of a thread that is to stop between two machines."""
        if self.stopping.is_set():
            raise InterruptedRun("stopped", "run it again")
        self.session.emit(event)
