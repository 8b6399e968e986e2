"""What the cloud and the scheduler say of each worker, brought together. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from provision.cloud import Machine, Phase
from provision.plan import Plan
from provision.scheduler import Member, MemberState

DOWN = MemberState.DOWN.value


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One worker: what the cloud and what the scheduler say. ``state`` is '' where neither was asked."""

    name: str
    group: str
    address: str
    phase: str
    state: str
    detail: str
    busy: bool = False
    reason: str = ""


def of(
    workers: Sequence[Machine],
    members: Mapping[str, Member] | None,
    plan: Plan | None,
    reports: Mapping[str, str] = MappingProxyType({}),
) -> tuple[NodeStatus, ...]:
    """A line for each worker there is, and for each that was planned and has no machine.

    ``members`` is None where the scheduler could not be asked, ``plan`` where it is not known;
    ``reports`` is what nodes said of a user's own part of their boot.
    """
    nodes = [_node_status(machine, members, reports.get(machine.name, "")) for machine in workers]
    nodes += _without_machine(plan, workers) if plan else []
    return tuple(sorted(nodes, key=lambda node: node.name))


def _without_machine(plan: Plan, workers: Sequence[Machine]) -> list[NodeStatus]:
    """The nodes that were asked for and have no machine; one named otherwise than planned is one."""
    there = {machine.name for machine in workers}
    planned = {machine.name for machine in plan.workers}
    others = Counter(machine.group for machine in workers if machine.name not in planned)
    absent = []
    for machine in plan.workers:
        if machine.name in there:
            continue
        if others[machine.group] > 0:
            others[machine.group] -= 1
            continue
        absent.append(
            NodeStatus(
                machine.name, machine.group, "", "none", DOWN, "", reason="it has no machine"
            )
        )
    return absent


def _state(machine: Machine, member: Member | None, *, unknown: bool) -> str:
    """What can be done with the node: a stopped machine's is down, whatever the scheduler still says."""
    if machine.phase is Phase.STOPPED:
        return DOWN
    if unknown:
        return "unknown"
    if member is None or (machine.phase is Phase.REQUESTED and member.state is MemberState.READY):
        return "not joined"  # the scheduler's record is of an earlier machine
    return member.state.value


def _node_status(machine: Machine, members: Mapping[str, Member] | None, report: str) -> NodeStatus:
    member = (members or {}).get(machine.name)
    state = _state(machine, member, unknown=members is None)
    reason = (member.reason if member else "") or machine.error
    if report.startswith("failed") and not reason:
        reason = f"own user-data {report}"
    if machine.phase is Phase.STOPPED and not reason:
        reason = "its machine has stopped"
    return NodeStatus(
        name=machine.name,
        group=machine.group,
        address=machine.address,
        phase=machine.phase.value,
        state=state,
        detail=member.detail if member else "",
        busy=member.busy if member and state != DOWN else False,
        reason=reason,
    )
