"""A cluster at hand: its cloud, its scheduler, its files, and a shell on its controller."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from provision import hosts
from provision.cloud import Cloud, Endpoint, Machine
from provision.clouds import cloud_of, places
from provision.errors import (
    CloudFailure,
    ProvisionError,
    RefusedError,
    RuntimeFailure,
    UnknownClusterError,
    UnknownNodeError,
    UnreachableError,
    UsageError,
)
from provision.events import Emit, StepEnded, StepStarted
from provision.hosts import Inventory, Node
from provision.keys import Keys
from provision.labels import CONTROLLER
from provision.names import short_name
from provision.plan import Plan, plan_of
from provision.remote.ssh import Connection, Login, connect, controller_shell, reachable
from provision.scheduler import Scheduler
from provision.schedulers import scheduler_of
from provision.spec import Spec
from provision.speccloud import Cloud as CloudSpec
from provision.workspace import Workspace


@dataclass(slots=True)
class Ending:
    """How a step ended: in words, and whether it came to all that was asked for."""

    words: list[str] = field(default_factory=list)
    complete: bool = True

    def append(self, text: str) -> None:
        """Say one thing more."""
        self.words.append(text)


@dataclass(slots=True)
class Session:
    """Everything an operation on one cluster works with; made by :func:`opened` or :func:`found`."""

    name: str
    cloud: Cloud
    scheduler: Scheduler
    workspace: Workspace
    emit: Emit
    stage: str = "starting"
    _shell: Connection | None = field(default=None, repr=False)

    @contextlib.contextmanager
    def step(self, name: str, text: str) -> Iterator["Ending"]:
        """One step of a recipe: tells its begin and end; append to the ending to word it."""
        self.stage = text
        began = time.monotonic()
        self.emit(StepStarted(step=name, text=text))
        ending = Ending()
        yield ending
        seconds = round(time.monotonic() - began, 3)
        words = "; ".join(ending.words) or text
        self.emit(StepEnded(step=name, text=words, seconds=seconds, complete=ending.complete))

    def spec(self) -> Spec:
        """The spec that the cluster was last brought up or scaled with."""
        spec = self.workspace.spec()
        if spec is None:
            raise self._lost("spec")
        return spec

    def keys(self) -> Keys:
        """The cluster's keys."""
        keys = self.workspace.keys()
        if keys is None:
            raise self._lost("keys")
        return keys

    def plan(self) -> Plan:
        """The plan of :meth:`spec`."""
        return plan_of(self.spec())

    def machines(self) -> list[Machine]:
        """What the cloud has of this cluster, from labels."""
        return self.cloud.machines(self.name)

    def login(self, endpoint: Endpoint) -> Login:
        """How to reach the controller."""
        keys = self.keys()
        return Login(endpoint, keys.user, keys.controller_host.public)

    def worker_login(self, address: str) -> Login:
        """How to reach a worker, from the controller."""
        keys = self.keys()
        return Login(Endpoint(address), keys.user, keys.worker_host.public)

    def try_shell(self, plan: Plan) -> Connection:
        """The kept connection to the controller, opened now where it answers.

        Raises:
            UnreachableError: it does not answer (yet).
        """
        if self._shell is None:
            where = f"{self.name}-{CONTROLLER}"
            endpoint = self.cloud.endpoint(plan)
            if not reachable(endpoint):
                # The common case while it boots: a closed port, not worth a whole handshake.
                raise UnreachableError(f"{where} does not answer on SSH yet", "wait for it to boot")
            self._shell = connect(self.login(endpoint), where)
        return self._shell

    def drop_shell(self) -> None:
        """Close the kept connection; the next use opens another."""
        if self._shell is not None:
            self._shell.close()
            self._shell = None

    @contextlib.contextmanager
    def shell(self) -> Iterator[Connection]:
        """A connection to the controller of a cluster that is up."""
        endpoint = self.inventory().endpoint
        with controller_shell(self.login(endpoint), f"{self.name}-{CONTROLLER}") as connection:
            yield connection

    def inventory(self) -> Inventory:
        """The cluster's machines as other tools want them."""
        machines = self.machines()
        nodes = [Node(m.name, m.role, m.group, m.address) for m in machines]
        controllers = [node for node in nodes if node.role == CONTROLLER]
        if not controllers:
            raise ProvisionError(
                f"{self.name} has no controller",
                f"run 'provision up' again or 'provision down {self.name}'",
            )
        workers = tuple(node for node in nodes if node.role != CONTROLLER)
        (controller,) = (m for m in machines if m.role == CONTROLLER)
        endpoint = Endpoint(controller.external or controller.address)
        return Inventory(self.name, self.workspace.folder, endpoint, controllers[0], workers)

    def write_access(self, inventory: Inventory) -> None:
        """Write what lets OpenSSH and Ansible in: configuration, host keys, inventory."""
        write = self.workspace.write
        write("ssh_config", hosts.ssh_config(inventory))
        write("known_hosts", hosts.known_hosts(inventory, self.keys()))
        write("inventory.yml", hosts.ansible(inventory))

    def resolve(self, names: Sequence[str], machines: Sequence[Machine]) -> list[str]:
        """Full machine names for names given with or without the cluster's own before them."""
        known = [machine.name for machine in machines]
        full = {short_name(self.name, name): name for name in known} | {
            name: name for name in known
        }
        unknown = [name for name in names if name not in full]
        if unknown:
            shown = ", ".join(short_name(self.name, name) for name in known[:12])
            raise UnknownNodeError(
                f"{self.name} has no node {', '.join(unknown)}",
                f"it has {shown}{' …' if len(known) > 12 else ''}",
            )
        return [full[name] for name in names]

    def _lost(self, what: str) -> ProvisionError:
        return ProvisionError(
            f"the {what} of {self.name} are not on this machine ({self.workspace.folder})",
            f"run this where it was started, or remove it with 'provision down {self.name}'",
        )


