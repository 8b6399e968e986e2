"""The steps that :mod:`provision.recipes.lifecycle` is made of, each a function of the run."""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor

from provision import labels
from provision.cloud import Change, Launch, Machine, Phase
from provision.cloudinit import userdata
from provision.errors import (
    CloudFailure,
    Finding,
    NotReadyError,
    RefusedError,
    RuntimeFailure,
    SchedulerFailure,
    SpecError,
    UnreachableError,
)
from provision.events import Noted, Warned
from provision.names import few, short_name
from provision.recipes import controller, preflight, proving, results, standing
from provision.recipes.bringup import Run
from provision.recipes.join import JoinWait

SLACK = 10.0
"""Seconds beyond the deadline for the cloud to say itself what it waited for."""


def check(run: Run, waits: bool = False) -> None:
    """Compare the plan with what is there; raise everything that is wrong at once.

    With ``waits`` it counts as wrong that nothing which is created could ever join.
    """
    session, plan = run.session, run.plan
    with session.step("check", "checking spec, keys and room") as said:
        try:
            here = session.machines()
        except (RuntimeFailure, CloudFailure):
            # Without an engine or credentials not even the list works; the checks say how to mend it.
            if wrong := session.cloud.check(plan, list(plan.machines)):
                raise RefusedError(wrong) from None
            raise
        run.before = here
        staying = [m for m in here if not (run.renew and m.name == plan.controller.name)]
        run.lacking = preflight.missing(plan, staying)
        keys = session.workspace.keys()
        marks = run.kept or _own_marks(run)
        before = session.workspace.spec()
        wrong = preflight.same_cluster(
            plan, here, marks, keys.fingerprint if keys else "", preflight.Specs(before, run.spec)
        )
        wrong += preflight.room(session.cloud, plan, run.lacking) if not wrong else []
        wrong += preflight.members(session.cloud) if waits and not wrong else []
        if wrong:
            raise RefusedError(wrong)
        run.fresh = keys is None and not here
        keys = keys or session.workspace.ensure_keys()
        texts = userdata.user_data_of(session.scheduler, plan, keys)
        faults = userdata.faults(plan, texts, session.cloud.user_data_limit)
        if faults := faults + session.scheduler.faults(plan):
            raise SpecError(faults)
        marks = {**marks, labels.RUN: run.run_id, labels.KEYS: keys.fingerprint}
        if here and labels.EXPIRES in here[0].labels:
            # It is the cluster's, not a machine's.
            marks[labels.EXPIRES] = here[0].labels[labels.EXPIRES]
        if session.cloud.declarative:
            # What is declared must not change because another run declares it.
            kept = here[0].labels if here else session.workspace.load("marks")
            marks |= {key: kept[key] for key in marks if key in kept}
        run.launch = Launch(plan, userdata.with_own_parts(plan, texts), marks)
        said.append(_lacking_text(run))


def image(run: Run) -> None:
    """Make the machine image available."""
    if not run.lacking:
        return
    with run.session.step("image", "machine image") as said:
        try:
            wrong = run.session.cloud.prepare(run.plan, run.lacking, run.emit)
        except RuntimeFailure as error:
            fix = error.next_step or "see 'provision doctor'"
            raise RefusedError([Finding("host: machine image", error.problem, fix)]) from error
        if wrong:
            raise RefusedError(wrong)
        said.append("machine image is here")


def create(run: Run, pool: ThreadPoolExecutor) -> None:
    """Begin to create what is missing; it goes on while the next step watches."""
    session, launch = run.session, _launch(run)
    session.workspace.save_spec(run.spec)
    session.workspace.save("marks", launch.marks)
    if not run.lacking and not session.cloud.declarative:
        return
    if run.lacking:
        _forget_gone(run)
        session.emit(Noted(text=f"creating {len(run.lacking)} machines of {run.plan.name}"))
    run.begin()
    if run.plan.controller in run.lacking and controller.been_up(session):
        name, why = run.plan.controller.name, controller.lost(run.plan, run.before)
        text = f"{name} {why or 'does not answer'} and is made anew: {controller.LOSS}"
        session.emit(Warned(text=text))
    run.creating = pool.submit(_create, run, launch)
    if run.renew:  # while the old one is there, it might be taken for the new one
        created(run)
        session.drop_shell()


def revive(run: Run) -> None:
    """Start a controller that has stopped and kept its disk: with it come its queue and its nodes."""
    session, planned = run.session, run.plan.controller
    here = controller.machine_of(run.plan, run.before)
    stopped = here is not None and here.phase is Phase.STOPPED
    if not stopped or run.renew or not session.cloud.revive(run.plan.name, planned.name):
        return
    run.lacking.remove(planned)
    run.revived = True
    session.emit(Noted(text=f"{planned.name} had stopped and was started again"))


def _create(run: Run, launch: Launch) -> Mapping[str, str]:
    """What the cloud still has of a controller that is lost goes first."""
    cloud, name = run.session.cloud, run.plan.controller.name
    refused: Mapping[str, str] = {}
    if run.plan.controller in run.lacking and controller.machine_of(run.plan, run.before):
        refused = cloud.replace(launch, [name], run.emit)
        if cloud.declarative:
            return refused  # it declared everything else too
    return {**refused, **cloud.apply(launch, run.emit)}


