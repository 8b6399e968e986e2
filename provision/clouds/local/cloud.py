"""This machine behind the contract that GCE and Azure keep too."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial

from provision import labels
from provision.cloud import Change, Endpoint, GroupState, Launch, Limit, Machine, Phase
from provision.clouds.local import checks, resources
from provision.clouds.local.client import runtime_of
from provision.errors import Finding
from provision.events import Emit
from provision.files import claimed, host_folder
from provision.leftovers import Leftover
from provision.plan import Plan, PlannedMachine
from provision.runtimes.container.rehearsal import rehearse
from provision.spec.clouds import LocalCloud as LocalSpec

NETWORK = "network"
"""What both runtimes call a network among what they have."""


class LocalCloud:
    """Nodes on this host; see :class:`provision.cloud.Cloud` for what each call promises."""

    kind = "local"
    quiet = 0.0
    declarative = False
    user_data_limit = 262_144
    """Bytes. Nothing here limits it; GCE's 256 KiB keeps a spec portable."""

    def __init__(self, spec: LocalSpec) -> None:
        self._spec = spec
        self.runtime = runtime_of(spec)

    def resolved_spec(self) -> LocalSpec:
        """Nothing is left to the surroundings."""
        return self._spec

    def check(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Finding]:
        """The host's limits, and whether subnet and port are free."""
        if not missing:
            return []
        fresh = len(missing) == sum(1 for _ in plan.machines)
        return checks.findings(self.runtime, plan, missing, fresh)

    def headroom(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Limit]:
        """A host counts no metrics; :meth:`check` says what it lacks."""
        return []

    def cost(self, plan: Plan) -> None:
        """Nobody pays."""

    def bills(self) -> bool:
        """Nobody pays."""
        return False

    def stateless(self) -> str:
        """They boot."""
        return ""

    def prepare(self, plan: Plan, missing: Sequence[PlannedMachine], emit: Emit) -> list[Finding]:
        """Build the node image where it is not here yet; then an engine can be tried out with it."""
        self.runtime.prepare(emit)
        return self.check(plan, missing)

    def rehearse(
        self, files: Mapping[str, str], command: str, host: str, timeout: float
    ) -> tuple[int, str] | None:
        """In a container of the node image, whatever kind the machines are."""
        return rehearse(files, command, host, timeout)

    def preview(self, launch: Launch) -> list[Change]:
        """The machines that do not run."""
        running = {m.name for m in self.machines(launch.plan.name) if m.phase is not Phase.STOPPED}
        lacking = [m for m in launch.plan.machines if m.name not in running]
        return [Change("create", "machine", machine.name) for machine in lacking]

    def groups(self, plan: Plan) -> Sequence[GroupState]:
        """This host counts single machines."""
        return ()

    def apply(self, launch: Launch, emit: Emit) -> Mapping[str, str]:
        """Network first, then the controller, then the workers."""
        here = {machine.name: machine for machine in self.machines(launch.plan.name)}
        self.runtime.ensure_network(resources.network(launch))
        generations = {name: machine.generation for name, machine in here.items()}
        wanted = list(launch.plan.machines)
        return self.runtime.start(resources.boots(launch, wanted, generations), emit)

    def endpoint(self, plan: Plan) -> Endpoint:
        """The controller's own address on its bridge."""
        return Endpoint(plan.controller.address)

    def clusters(self, cluster: str = "") -> list[str]:
        """Those that have a machine or a network."""
        return sorted({each.cluster for row in self.census(cluster) for each in row})

    def claim(self, cluster: str, command: str) -> AbstractContextManager[None]:
        """By a lock of the host's."""
        return claimed(host_folder(), cluster, cluster, command)

    def within(self, seconds: float) -> None:
        """Nothing here is waited for that has no limit of its own in seconds."""

    def interrupt(self) -> None:
        """Nothing here takes long: ``emit`` is called between two machines."""

    def machines(self, cluster: str = "") -> list[Machine]:
        """One list call of the engine."""
        found = self.runtime.running({labels.CLUSTER: cluster, labels.ROLE: ""})
        return [resources.machine(running) for running in found]

    def replace(self, launch: Launch, names: Sequence[str], emit: Emit) -> Mapping[str, str]:
        """Kill, remove, and boot anew with the next generation's instance id."""
        cluster = launch.plan.name
        before = {machine.name: machine.generation for machine in self.machines(cluster)}
        self.remove(cluster, names, emit)
        again = [machine for machine in launch.plan.machines if machine.name in set(names)]
        generations = {name: before.get(name, 0) + 1 for name in names}
        return self.runtime.start(resources.boots(launch, again, generations), emit)

    def revive(self, cluster: str, name: str) -> bool:
        """A machine of this host that has stopped is made anew."""
        return False

    def remove(self, cluster: str, names: Sequence[str], emit: Emit) -> None:
        """Kill and remove these containers."""
        if names:
            self.runtime.stop({labels.CLUSTER: cluster}, names)

    def console(self, machine: str) -> str:
        """The container's log: systemd and cloud-init write there."""
        return self.runtime.console(machine)

    def destroy(self, cluster: str, emit: Emit) -> list[str]:
        """All containers and networks that carry the name."""
        return self.runtime.stop({labels.CLUSTER: cluster})

    def census(self, cluster: str = "", *, everywhere: bool = False) -> list[list[Leftover]]:
        """Machines, then networks; this host is everywhere. A network goes with all of its cluster."""
        rows: list[list[Leftover]] = [[], []]
        for kind, name, marks in self.runtime.leftovers({labels.CLUSTER: cluster}):
            names, row = (None, 1) if kind == NETWORK else ([name], 0)
            remove = partial(self._removed, marks[labels.CLUSTER], names)
            rows[row].append(Leftover.marked(kind, name, marks, remove))
        return rows

    def _removed(self, cluster: str, names: Sequence[str] | None, seconds: float) -> None:
        """The runtime's own bound is the shorter one."""
        self.runtime.stop({labels.CLUSTER: cluster}, names)

    def close(self) -> None:
        """Let go of the engine."""
        self.runtime.close()
