"""The step that waits for members, and the one that judges how many are enough."""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provision import labels
from provision.cloud import GroupState, Machine
from provision.errors import (
    CloudFailure,
    NotReadyError,
    RuntimeFailure,
    SchedulerFailure,
    UnreachableError,
)
from provision.names import few, short_name
from provision.recipes import controller, results, standing
from provision.recipes.bringup import BringUp, Gap
from provision.recipes.creation import Creation
from provision.recipes.join import JoinWait
from provision.recipes.lateness import JoiningNode, Roster
from provision.scheduler import Member


@dataclass(frozen=True, slots=True)
class Joined:
    """What the wait came to: every wanted node, and how the scheduler had them at the last look.

    ``silence`` is why the scheduler could not be asked at the wait's end, '' where it could.
    """

    roster: Roster
    silence: str
    seen: Mapping[str, Member]

    @property
    def names(self) -> list[str]:
        """The nodes that joined."""
        return [node.name for node in self.roster.joined]


class WatchedCluster:
    """What the wait looks at and acts on: one bring-up's cloud and scheduler."""

    def __init__(self, run: BringUp, gap: Gap, made: Creation) -> None:
        self._run, self._gap, self._made = run, gap, made
        anew = gap.revived or gap.heads
        self._rejoin = controller.Rejoin(run.session, run.plan, gap.before, anew=anew)

    def members(self) -> Sequence[Member]:
        """One look at the scheduler, which is told of workers that it does not know."""
        return self._rejoin.members()

    def machines(self) -> Sequence[Machine]:
        return self._made.relevant(self._run.session.machines(), self._gap.before)

    def groups(self) -> Sequence[GroupState]:
        return self._run.session.cloud.groups(self._run.plan)

    def console(self, machine: str) -> str:
        return self._run.session.cloud.console(machine)

    def refused(self) -> Mapping[str, str]:
        return self._made.refused()

    def replace(self, names: Sequence[str]) -> Mapping[str, str]:
        session = self._run.session
        if self._run.plan.controller.name in names:
            self._rejoin.renewed(session.known())
            self._made.complete()  # one change of what the cloud declares at a time
            session.drop_shell()
        return session.cloud.replace(self._gap.launch, names, self._run.emit)


def join(run: BringUp, gap: Gap, made: Creation) -> Joined:
    """Wait until the scheduler has the nodes; replace once each one that is late."""
    session, plan = run.session, run.plan
    cluster = WatchedCluster(run, gap, made)
    with session.step("join", f"waiting for {len(plan.workers)} nodes to join") as said:
        wait = JoinWait(plan, session.emit, cluster, quiet=session.cloud.quiet, new=gap.heads)
        wait.watch()
        seen: Mapping[str, Member] = {}
        with contextlib.suppress(UnreachableError, SchedulerFailure, CloudFailure, RuntimeFailure):
            wait.roster.note(session.machines())
            seen = {member.name: member for member in controller.members(session, plan)}
        joined = Joined(wait.roster, wait.silence, seen)
        found = standing.of(len(plan.workers), joined.names, seen)
        said.append(found.sentence(plan.name))
        said.complete = found.complete
    results.save_timings(run, gap, joined.roster)
    return joined


def quorum(run: BringUp, gap: Gap, joined: Joined) -> None:
    """Fail where fewer joined than the plan needs, naming who is missing.

    Raises:
        NotReadyError: they did.
    """
    plan, here = run.plan, len(joined.names)
    if here >= plan.needed:
        return
    missing = joined.roster.missing
    with contextlib.suppress(CloudFailure, RuntimeFailure):  # it would hide what is said next
        results.write(run, gap, joined.roster)
    count = f"{here} of {len(plan.workers)} nodes joined, {plan.needed} are needed"
    names = [node.name for node in missing]
    if joined.silence:
        raise NotReadyError(
            f"{plan.name} is not ready: {joined.silence}; {count}",
            f"look with 'provision logs {plan.name} {labels.CONTROLLER}'; once it runs, 'provision up' "
            f"again waits for the nodes; or 'provision down {plan.name}'",
            names,
        )
    raise NotReadyError(
        f"{plan.name} is not ready: {count}, missing: {few(names, plan.name, 10)} ({_causes(missing)})",
        f"look with 'provision logs {plan.name} {short_name(plan.name, names[0])}', then "
        f"'provision repair {plan.name}' or 'provision down {plan.name}'",
        names,
    )


def _causes(missing: Sequence[JoiningNode]) -> str:
    causes = Counter(node.reason or f"{node.phase} and never joined" for node in missing)
    return "; ".join(f"{number} {cause}" for cause, number in causes.most_common(5))
