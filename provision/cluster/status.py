"""What is done with a cluster that is there: look at it, run commands on it, take nodes out and in."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.clouds import cloud_of
from provision.cluster import nodes, nodestatus
from provision.cluster.listing import Summary, summary_of
from provision.cluster.nodes import named
from provision.cluster.nodestatus import NodeStatus
from provision.cluster.outputs import Inventory, last_controller
from provision.cluster.session import Session, found
from provision.errors import (
    Finding,
    ProvisionError,
    UnreachableError,
    UsageError,
)
from provision.events import Emit, ignore
from provision.keys import new_keys
from provision.labels import CONTROLLER
from provision.plan import Plan
from provision.remote.ssh import Connection, reachable
from provision.runtime import HostCheck
from provision.runtimes import runtime_of
from provision.scheduler import Member, MemberState
from provision.schedulers import scheduler_of
from provision.workspace import Workspace

SETTLE = 10.0
"""Seconds in which nodes that were resumed answer their scheduler."""


@dataclass(frozen=True, slots=True)
class Status:
    """A cluster now. ``trouble`` says why the scheduler could not be asked, '' where it could."""

    summary: Summary
    nodes: tuple[NodeStatus, ...]
    trouble: str
    asked: int = 0
    ready: int = field(default=0)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for ``--output json``."""
        data = asdict(self)
        data["summary"]["expired"] = self.summary.expired
        return data


def status(name: str, emit: Emit) -> Status:
    """The cluster's machines, and its nodes where the scheduler can be asked from here."""
    with found(name, emit) as session:
        machines = session.known()
        summary = summary_of(session.name, session.cloud.kind, machines)
        members: dict[str, Member] = {}
        reports: Mapping[str, str] = {}
        plan = session.kept_plan()
        trouble = ""
        try:
            with session.shell() as shell:
                members = {m.name: m for m in session.scheduler.members(shell)}
                if plan and any(group.user_data for group in plan.groups):
                    reports = session.scheduler.reports(shell)
        except ProvisionError as error:
            trouble = str(error)
        workers = [machine for machine in machines if machine.role != CONTROLLER]
        nodes = nodestatus.of(workers, None if trouble else members, plan, reports)
        asked = len(plan.workers) if plan else len(workers)
        ready = sum(1 for node in nodes if node.state == MemberState.READY)
        return Status(summary, nodes, trouble, asked, ready)


def logs(name: str, node: str, emit: Emit) -> dict[str, str]:
    """What the machine said: its console, and cloud-init's own output where it can be logged into.

    Also of a node that never joined, and of one that was replaced or removed as far as its console
    is still there.
    """
    with found(name, emit) as session:
        machine = nodes.named_one(session, node, session.known())
        said = {"console": session.cloud.console(machine)}
        try:
            with session.shell() as shell:
                said["cloud-init"] = _remote_file(session, shell, machine)
        except ProvisionError as error:
            said["cloud-init"] = f"({error.problem})"
        return said


def drain(name: str, nodes: Sequence[str], reason: str, emit: Emit) -> list[Member]:
    """Take the nodes out of service; running jobs go on. Answers what the scheduler then says."""
    with found(name, emit, log="drain") as session, session.shell() as shell:
        full = _workers(session, nodes)
        session.scheduler.drain(shell, full, reason)
        return _now(session, shell, full)


def resume(name: str, nodes: Sequence[str], emit: Emit) -> list[Member]:
    """Put the nodes back into service. Answers what the scheduler then says of them."""
    with found(name, emit, log="resume") as session, session.shell() as shell:
        full = _workers(session, nodes)
        session.scheduler.resume(shell, full)
        tries = Retrying(  # the scheduler asks the nodes before it calls them ready
            stop=stop_after_delay(SETTLE),
            wait=wait_fixed(0.5),
            retry=retry_if_result(lambda now: any(one.state != MemberState.READY for one in now)),
            retry_error_callback=lambda _state: _now(session, shell, full),
        )
        return tries(_now, session, shell, full)


def inventory(name: str, emit: Emit) -> Inventory:
    """The cluster's machines as other tools want them."""
    with found(name, emit) as session:
        return session.inventory(session.known())


def ssh_target(name: str, node: str) -> tuple[Path, str]:
    """OpenSSH's configuration file for the cluster, and the host to log in to.

    To a controller that answers where the last run left it nobody else is asked: its host key is its own,
    so nothing else can stand in its place. Workers share theirs; their addresses are asked for anew.
    """
    if name and (kept := last_controller(Workspace(name).load("outputs"))):
        config = Workspace(name).path("ssh_config")
        asked = node in ("", kept[0], CONTROLLER)
        if asked and config.is_file() and reachable(kept[1]):
            return config, kept[0]
    with found(name, ignore) as session:
        listed = session.inventory(session.known())
        known = session.known()
        host = nodes.named_one(session, node, known) if node else listed.controller.name
        session.write_access(listed)
        absent = [node for node in listed.nodes if node.name == host and not node.address]
        if absent:
            raise UnreachableError(absent[0].absent, f"replace it: provision repair {session.name}")
        return session.workspace.path("ssh_config"), host


def rendered(plan: Plan, *, masked: bool) -> dict[str, str]:
    """What the machines of each group boot with, by group name.

    With the cluster's own keys where this machine has them; ``masked`` puts a word in the place of
    each secret.
    """
    from provision.cloudinit.userdata import user_data_of, with_own_parts

    keys = Workspace(plan.name).keys() or new_keys(plan.name)
    texts = user_data_of(scheduler_of(plan.scheduler), plan, keys.masked() if masked else keys)
    return with_own_parts(plan, texts)


def faults(plan: Plan) -> list[Finding]:
    """What is wrong with the user-data that the plan leads to; needs no cloud."""
    from provision.cloudinit import userdata
    from provision.cloudinit.userdata import user_data_of

    cloud = cloud_of(plan.cloud)
    scheduler = scheduler_of(plan.scheduler)
    texts = user_data_of(scheduler, plan, new_keys(plan.name))
    return userdata.faults(plan, texts, cloud.user_data_limit) + scheduler.faults(plan)


def host_checks(nodes: int, machines: str, ports: Sequence[int] = ()) -> list[HostCheck]:
    """What this host must offer for a controller and that many nodes, each with its fix."""
    with closing(runtime_of(machines)) as runtime:
        return runtime.check(nodes + 1, ports)


def _now(session: Session, shell: Connection, nodes: Sequence[str]) -> list[Member]:
    members = {member.name: member for member in session.scheduler.members(shell)}
    unknown = "unknown to the scheduler"
    return [members.get(name) or Member(name, MemberState.DOWN, unknown) for name in nodes]


def _workers(session: Session, nodes: Sequence[str]) -> list[str]:
    machines = session.known()
    full = named(session, nodes, machines)
    roles = {machine.name: machine.role for machine in machines}
    wrong = [name for name in full if roles[name] == CONTROLLER]
    if wrong:
        raise UsageError(f"{wrong[0]} is the controller and runs no jobs", "name a worker")
    return full


def _remote_file(session: Session, shell: Connection, machine: str) -> str:
    command = "sudo cat /var/log/cloud-init-output.log"
    (wanted,) = nodes.chosen(session, [machine])
    result = nodes.on_one(session, shell, wanted, command, 30)
    return result.stdout or f"({result.error or result.stderr.strip()})"