@contextlib.contextmanager
def opened(name: str, cloud: CloudSpec, scheduler: str, emit: Emit) -> Iterator[Session]:
    """A session for a cluster that may not exist yet."""
    session = Session(name, cloud_of(cloud, emit), scheduler_of(scheduler), Workspace(name), emit)
    try:
        yield session
    finally:
        session.drop_shell()
        session.cloud.close()


@contextlib.contextmanager
def found(name: str, emit: Emit) -> Iterator[Session]:
    """A session for a cluster that exists; without a name, for the only one there is.

    Raises:
        UnknownClusterError: nothing carries the name.
        UsageError: no name was given and several exist.
    """
    spec = Workspace(name).spec() if name else None
    scheduler = spec.scheduler if spec else "slurm"
    with contextlib.ExitStack() as stack:
        sessions = [
            stack.enter_context(opened(name, place, scheduler, emit))
            for place in ([spec.cloud] if spec else places())
        ]
        holding = _holding(sessions, name)
        if not holding or (name and name not in holding):
            raise UnknownClusterError(name, sorted(_holding(sessions, "")))
        if not name and len(holding) > 1:
            names = ", ".join(sorted(holding))
            raise UsageError(f"several clusters exist ({names})", "name one of them")
        (cluster,) = [name] if name else holding
        session = holding[cluster]
        session.name = cluster
        session.workspace = Workspace(cluster)
        yield session


def _holding(sessions: Sequence[Session], name: str) -> dict[str, Session]:
    """The clusters that exist, by name (only the one of that name), and the session of each.

    A place that cannot be asked is passed over where another has something.
    """
    found: dict[str, Session] = {}
    trouble: list[ProvisionError] = []
    for session in sessions:
        try:
            for cluster in session.cloud.clusters(name):
                found.setdefault(cluster, session)
        except (RuntimeFailure, CloudFailure, RefusedError) as failure:
            trouble.append(failure)
    if trouble and not found:
        raise trouble[0]
    return found
