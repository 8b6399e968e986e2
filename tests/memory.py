"""A cloud and a scheduler in memory, for tests of the recipes: both keep the contracts and nothing else."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from provision import labels
from provision.cloud import (
    Change,
    Cloud,
    Cost,
    Endpoint,
    GroupState,
    Launch,
    Limit,
    Machine,
    Phase,
)
from provision.errors import Finding
from provision.events import Emit
from provision.keys import Keys
from provision.leftovers import Leftover
from provision.plan import Plan, PlannedMachine
from provision.scheduler import (
    Completed,
    Jobs,
    Member,
    MemberState,
    Proof,
    Scheduler,
    Shell,
    Template,
    Trial,
)
from provision.schedulers.slurm.scheduler import Slurm
from provision.spec.clouds import LocalCloud


@dataclass
class MemoryCloud:
    """Machines that exist as soon as they are asked for."""

    kind: str = "local"
    quiet: float = 0.0
    declarative: bool = False
    keeps_disks: bool = False
    user_data_limit: int = 100_000
    there: dict[str, Machine] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    billed: bool = False
    price: Cost | None = None
    nothing_boots: str = ""
    refuse: dict[str, str] = field(default_factory=dict)
    rehearsed: tuple[int, str] | None = None
    calls: list[str] = field(default_factory=list)
    on_apply: Callable[[], None] = lambda: None

    def check(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Finding]:
        return self.findings

    def headroom(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Limit]:
        return self.limits

    def cost(self, plan: Plan) -> Cost | None:
        return self.price

    def bills(self) -> bool:
        return self.billed

    def stateless(self) -> str:
        return self.nothing_boots

    def resolved_spec(self) -> LocalCloud:
        return LocalCloud()

    def prepare(self, plan: Plan, missing: Sequence[PlannedMachine], emit: Emit) -> list[Finding]:
        self.calls.append("prepare")
        return self.findings

    def rehearse(
        self, files: Mapping[str, str], command: str, host: str, timeout: float
    ) -> tuple[int, str] | None:
        self.calls.append("rehearse")
        return self.rehearsed

    def preview(self, launch: Launch) -> list[Change]:
        return [Change("create", "machine", m.name) for m in launch.plan.machines]

    def groups(self, plan: Plan) -> Sequence[GroupState]:
        return ()

    def apply(self, launch: Launch, emit: Emit) -> Mapping[str, str]:
        self.calls.append("apply")
        self.on_apply()
        for machine in launch.plan.machines:
            if machine.name not in self.there and machine.name not in self.refuse:
                self._boot(launch, machine, 0)
        return {name: why for name, why in self.refuse.items() if name not in self.there}

    def _boot(self, launch: Launch, machine: PlannedMachine, generation: int) -> None:
        now = time.time()
        self.there[machine.name] = Machine(
            machine.name,
            launch.plan.name,
            machine.role,
            machine.group,
            machine.address,
            Phase.STARTED,
            generation,
            now,
            now,
            {**launch.marks, labels.CLUSTER: launch.plan.name},
        )

    def endpoint(self, plan: Plan) -> Endpoint:
        return Endpoint(plan.controller.address)

    def clusters(self, cluster: str = "") -> list[str]:
        return sorted({each.cluster for row in self.census(cluster) for each in row})

    def claim(self, cluster: str, command: str) -> AbstractContextManager[None]:
        return contextlib.nullcontext()

    def within(self, seconds: float) -> None:
        self.limit = seconds

    def interrupt(self) -> None:
        self.calls.append("interrupt")

    def machines(self, cluster: str = "") -> list[Machine]:
        return sorted(
            (m for m in self.there.values() if cluster in ("", m.cluster)), key=lambda m: m.name
        )

    def replace(self, launch: Launch, names: Sequence[str], emit: Emit) -> Mapping[str, str]:
        self.calls.append(f"replace {' '.join(names)}")
        for machine in launch.plan.machines:
            if machine.name in names:
                self._boot(launch, machine, 1)
        return {}

    def revive(self, cluster: str, name: str) -> bool:
        if self.keeps_disks:
            self.calls.append(f"revive {name}")
            self.there[name] = dataclasses.replace(self.there[name], phase=Phase.STARTED)
        return self.keeps_disks

    def remove(self, cluster: str, names: Sequence[str], emit: Emit) -> None:
        self.calls.append(f"remove {' '.join(names)}")
        for name in names:
            self.there.pop(name, None)

    def console(self, machine: str) -> str:
        return f"console of {machine}"

    def destroy(self, cluster: str, emit: Emit) -> list[str]:
        gone = [machine.name for machine in self.machines(cluster)]
        for name in gone:
            del self.there[name]
        return gone

    def census(self, cluster: str = "", *, everywhere: bool = False) -> list[list[Leftover]]:
        return [[Leftover("machine", m.name, m.cluster) for m in self.machines(cluster)]]

    def close(self) -> None:
        self.calls.append("close")


@dataclass
class MemoryScheduler:
    """Every running worker is a member at once, unless it is told otherwise."""

    cloud: MemoryCloud
    name: str = "slurm"
    rejoin: str = "rejoin"
    states: dict[str, Member] = field(default_factory=dict)
    never: set[str] = field(default_factory=set)
    queue: Jobs | Exception = field(default_factory=Jobs)
    said: dict[str, str] = field(default_factory=dict)
    """What nodes report of a user's own part."""
    unknown: set[str] = field(default_factory=set)
    """Workers that run and have not registered with this controller."""
    calls: list[str] = field(default_factory=list)

    def templates(self, plan: Plan, keys: Keys) -> Mapping[str, Template]:
        return Slurm().templates(plan, keys)

    def faults(self, plan: Plan) -> list[Finding]:
        return Slurm().faults(plan)

    def trial(self, plan: Plan, files: Mapping[str, str]) -> Trial | None:
        return Slurm().trial(plan, files)

    def judged(self, plan: Plan, trial: Trial, answer: Completed) -> list[Finding]:
        return Slurm().judged(plan, trial, answer)

    def members(self, controller: Shell) -> list[Member]:
        return [
            self.states.get(m.name, Member(m.name, MemberState.READY, "idle"))
            for m in self.cloud.machines()
            if m.role == labels.WORKER and m.name not in self.never | self.unknown
            if m.phase is not Phase.STOPPED or m.name in self.states
        ]

    def agent_starts(self, controller: Shell) -> Mapping[str, float]:
        return {}

    def jobs(self, controller: Shell) -> Jobs:
        self.calls.append("jobs")
        if isinstance(self.queue, Exception):
            raise self.queue
        return self.queue

    def reports(self, controller: Shell) -> Mapping[str, str]:
        self.calls.append("reports")
        return self.said

    def prove(self, controller: Shell, nodes: Sequence[str], timeout: float) -> Proof:
        self.calls.append(f"prove {len(nodes)}")
        return Proof(len(nodes), 0.1, "hostname", time.time())

    def drain(self, controller: Shell, nodes: Sequence[str], reason: str) -> None:
        self.calls.append(f"drain {' '.join(nodes)}")
        for name in nodes:
            member = self.states.get(name, Member(name, MemberState.READY, "idle"))
            word = "draining" if member.busy else "drained"
            self.states[name] = dataclasses.replace(
                member, state=MemberState.DRAINED, detail=word, reason=reason
            )

    def resume(self, controller: Shell, nodes: Sequence[str]) -> None:
        self.calls.append(f"resume {' '.join(nodes)}")
        for name in nodes:
            member = self.states.get(name, Member(name, MemberState.READY, "idle"))
            if member.state is MemberState.DRAINED:
                del self.states[name]

    def forget(self, controller: Shell, nodes: Sequence[str]) -> None:
        self.calls.append(f"forget {' '.join(nodes)}")
        for name in nodes:
            self.states.pop(name, None)


def keeps_contracts(cloud: MemoryCloud, scheduler: MemoryScheduler) -> tuple[Cloud, Scheduler]:
    """mypy checks here that the two really are what they stand for."""
    return cloud, scheduler


class NoShell:
    """Stands where a connection is handed through and never used."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""
