"""Google Compute Engine behind the contract that this machine and Azure keep too."""

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property, partial
from pathlib import Path

from provision import sweep
from provision.assets import program_of
from provision.cloud import (
    Change,
    Cost,
    Endpoint,
    GroupState,
    Launch,
    Leftover,
    Limit,
    Machine,
)
from provision.clouds.common import stack
from provision.clouds.common.declared import Declared
from provision.clouds.gce import census, states
from provision.clouds.gce.api import emulated
from provision.clouds.gce.api.signin import ambient_project
from provision.clouds.gce.client import Gce
from provision.clouds.gce.place import Place, place_of
from provision.clouds.gce.resources import GceKind, Group, kinds, noun
from provision.clouds.gce.settings import ENDPOINT, Settings, resolve
from provision.clouds.gce.vms import Vms
from provision.errors import Finding, RefusedError, UnreachableError
from provision.events import Emit, ignore
from provision.failures import ServiceFailure
from provision.files import Folders
from provision.names import parts
from provision.plan import Plan, PlannedMachine
from provision.spec.clouds import GceCloud as GceSpec

PLUGIN = "provision.clouds.gce.plugin"
"""What Pulumi starts where it is run by hand."""
LOOK = 1.0
"""Seconds between two looks for the controller's address at least."""
LAST_PATIENCE = 5.0
"""Seconds for each call once the user has stopped the work."""


