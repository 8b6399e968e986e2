"""The proof: one job on every node that joined and is free."""

from collections.abc import Mapping
from dataclasses import dataclass

from provision.recipes import controller, results, standing
from provision.recipes.bringup import BringUp, Gap
from provision.recipes.membership import Joined
from provision.scheduler import Member, MemberState, Proof

PROOF_SECONDS = 120.0
"""How long the proof job may take; a thousand nodes on two cores took 18 s."""


@dataclass(frozen=True, slots=True)
class Proved:
    """A proof: of this run (``now``), or an earlier one's; and the nodes as the scheduler had them last."""

    proof: Proof | None
    now: bool
    seen: Mapping[str, Member]


def prove(run: BringUp, gap: Gap, joined: Joined) -> Proved:
    """Run one job on every node that joined and is free, unless nothing changed since the last one."""
    session, plan = run.session, run.plan
    earlier = standing.proof_of(results.earlier(session, "outputs").get("proof"))
    replaced = any(node.replaced for node in joined.roster.nodes.values())
    if earlier and not gap.lacking and not replaced and not gap.revived:
        return Proved(earlier, now=False, seen=joined.seen)
    with session.step("prove", "running the proof job") as said:
        wanted = set(joined.names)
        found = controller.members(session, plan)  # one may have gone out of service again
        seen = {member.name: member for member in found}
        known = [member for member in found if member.name in wanted]
        # On a cluster proved before, some may be busy with the user's jobs: those prove it too.
        busy = {member.name for member in known if earlier and member.busy}
        able = [
            member.name
            for member in known
            if member.state is MemberState.READY and member.name not in busy
        ]
        others = standing.left_out(wanted, able, busy)
        if not able:
            said.append(f"no proof job ran: no node was free{others}")
            said.complete = False
            return Proved(earlier, now=False, seen=seen)
        proof = session.scheduler.prove(session.try_shell(plan), able, PROOF_SECONDS)
        ran = f"ran on {len(able)} distinct nodes in {proof.seconds:.1f} s"
        said.append(f"proof job {ran}{others}")
        return Proved(proof, now=True, seen=seen)
