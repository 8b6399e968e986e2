"""What a run measures at its end: who is of use at the last look, and a job on all that are free."""

from collections.abc import Sequence

from provision.recipes import controller, results, standing
from provision.recipes.bringup import Run
from provision.recipes.standing import Standing
from provision.scheduler import Member, MemberState

PROOF_SECONDS = 120.0
"""How long the proof job may take; a thousand nodes on two cores took 18 s."""


def look(run: Run) -> Sequence[Member]:
    """Ask the scheduler once more: one that had joined may be out of service again."""
    found = controller.members(run.session, run.plan)
    run.seen = {member.name: member for member in found}
    return found


def standing_of(run: Run) -> Standing:
    """How many joined in this run's wait, and who of them is of no use at its last look."""
    joined = [node.name for node in run.wait.joined] if run.wait else []
    return standing.of(len(run.plan.workers), joined, run.seen, run.unfit)


def prove(run: Run) -> None:
    """Run one job on every node that joined and is free, unless nothing changed since the last one."""
    session, wait = run.session, run.wait
    assert wait is not None, "the wait comes first"
    run.proof = standing.proof_of(results.earlier(run, "outputs").get("proof"))
    replaced = any(node.replaced for node in wait.nodes.values())
    if run.proof and not run.lacking and not replaced and not run.revived:
        return
    with session.step("prove", "running the proof job") as said:
        wanted = {node.name for node in wait.joined}
        known = [member for member in look(run) if member.name in wanted]
        # On a cluster proved before, some may be busy with the user's jobs: those prove it too.
        busy = {member.name for member in known if run.proof and member.busy}
        able = [
            member.name
            for member in known
            if member.state is MemberState.READY and member.name not in busy
        ]
        if able:
            run.proof = session.scheduler.prove(session.try_shell(run.plan), able, PROOF_SECONDS)
            run.proved = True
            ran = f"ran on {len(able)} distinct nodes in {run.proof.seconds:.1f} s"
            said.append(f"proof job {ran}{standing.left_out(wanted, able, busy)}")
        else:
            said.append(
                f"no proof job ran: no node was free{standing.left_out(wanted, able, busy)}"
            )
            said.complete = False
