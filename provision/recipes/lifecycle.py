"""The recipes: up, down, scale, repair. Each is a list of steps that fits on one screen."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from provision.cloud import Change, Machine, Phase
from provision.cluster.session import found, opened
from provision.errors import (
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
from provision.labels import WORKER
from provision.names import machine_number
from provision.plan import plan_of, with_nodes
from provision.recipes import (
    consent,
    controller,
    outcome,
    proving,
    release,
    reports,
    results,
    steps,
    takedown,
    trials,
)
from provision.recipes.bringup import Agree, Run
from provision.recipes.outcome import CREATED, PROVED, Outcome
from provision.recipes.takedown import Consent, Removal
from provision.scheduler import MemberState
from provision.spec.models import Spec
from provision.suggest import did_you_mean
from provision.workspace import Workspace


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
            consent.fit(run)
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
            consent.fit(run)
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
        consent.agree(run)
        steps.image(run)
        trials.settings(run)
        steps.revive(run)
        steps.create(run, pool)
        if until != CREATED:
            steps.join(run)
        steps.created(run)
        if until != CREATED:
            steps.quorum(run)
            reports.hear(run)
        if until == PROVED:
            proving.prove(run)
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
    return outcome.of(run, until)


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
        controller.there(session, plan_of(spec), machines)
        surplus = [
            machine.name
            for machine in machines
            if machine.group == group and _number(machine.name, spec, group) > nodes
        ]
        if surplus:
            release.out(session, surplus, force)
        return _bring_up(Run.again(session, with_nodes(spec, {group: nodes}), machines))


def repair(
    name: str, emit: Emit, command: str = "provision repair", renew: bool = False
) -> Outcome:
    """Replace every machine that is gone, has stopped, or that the scheduler calls down.

    A controller is replaced where its machine is gone or has stopped; one whose machine runs and that
    does not answer only with ``renew``.

    Raises:
        ProvisionError: the controller does not answer, or ``renew`` is asked of one that does.
    """
    with found(name, emit) as session, session.lock(command):
        here = session.machines()
        run = Run.again(session, session.spec(), here)
        run.renew = renew
        with session.step("look", "looking for machines to replace") as said:
            said.append(_look(run, here))
        return _bring_up(run)


def _look(run: Run, here: Sequence[Machine]) -> str:
    """Remove what is down, and say what there is to mend."""
    session, plan, name = run.session, run.plan, run.plan.controller.name
    stopped = [m for m in here if m.phase is Phase.STOPPED and m.role == WORKER]
    gone = len(plan.workers) - sum(machine.role == WORKER for machine in here)
    words = [f"{len(stopped)} workers have stopped, {max(0, gone)} are gone"]
    if why := controller.lost(plan, here):
        words.append(f"{name} {why}")
    elif run.renew:
        controller.silent(session, plan)
        words.append(f"{name} does not answer and is replaced")
    elif controller.booting(plan, here) and not controller.been_up(session):
        words.append(f"{name} has not come up yet")
    else:
        down_now = [
            member.name
            for member in controller.asked(session, plan)
            if member.state is MemberState.DOWN
        ]
        if down_now:
            session.scheduler.forget(session.try_shell(plan), down_now)
            session.cloud.remove(session.name, down_now, session.emit)
        words.append(f"{len(down_now)} nodes are down")
    return ", ".join(words)


def _number(machine: str, spec: Spec, group: str) -> int:
    return machine_number(machine, spec.name, group, spec.cloud.traits.per_group)


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
