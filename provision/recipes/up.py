"""The recipe ``up``: from a spec to a cluster that runs work."""

from provision.cloud import Change
from provision.cluster.session import opened
from provision.events import Emit
from provision.recipes import (
    consent,
    creation,
    membership,
    outcome,
    proving,
    reports,
    results,
    steps,
    trials,
)
from provision.recipes.bringup import BringUp
from provision.recipes.consent import Agree
from provision.recipes.guard import guarded
from provision.recipes.outcome import CREATED, JOINED, PROVED, Outcome
from provision.recipes.proving import Proved
from provision.spec.models import Spec


def up(
    spec: Spec,
    emit: Emit,
    command: str = "provision up",
    until: str = PROVED,
    *,
    agree: Agree | None = None,
    shrink: bool = False,
) -> Outcome:
    """Bring the cluster up, or go on with one that an earlier run began.

    ``until`` is one of :data:`STAGES`: where to stop. ``agree`` is asked before anything is created
    that somebody pays for. ``shrink`` takes fewer nodes where the account's quotas do not allow all.

    Raises:
        RefusedError: nothing was created, and why.
        DeclinedError: whoever was asked did not agree; nothing was created.
        NotReadyError: below quorum at the deadline.
        InterruptedRun: the user stopped it; says what exists.
    """
    with (
        opened(spec.name, spec.cloud, spec.scheduler, emit, log="up") as session,
        session.lock(command),
    ):
        run = BringUp.of(session, spec)
        return bring_up(consent.fitted(run) if shrink else run, until, agree)


def bring_up(run: BringUp, until: str = PROVED, agree: Agree | None = None) -> Outcome:
    """The steps of every recipe that brings something up, one after the other."""
    with guarded(run) as pool:
        gap = steps.check(run, waits=until != CREATED)
        consent.ask(run, gap, agree)
        steps.image(run, gap)
        trials.settings(run, gap)
        gap = steps.revive(run, gap)
        made = creation.begin(run, gap, pool)
        if until == CREATED:
            made.complete()
            results.write(run, gap)
            return outcome.created(run, gap)
        joined = membership.join(run, gap, made)
        made.complete()
        membership.quorum(run, gap, joined)
        unfit = reports.hear(run, gap, joined, made.left)
        proved = Proved(None, now=False, seen=joined.seen)
        if until != JOINED:
            proved = proving.prove(run, gap, joined)
        results.write(run, gap, joined.roster, proved.proof)
    return outcome.of(run, gap, joined, unfit, proved, until)


def preview(spec: Spec, emit: Emit, *, shrink: bool = False) -> list[Change]:
    """What :func:`up` would do, after the same checks; creates nothing.

    Raises:
        RefusedError: ``up`` would refuse, and why.
    """
    with (
        opened(spec.name, spec.cloud, spec.scheduler, emit) as session,
        session.lock("provision up --preview"),
    ):
        run = BringUp.of(session, spec)
        if shrink:
            run = consent.fitted(run)
        try:
            return steps.preview(run, steps.check(run))
        finally:
            run.unmake_folder()