def _forget_gone(run: Run) -> None:
    """Drop the scheduler's records of machines that are gone and come anew.

    It may not have noticed yet, and a record that still says idle would count as joined.
    """
    lacking = {machine.name for machine in run.lacking}
    if run.fresh or run.plan.controller.name in lacking:
        return
    with contextlib.suppress(UnreachableError):
        shell = run.session.try_shell(run.plan)
        run.session.scheduler.forget(shell, sorted(lacking))


def join(run: Run) -> None:
    """Wait until the scheduler has the nodes; replace once each one that is late."""
    session, plan = run.session, run.plan
    anew = run.revived or plan.controller in run.lacking
    rejoin = controller.Rejoin(session, plan, run.before, anew)
    with session.step("join", f"waiting for {len(plan.workers)} nodes to join") as said:
        run.wait = JoinWait(
            plan,
            session.emit,
            members=rejoin.members,
            machines=lambda: _machines(run),
            replace=lambda names: _replace(run, names, rejoin),
            console=session.cloud.console,
            groups=lambda: session.cloud.groups(plan),
            quiet=session.cloud.quiet,
            new=plan.controller in run.lacking,
        )
        run.wait.wait(lambda: _refused(run))
        with contextlib.suppress(UnreachableError, SchedulerFailure, CloudFailure, RuntimeFailure):
            run.wait.note(session.machines())
            proving.look(run)
        said.append(standing.sentence(proving.standing_of(run), plan.name))
        said.complete = proving.standing_of(run).complete
    results.save_timings(run)


def _machines(run: Run) -> Sequence[Machine]:
    """What the cloud has; what had stopped before says nothing while it is being made anew."""
    here = run.session.machines()
    if run.creating is None or run.creating.done():
        return here
    going = {(m.name, m.ident) for m in run.before if m.phase is Phase.STOPPED}
    return [m for m in here if m.phase is not Phase.STOPPED or (m.name, m.ident) not in going]


def preview(run: Run) -> list[Change]:
    """What creating would do."""
    with run.session.step("preview", "comparing with what there is") as said:
        changes = run.session.cloud.preview(_launch(run))
        said.append(f"{len(changes)} changes")
    return changes


def created(run: Run) -> None:
    """Wait for what :func:`create` began, and fail where it failed."""
    creating = run.creating
    if creating is None:
        return
    futures.wait([creating], run.left + SLACK)
    if not creating.done():
        run.stopping.set()
        run.session.cloud.interrupt()
        raise CloudFailure(
            f"{run.plan.name} was still being created {run.plan.deadline} s after that began",
            "run the same command again to go on, or give it a longer --deadline",
        )
    creating.result()


def quorum(run: Run) -> None:
    """Fail where fewer joined than the plan needs, naming who is missing."""
    wait = _wait(run)
    if wait.quorate:
        return
    plan, missing = run.plan, wait.missing
    names = few([node.name for node in missing], plan.name, 10)
    causes = Counter(node.reason or f"{node.phase} and never joined" for node in missing)
    counts = "; ".join(f"{number} {cause}" for cause, number in causes.most_common(5))
    with contextlib.suppress(CloudFailure, RuntimeFailure):  # it would hide what is said next
        results.write(run)
    if wait.controller_said:
        raise NotReadyError(
            f"{plan.name} is not ready: {wait.controller_said}; {len(wait.joined)} of "
            f"{len(plan.workers)} nodes joined, {plan.needed} are needed",
            f"look with 'provision logs {plan.name} {labels.CONTROLLER}'; once it runs, 'provision up' "
            f"again waits for the nodes; or 'provision down {plan.name}'",
            [node.name for node in missing],
        )
    raise NotReadyError(
        f"{plan.name} is not ready: {len(wait.joined)} of {len(plan.workers)} nodes joined, "
        f"{plan.needed} are needed, missing: {names} ({counts})",
        f"look with 'provision logs {plan.name} {short_name(plan.name, missing[0].name)}', then "
        f"'provision repair {plan.name}' or 'provision down {plan.name}'",
        [node.name for node in missing],
    )


def _own_marks(run: Run) -> dict[str, str]:
    plan = run.plan
    marks = {
        labels.SCHEDULER: plan.scheduler,
        labels.SPEC: plan.spec_fingerprint,
    }
    if plan.ttl:
        marks[labels.EXPIRES] = str(int(run.began + plan.ttl))
    return marks


def _lacking_text(run: Run) -> str:
    lacking, total = len(run.lacking), 1 + len(run.plan.workers)
    if not lacking:
        return f"all {total} machines are there already"
    return f"{lacking} of {total} machines do not run, and there is room for them"


def _replace(run: Run, names: Sequence[str], rejoin: controller.Rejoin) -> Mapping[str, str]:
    if run.plan.controller.name in names:
        rejoin.renewed(run.session.known())
        created(run)  # one change of what the cloud declares at a time
        run.session.drop_shell()
    return run.session.cloud.replace(_launch(run), names, run.emit)


def _refused(run: Run) -> Mapping[str, str]:
    if run.creating is None or not run.creating.done():
        return {}
    refused = run.creating.result()
    if run.plan.controller.name in refused:
        raise CloudFailure(
            f"the controller could not be started ({refused[run.plan.controller.name]})",
            f"mend that and run 'provision up' again, or 'provision down {run.plan.name}'",
        )
    return refused


def _launch(run: Run) -> Launch:
    assert run.launch is not None, "check() comes first"
    return run.launch


def _wait(run: Run) -> JoinWait:
    assert run.wait is not None, "join() comes first"
    return run.wait
