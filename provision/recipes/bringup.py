"""One bring-up as it is known when it begins; what its steps make of it they hand to each other."""

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from provision import labels
from provision.cloud import Launch, Machine
from provision.cluster.session import Session
from provision.errors import InterruptedRun
from provision.events import Event
from provision.plan import Plan, PlannedMachine, plan_of
from provision.spec.models import Spec


@dataclass(frozen=True, slots=True)
class BringUp:
    """What is known at the start: whose cluster, what is asked, and until when.

    ``until`` is when the deadline is over (monotonic seconds), should nothing have to be created.
    """

    session: Session
    spec: Spec
    plan: Plan
    until: float
    keyless: bool
    """Whether this machine had no keys of the cluster."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """Labels of the cluster's first run, which later ones keep."""
    renew: bool = False
    """Whether the controller is replaced although its machine runs: its user says so."""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    began: float = field(default_factory=time.time)
    stopping: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(cls, session: Session, spec: Spec) -> "BringUp":
        """One of this spec in this session, with all that the spec leaves to the surroundings."""
        return cls._begun(session, spec.model_copy(update={"cloud": session.cloud.resolved_spec()}))

    @classmethod
    def again(
        cls, session: Session, spec: Spec, here: Sequence[Machine], *, renew: bool = False
    ) -> "BringUp":
        """One of a cluster that exists and was named: it keeps the marks of its first run."""
        marks = here[0].labels if here else {}
        kept = {key: marks[key] for key in labels.LASTING if key in marks}
        checked = Spec.model_validate(spec.model_dump(), strict=False)
        return cls._begun(session, checked, kept, renew=renew)

    @classmethod
    def _begun(
        cls,
        session: Session,
        spec: Spec,
        kept: Mapping[str, str] | None = None,
        *,
        renew: bool = False,
    ) -> "BringUp":
        plan = plan_of(spec)
        session.cloud.within(plan.deadline)
        until = time.monotonic() + plan.deadline
        return cls(session, spec, plan, until, not session.workspace.has_keys, kept or {}, renew)

    def emit(self, event: Event) -> None:
        """Tell, or end the work of a thread that is to stop between two machines."""
        if self.stopping.is_set():
            raise InterruptedRun("stopped", "run it again")
        self.session.emit(event)

    def unmake_folder(self) -> None:
        """Remove the cluster's folder where its keys are of this run: nothing was made with them."""
        if self.keyless and self.session.workspace.has_keys:
            self.session.workspace.remove()


@dataclass(frozen=True, slots=True)
class Gap:
    """What the cloud had of the cluster ``before``, what of the plan does not run, and how it would."""

    before: Sequence[Machine]
    lacking: Sequence[PlannedMachine]
    launch: Launch
    revived: bool = False
    """Whether the controller had stopped and was started again, with the disk it has."""

    @property
    def heads(self) -> bool:
        """Whether the controller is to be made."""
        return self.launch.plan.controller in self.lacking
