"""The first steps of a bring-up: what is wrong, what is missing, and what can be had before creating."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from provision import labels
from provision.cloud import Change, Launch, Machine, Phase
from provision.cloudinit import userdata
from provision.errors import CloudFailure, Finding, RefusedError, RuntimeFailure, SpecError
from provision.events import Noted
from provision.keys import Keys
from provision.plan import PlannedMachine
from provision.recipes import controller, preflight
from provision.recipes.bringup import BringUp, Gap


def check(run: BringUp, *, waits: bool = False) -> Gap:
    """Compare the plan with what is there; raise everything that is wrong at once.

    With ``waits`` it counts as wrong that nothing which is created could ever join.
    """
    session, plan = run.session, run.plan
    with session.step("check", "checking spec, keys and room") as said:
        here = _machines(run)
        staying = [m for m in here if not (run.renew and m.name == plan.controller.name)]
        lacking = preflight.missing(plan, staying)
        keys = session.workspace.keys()
        marks = run.kept or _own_marks(run)
        before = session.workspace.spec()
        wrong = preflight.same_cluster(
            plan, here, marks, keys.fingerprint if keys else "", preflight.Specs(before, run.spec)
        )
        if session.cloud.declarative and not here:
            wrong += preflight.expired(plan, session.workspace.load("marks"), run.began)
        wrong += preflight.capacity(session.cloud, plan, lacking) if not wrong else []
        wrong += preflight.members(session.cloud) if waits and not wrong else []
        if wrong:
            raise RefusedError(wrong)
        keys = keys or session.workspace.ensure_keys()
        texts = userdata.user_data_of(session.scheduler, plan, keys)
        faults = userdata.faults(plan, texts, session.cloud.user_data_limit)
        if faults := faults + session.scheduler.faults(plan):
            raise SpecError(faults)
        marks = _marks(run, marks, keys, here)
        said.append(_lacking_text(run, lacking))
        return Gap(here, lacking, Launch(plan, userdata.with_own_parts(plan, texts), marks))


def _machines(run: BringUp) -> Sequence[Machine]:
    try:
        return run.session.machines()
    except (RuntimeFailure, CloudFailure):
        # Without an engine or credentials not even the list works; the checks say how to mend it.
        if wrong := run.session.cloud.check(run.plan, list(run.plan.machines)):
            raise RefusedError(wrong) from None
        raise


def _own_marks(run: BringUp) -> dict[str, str]:
    plan = run.plan
    marks = {labels.SCHEDULER: plan.scheduler, labels.SPEC: plan.spec_fingerprint}
    if plan.ttl:
        marks[labels.EXPIRES] = str(int(run.began + plan.ttl))
    return marks


def _marks(
    run: BringUp, marks: Mapping[str, str], keys: Keys, here: Sequence[Machine]
) -> Mapping[str, str]:
    """The labels of all that this run creates."""
    ours = {**marks, labels.RUN: run.run_id, labels.KEYS: keys.fingerprint}
    if here and labels.EXPIRES in here[0].labels:
        # It is the cluster's, not a machine's.
        ours[labels.EXPIRES] = here[0].labels[labels.EXPIRES]
    if run.session.cloud.declarative:
        # What is declared must not change because another run declares it.
        kept = here[0].labels if here else run.session.workspace.load("marks")
        ours |= {key: kept[key] for key in ours if key in kept}
    return ours


def _lacking_text(run: BringUp, lacking: Sequence[PlannedMachine]) -> str:
    total = 1 + len(run.plan.workers)
    if not lacking:
        return f"all {total} machines are there already"
    return f"{len(lacking)} of {total} machines do not run, and there is room for them"


def preview(run: BringUp, gap: Gap) -> list[Change]:
    """What creating would do."""
    with run.session.step("preview", "comparing with what there is") as said:
        changes = run.session.cloud.preview(gap.launch)
        said.append(f"{len(changes)} changes")
    return changes


def image(run: BringUp, gap: Gap) -> None:
    """Make the machine image available."""
    if not gap.lacking:
        return
    with run.session.step("image", "machine image") as said:
        try:
            wrong = run.session.cloud.prepare(run.plan, gap.lacking, run.emit)
        except RuntimeFailure as error:
            fix = error.next_step or "see 'provision doctor'"
            raise RefusedError([Finding("host: machine image", error.problem, fix)]) from error
        if wrong:
            raise RefusedError(wrong)
        said.append("machine image is here")


def revive(run: BringUp, gap: Gap) -> Gap:
    """Start a controller that has stopped and kept its disk: with it come its queue and its nodes."""
    session, planned = run.session, run.plan.controller
    here = controller.machine_of(run.plan, gap.before)
    stopped = here is not None and here.phase is Phase.STOPPED
    if not stopped or run.renew or not session.cloud.revive(run.plan.name, planned.name):
        return gap
    session.emit(Noted(text=f"{planned.name} had stopped and was started again"))
    return replace(gap, lacking=[m for m in gap.lacking if m != planned], revived=True)
