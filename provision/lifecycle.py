"""The recipes: up, down, scale, repair. Each is a list of steps that fits on one screen."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from provision import budget, release, reports, results, steps, takedown, trials
from provision.cloud import Change
from provision.errors import (
    EXIT_DONE,
    EXIT_INCOMPLETE,
    CloudFailure,
    DeclinedError,
    InterruptedRun,
    RefusedError,
    RuntimeFailure,
    SpecError,
    UnknownClusterError,
    UsageError,
)
from provision.events import Emit
from provision.lateness import Node
from provision.names import machine_number
from provision.plan import with_nodes
from provision.run import Agree, Run
from provision.scheduler import MemberState, Proof
from provision.session import found, opened
from provision.spec import Spec
from provision.standing import Standing
from provision.suggest import did_you_mean
from provision.takedown import Consent, Removal
from provision.workspace import Workspace

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


def up(
    spec: Spec, emit: Emit, command: str = "provision up", until: str = PROVED, *,
    agree: Agree | None = None, shrink: bool = False,
) -> Outcome:  # fmt: skip
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
        opened(spec.name, spec.cloud, spec.scheduler, emit) as session,
        session.lock(command),
    ):
        run = Run.of(session, spec)
        run.agree = agree
        if shrink:
            budget.fit(run)
        return _bring_up(run, until)


def preview(spec: Spec, emit: Emit, shrink: bool = False) -> list[Change]:
    """What :func:`up` would do, after the same checks; creates nothing.

    Raises:
        RefusedError: ``up`` would refuse, and why.
    """
    with (
        opened(spec.name, spec.cloud, spec.scheduler, emit) as session,
        session.lock("provision up --preview"),
    ):
        run = Run.of(session, spec)
        if shrink:
            budget.fit(run)
        try:
            steps.check(run)
            return steps.preview(run)
        finally:
            if run.fresh:
                session.workspace.remove()


def _bring_up(run: Run, until: str = PROVED) -> Outcome:
    pool = ThreadPoolExecutor(1, thread_name_prefix="create")
    try:
        steps.check(run, waits=until != CREATED)
        budget.agree(run)
        steps.image(run)
        trials.settings(run)
        steps.create(run, pool)
        if until != CREATED:
            steps.join(run)
        steps.created(run)
        if until != CREATED:
            steps.quorum(run)
            reports.hear(run)
        if until == PROVED:
            steps.prove(run)
        results.write(run)
    except (RefusedError, SpecError, UsageError, DeclinedError):
        if run.fresh:  # refused means that nothing was made, keys included
            run.session.workspace.remove()
        raise
    except KeyboardInterrupt:
        run.stopping.set()
        run.session.cloud.interrupt()
        pool.shutdown(wait=True, cancel_futures=True)  # else it may create after we have looked
        raise _interrupted(run) from None
    finally:
        run.stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)
    return _outcome(run, until)


def down(
    name: str, emit: Emit, command: str = "provision down", *, consent: Consent | None = None,
    deadline: int = takedown.DEADLINE,
) -> list[str]:  # fmt: skip
    """Remove everything that carries the name, and the cluster's folder; answers what was removed.

    ``consent`` is asked before anything goes that somebody pays for, that does work, or that nobody
    named; without one nobody is asked. Finding it, looking at it and removing it may take ``deadline``
    seconds each.

    Raises:
        UnknownClusterError: nothing carries the name (and no folder of it is left either).
        UnaskedError: nothing was found, and not every place could be asked; the folder stays.
        DeclinedError: whoever was asked did not agree; nothing was removed.
        ProvisionError: something is still there at the deadline, or nobody can say that it is not.
    """
    try:
        with found(name, emit, deadline) as session, session.lock(command):
            if consent:
                takedown.agree(takedown.look(session, chosen=not name), consent)
            return takedown.remove(session, deadline)
    except UnknownClusterError:
        if name:
            Workspace(name).remove()
        raise


def removal(name: str, emit: Emit, deadline: int = takedown.DEADLINE) -> Removal:
    """What :func:`down` would remove; removes nothing. Raises as it does."""
    with found(name, emit, deadline) as session:
        return takedown.look(session, chosen=not name)


def forget(name: str, command: str = "provision down --forget") -> bool:
    """Remove what this machine keeps of the cluster, and ask no cloud; whether there was anything."""
    workspace = Workspace(name)
    with workspace.lock(command):
        there = workspace.folder.exists()
        workspace.remove()
    return there


def scale(
    name: str, nodes: int, group: str, force: bool, emit: Emit, command: str = "provision scale"
) -> Outcome:
    """Make the group (the only one, when ``group`` is empty) ``nodes`` large.

    Growing creates the new nodes and proves all that are free. Shrinking drains the highest numbers
    first and takes no node that runs a job unless ``force``.
    """
    with found(name, emit) as session, session.lock(command):
        spec = session.spec()
        group = _the_group(spec, group)
        machines = session.machines()
        surplus = [
            machine.name
            for machine in machines
            if machine.group == group and _number(machine.name, spec, group) > nodes
        ]
        if surplus:
            release.out(session, surplus, force)
        return _bring_up(Run.again(session, with_nodes(spec, {group: nodes}), machines))


def repair(name: str, emit: Emit, command: str = "provision repair") -> Outcome:
    """Replace every machine that is gone, has stopped, or that the scheduler calls down."""
    with found(name, emit) as session, session.lock(command):
        run = Run.again(session, session.spec(), session.machines())
        with session.step("look", "looking for machines to replace") as said:
            down_now = [
                member.name
                for member in steps.members(session, run.plan)
                if member.state is MemberState.DOWN
            ]
            if down_now:
                session.scheduler.forget(session.try_shell(run.plan), down_now)
                session.cloud.remove(session.name, down_now, emit)
            said.append(f"{len(down_now)} nodes are down")
        return _bring_up(run)


def _number(machine: str, spec: Spec, group: str) -> int:
    return machine_number(machine, spec.name, group, spec.cloud.per_group)


def _the_group(spec: Spec, group: str) -> str:
    if not group and len(spec.groups) == 1:
        return next(iter(spec.groups))
    if group not in spec.groups:
        fix = did_you_mean(group, spec.groups, "name one with --group")
        raise UsageError(f"{spec.name} has the groups {', '.join(spec.groups)}", fix)
    return group


def _interrupted(run: Run) -> InterruptedRun:
    name, stage = run.plan.name, run.session.stage
    onward = f"run the same command again to go on, or 'provision down {name}' to remove "
    try:
        there = run.session.cloud.leftovers(name)
        machines = {machine.name for machine in run.session.machines()} if there else set()
    except (CloudFailure, RuntimeFailure, RefusedError) as failure:
        words = f"stopped while {stage}; what exists could not be listed ({failure.problem})"
        return InterruptedRun(words, f"{onward}what there is")
    if not there:
        if run.fresh:  # else it may hold the keys of machines that are on their way
            run.session.workspace.remove()
        return InterruptedRun(f"stopped while {stage}; nothing of {name} exists", "run it again")
    controllers = len(machines & {run.plan.controller.name})
    return InterruptedRun(
        f"stopped while {stage}; {len(there)} resources of {name} exist, among them "
        f"{controllers} controller and {len(machines) - controllers} of "
        f"{len(run.plan.workers)} workers",
        f"{onward}them",
    )


def _outcome(run: Run, until: str) -> Outcome:
    return Outcome(
        cluster=run.plan.name,
        standing=steps.standing_of(run),
        created=len(run.lacking),
        missing=tuple(run.wait.missing) if run.wait else (),
        proof=run.proof,
        proved=run.proved,
        until=until,
        seconds=round(time.time() - run.began, 3),
    )
