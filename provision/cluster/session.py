"""A cluster at hand: its cloud, its scheduler, its files, and a shell on its controller."""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from provision.cloud import Cloud, Endpoint, Machine, Phase
from provision.clouds import cloud_of, kept_place, places
from provision.cluster import lookup, outputs
from provision.cluster.log import EventLog, recording
from provision.cluster.outputs import Inventory
from provision.errors import (
    ProvisionError,
    UnaskedError,
    UnknownClusterError,
    UnreachableError,
    UnreadableError,
    UsageError,
)
from provision.events import Emit, StepEnded, StepStarted, Warned
from provision.keys import Keys
from provision.labels import CONTROLLER
from provision.plan import Plan, plan_of
from provision.remote.ssh import Connection, Login, connect, controller_shell, reachable
from provision.scheduler import Scheduler
from provision.schedulers import scheduler_of
from provision.spec.clouds import Cloud as CloudSpec
from provision.spec.models import Spec
from provision.suggest import did_you_mean
from provision.workspace import Workspace

ONE = "name one of them"


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
    _known: list[Machine] | None = field(default=None, repr=False)

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

    @contextlib.contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Hold the cluster against other runs: its files, and its name on this host."""
        with self.workspace.lock(command), self.cloud.claim(self.name, command):
            yield

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

    def kept_plan(self) -> Plan | None:
        """The same where this machine has a spec that can be read, for who can do without."""
        with contextlib.suppress(UnreadableError):  # told when the cluster was looked for
            spec = self.workspace.spec()
            return plan_of(spec) if spec else None
        return None

    def machines(self) -> list[Machine]:
        """What the cloud has of this cluster, from labels; asks it."""
        self._known = self.cloud.machines(self.name)
        return self._known

    def note(self, machines: list[Machine]) -> None:
        """What was listed of this cluster already; nothing where nothing was."""
        self._known = machines or None

    def known(self) -> list[Machine]:
        """The same as of this session's last look; asks where there was none.

        For commands that only look: at 10,000 nodes each list is 21 pages.
        """
        return self.machines() if self._known is None else self._known

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
        """A connection to the controller of a cluster that is up.

        Raises:
            ProvisionError: its machine is gone or has stopped.
            UnreachableError: it does not answer.
        """
        controller = outputs.controller_of(self.name, self.known())
        if controller.phase is Phase.STOPPED:
            raise ProvisionError(
                f"{controller.name} has stopped", f"run 'provision repair {self.name}'"
            )
        endpoint = Endpoint(controller.external or controller.address)
        if not endpoint.address:  # an empty one would be this machine
            raise UnreachableError(
                outputs.node_of(controller).absent,
                f"replace it with 'provision repair {self.name}'",
            )
        with controller_shell(self.login(endpoint), f"{self.name}-{CONTROLLER}") as connection:
            yield connection

    def inventory(self, machines: Sequence[Machine] | None = None) -> Inventory:
        """The cluster's machines as other tools want them; asked for where none are given."""
        machines = self.machines() if machines is None else machines
        return outputs.inventory_of(self.name, self.workspace.folder, machines)

    def write_access(self, inventory: Inventory) -> None:
        """Write what lets OpenSSH and Ansible in: key, configuration, host keys, inventory."""
        write = self.workspace.write
        write("id_ed25519", self.keys().user.private)
        write("ssh_config", outputs.ssh_config(inventory))
        write("known_hosts", outputs.known_hosts(inventory, self.keys()))
        write("inventory.yml", outputs.ansible(inventory))

    def _lost(self, what: str) -> ProvisionError:
        return ProvisionError(
            f"the {what} of {self.name} are not on this machine ({self.workspace.folder})",
            f"run this where it was started, or remove it with 'provision down {self.name}'",
        )


@contextlib.contextmanager
def opened(
    name: str, cloud: CloudSpec, scheduler: str, emit: Emit, log: str = ""
) -> Iterator[Session]:
    """A session for a cluster that may not exist yet; ``log`` as in :func:`found`."""
    workspace = Workspace(name)
    with recording(EventLog(log, workspace) if log else None, emit) as emit:
        made = cloud_of(cloud, emit, Workspace)
        session = Session(name, made, scheduler_of(scheduler), workspace, emit)
        try:
            yield session
        finally:
            session.drop_shell()
            session.cloud.close()


@contextlib.contextmanager
def found(name: str, emit: Emit, within: float = math.inf, log: str = "") -> Iterator[Session]:
    """A session for a cluster that exists (the only one), whose cloud is given so many seconds.

    ``log`` is the command whose events are kept in the cluster's own log; none where it is ''.

    Raises:
        UnknownClusterError: nothing carries the name, in any place it could be in.
        UnaskedError: nothing was found, and not every such place could be asked.
        UsageError: no name was given and several exist, or no cluster can be called so.
    """
    kept_log = EventLog(log, Workspace(name) if name else None) if log else None
    with (
        recording(kept_log, emit) as emit,
        _holder(name, emit, within) as (cluster, cloud, scheduler, known),
    ):
        workspace = Workspace(cluster)
        if kept_log:
            kept_log.keep_in(workspace)
        session = Session(cluster, cloud, scheduler_of(scheduler), workspace, emit)
        session.note(known)
        try:
            yield session
        finally:
            session.drop_shell()


@contextlib.contextmanager
def _holder(
    name: str, emit: Emit, within: float
) -> Iterator[tuple[str, Cloud, str, list[Machine]]]:
    """The cluster's name, the cloud that has it, its scheduler, and the machines listed on the way."""
    spec, specs, unasked = _kept(name, emit) if name else (None, places(), [])
    with lookup.opened(specs, lambda place: cloud_of(place, emit, Workspace), within) as all_places:
        holding, answers, known = lookup.holding(all_places, name, alone=spec is not None)
        unasked += answers.unasked
        if name not in holding and (name or len(holding) != 1):
            if not name and holding:
                raise UsageError(f"several clusters exist ({', '.join(sorted(holding))})", ONE)
            if unasked:
                raise UnaskedError(name, answers.asked, unasked)
            existing = [] if not name else sorted(lookup.holding(all_places, "", alone=False)[0])
            raise UnknownClusterError(name, existing, answers.asked, did_you_mean(name, existing))
        for words in unasked:
            emit(Warned(text=words))
        cluster = name or next(iter(holding))
        yield cluster, holding[cluster], spec.scheduler if spec else "slurm", known


def _kept(name: str, emit: Emit) -> tuple[Spec | None, list[CloudSpec], list[str]]:
    """What the cluster's files say: its spec, the places to ask, and why one of them cannot be.

    Without a spec that can be read all places are asked, and the one of its stack in any case: what is
    not found anywhere has its files removed.
    """
    spec: Spec | None = None
    try:
        spec = Workspace(name).spec()
    except UnreadableError as error:
        emit(Warned(text=f"{error.problem}; looking for {name} in every place"))
    if spec and spec.cloud.kind != "local":
        return spec, [spec.cloud], []
    asked = [spec.cloud] if spec else places()
    try:
        stack = kept_place(name, Workspace(name))
    except UnreadableError as error:
        return spec, asked, [f"the cloud of its stack is not known ({error.problem})"]
    if stack:
        asked = [place for place in asked if place.kind != stack.kind] + [stack]
    return spec, asked, []