class GceCloud:
    """Machines on GCE; see :class:`provision.cloud.Cloud` for what each call promises.

    Machines come from instance groups, which are declared by a Pulumi stack; the groups alone know
    their machines' addresses.
    """

    kind = "gce"
    user_data_limit = 262_144
    """Bytes of one metadata value (discovery, ``Metadata``)."""
    quiet = 10.0
    declarative = True

    def __init__(self, spec: GceSpec, emit: Emit = ignore, folders: Folders | None = None) -> None:
        self._spec, self._emit = spec, emit
        self._stop, self._until = threading.Event(), math.inf
        self._declared = Declared(folders, self._config, self._kinds, noun, PLUGIN)
        self._placed: Place | None = None
        self._controller: tuple[str, Endpoint] | None = None
        self._looked = 0.0

    @cached_property
    def _settings(self) -> Settings:
        environment = dict(os.environ)
        if self._spec.endpoint:
            environment[ENDPOINT] = self._spec.endpoint
        spec = self._spec
        return resolve(
            environment, Path.home(), project=spec.project, region=spec.region, zones=spec.zones,
            ambient=ambient_project,
        )  # fmt: skip

    @cached_property
    def _gce(self) -> Gce:
        """For everything but the stack's provider, which is stopped by itself."""
        return Gce(self._settings, self._emit, until=self._until)

    @cached_property
    def _vms(self) -> Vms:
        return Vms(self._gce, self._stop)

    def _place_of(self, plan: Plan) -> Place:
        wrong: list[Finding] = []
        place = self._located(plan, wrong)
        if place is None or wrong:
            raise RefusedError(wrong)
        return place

    def _located(self, plan: Plan, wrong: list[Finding]) -> Place | None:
        """Where the cluster stands, looked up once; what is wrong with it is added to ``wrong``."""
        if self._placed is None:
            cloud = self.settled()
            types = {cloud.controller_type}.union(*(group.machine_types for group in plan.groups))
            place = place_of(self._gce, cloud, wrong, types, self._emit)
            if wrong:
                return place
            self._placed = place
        return self._placed

    def settled(self) -> GceSpec:
        """With project, region and endpoint as the environment or gcloud's configuration say."""
        settings = self._settings
        found = {"project": settings.project, "region": settings.region}
        return self._spec.model_copy(update={**found, "endpoint": settings.endpoint or None})

    def check(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Finding]:
        """Everything of docs/gce.md, "What is checked first"."""
        from provision.clouds.gce import quota

        found: list[Finding] = []
        try:
            place = self._located(plan, found)
            if place is not None:
                found += quota.findings(self._gce, place, plan, missing, self._emit)
        except RefusedError as error:
            found += error.findings
        except ServiceFailure as failure:
            found += quota.failed([failure])
        return found

    def headroom(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Limit]:
        """The quotas of region and project."""
        from provision.clouds.gce import quota

        try:
            return quota.headroom(self._gce, self._place_of(plan), plan, missing)
        except ServiceFailure as failure:
            raise RefusedError([*quota.failed([failure])]) from failure

    def cost(self, plan: Plan) -> Cost | None:
        """By a table of list prices."""
        from provision.clouds.gce.account.prices import cost_of, region_of

        return cost_of(plan, region_of(self._spec, os.environ))

    def bills(self) -> bool:
        """Google does; an emulator on this machine does not."""
        return not emulated.here(self._settings)

    def stateless(self) -> str:
        """An emulator's VMs may be state only."""
        return emulated.stateless(self._settings)

    def prepare(self, plan: Plan, missing: Sequence[PlannedMachine], emit: Emit) -> list[Finding]:
        """The image is the cloud's; what is prepared is the Pulumi CLI."""
        stack.ready(emit)
        return []

    def rehearse(self, files: Mapping[str, str], command: str, host: str, timeout: float) -> None:
        """The image is Google's; only a machine has it."""

    def preview(self, launch: Launch) -> list[Change]:
        return self._declared.preview(launch.plan.name, self._program(launch), self._emit)

    def apply(self, launch: Launch, emit: Emit) -> Mapping[str, str]:
        """As its stack declares it."""
        self._declared.apply(launch.plan.name, self._program(launch), emit)
        return {}

    def claim(self, cluster: str, command: str) -> AbstractContextManager[None]:
        """Runs of other hosts meet at the network, which carries the fingerprint of the keys."""
        settings = self._settings
        return stack.claim(cluster, (settings.project, settings.endpoint), command)

    def within(self, seconds: float) -> None:
        """For every call and every operation, the provider's included."""
        self._until = time.monotonic() + seconds
        if "_gce" in self.__dict__:
            self._gce.calls.until = self._until

    def interrupt(self) -> None:
        """Ends a wait for an operation, and Pulumi's work, from another thread.

        What is asked afterwards is only to say what exists: nobody waits long for it.
        """
        self._stop.set()
        if "_gce" in self.__dict__:
            self._gce.calls.patience = LAST_PATIENCE
        self._declared.interrupt()

    def endpoint(self, plan: Plan) -> Endpoint:
        """The controller's public address, once it has one."""
        if self._controller and self._controller[0] == plan.name:
            return self._controller[1]
        if time.monotonic() - self._looked > LOOK:
            self._looked = time.monotonic()
            for machine in self._vms.listed(plan.name, plan.controller.name):
                if machine.external:
                    self._controller = (plan.name, Endpoint(machine.external))
                    return self._controller[1]
        raise UnreachableError(
            f"{plan.controller.name} has no public address yet", "wait for it to be created"
        )

    def groups(self, plan: Plan) -> Sequence[GroupState]:
        """One ``get`` a group, and one page of its errors while it cannot make all."""
        kind = Group(self._gce)
        return [
            states.state(kind, kind.named(part), group.name)
            for group in plan.groups
            for part in parts(
                plan.name, group.name, len(group.machines), plan.cloud.traits.per_group
            )
        ]

    def clusters(self, cluster: str = "") -> list[str]:
        """Those in the settings' region."""
        return sorted(name for name in census.clusters(self._gce) if cluster in ("", name))

    def machines(self, cluster: str = "") -> list[Machine]:
        """One list by page."""
        return self._vms.listed(cluster)

    def replace(self, launch: Launch, names: Sequence[str], emit: Emit) -> Mapping[str, str]:
        """The groups make them anew under the same names; a controller is declared anew."""
        controller = launch.plan.controller.name
        self._vms.recreate([name for name in names if name != controller])
        if controller in names:
            self._vms.delete(launch.plan.name, controller)
            self._controller = None
            self.apply(launch, emit)
        return {}

    def revive(self, cluster: str, name: str) -> bool:
        """A VM keeps its disk while it is stopped; its public address may be another one then."""
        self._controller = None
        return self._vms.start(cluster, name)

    def remove(self, cluster: str, names: Sequence[str], emit: Emit) -> None:
        """The groups are smaller by them."""
        self._vms.shrink(names)

    def console(self, machine: str) -> str:
        """Serial port 1."""
        return self._vms.console(machine)

    def destroy(self, cluster: str, emit: Emit) -> list[str]:
        """By the stack where there is one, and then by labels whatever is left."""
        removed = self._declared.destroy(cluster, emit)
        return removed + sweep.sweep(lambda: self.census(cluster), emit)

    def census(self, cluster: str = "", *, everywhere: bool = False) -> list[list[Leftover]]:
        """Everything that carries our label, VMs and disks of all regions included."""
        return census.census(self._gce, cluster, everywhere=everywhere)

    def close(self) -> None:
        """Let go of connections."""
        if "_gce" in self.__dict__:
            self._gce.close()

    def _program(self, launch: Launch) -> Callable[[], None]:
        """What there shall be, as ``stacks/gce`` declares it."""
        return partial(program_of("gce"), launch, self._place_of(launch.plan))

    def _config(self) -> Mapping[str, str]:
        settings = self._settings
        config = {"project": settings.project, "region": settings.region}
        return config | ({"endpoint": settings.endpoint} if settings.endpoint else {})

    def _kinds(self, emit: Emit) -> list[GceKind]:
        """With a client of their own, that is stopped by itself."""
        return kinds(Gce(self._settings, emit, stop=self._stop, until=self._until))
