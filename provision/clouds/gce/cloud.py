"""Google Compute Engine behind the contract that this machine and Azure keep too."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property, partial

from provision import sweep
from provision.assets import program_of
from provision.cloud import (
    Change,
    Cost,
    Endpoint,
    GroupState,
    Launch,
    Limit,
    Machine,
)
from provision.clouds.common import stack
from provision.clouds.common.declared import Declared
from provision.clouds.gce import census, states
from provision.clouds.gce.api import emulated
from provision.clouds.gce.resources import GceKind, Group, kinds, noun
from provision.clouds.gce.site import Site
from provision.clouds.gce.vms import Vms
from provision.errors import Finding
from provision.events import Emit, ignore
from provision.files import Folders
from provision.leftovers import Leftover
from provision.names import parts
from provision.plan import Plan, PlannedMachine
from provision.spec.clouds import GceCloud as GceSpec

PLUGIN = "provision.clouds.gce.plugin"
"""What Pulumi starts where it is run by hand."""


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
        self._site = Site(spec, emit)
        self._declared = Declared(folders, self._config, self._kinds, noun, PLUGIN)

    @cached_property
    def _vms(self) -> Vms:
        return Vms(self._site.gce, self._site.stop)

    def resolved_spec(self) -> GceSpec:
        """With project, region and endpoint as the environment or gcloud's configuration say."""
        return self._site.resolved_spec()

    def check(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Finding]:
        """Everything of docs/gce.md, "What is checked first"."""
        return self._site.check(plan, missing)

    def headroom(self, plan: Plan, missing: Sequence[PlannedMachine]) -> list[Limit]:
        """The quotas of region and project."""
        return self._site.headroom(plan, missing)

    def cost(self, plan: Plan) -> Cost | None:
        """By a table of list prices."""
        from provision.clouds.gce.account.prices import cost_of, region_of

        return cost_of(plan, region_of(self._spec, os.environ))

    def bills(self) -> bool:
        """Google does; an emulator on this machine does not."""
        return not emulated.here(self._site.settings)

    def stateless(self) -> str:
        """An emulator's VMs may be state only."""
        return emulated.stateless(self._site.settings)

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
        settings = self._site.settings
        return stack.claim(cluster, (settings.project, settings.endpoint), command)

    def within(self, seconds: float) -> None:
        """For every call and every operation, the provider's included."""
        self._site.within(seconds)

    def interrupt(self) -> None:
        """Ends a wait for an operation, and Pulumi's work, from another thread."""
        self._site.interrupt()
        self._declared.interrupt()

    def endpoint(self, plan: Plan) -> Endpoint:
        """The controller's public address, once it has one."""
        return self._vms.endpoint(plan.name, plan.controller.name)

    def groups(self, plan: Plan) -> Sequence[GroupState]:
        """One ``get`` a group, and one page of its errors while it cannot make all."""
        kind = Group(self._site.gce)
        return [
            states.state(kind, kind.named(part), group.name)
            for group in plan.groups
            for part in parts(
                plan.name, group.name, len(group.machines), plan.cloud.traits.per_group
            )
        ]

    def clusters(self, cluster: str = "") -> list[str]:
        """Those in the settings' region."""
        return sorted(name for name in census.clusters(self._site.gce) if cluster in ("", name))

    def machines(self, cluster: str = "") -> list[Machine]:
        """One list by page."""
        return self._vms.listed(cluster)

    def replace(self, launch: Launch, names: Sequence[str], emit: Emit) -> Mapping[str, str]:
        """The groups make them anew under the same names; a controller is declared anew."""
        controller = launch.plan.controller.name
        self._vms.recreate([name for name in names if name != controller])
        if controller in names:
            self._vms.delete(launch.plan.name, controller)
            self.apply(launch, emit)
        return {}

    def revive(self, cluster: str, name: str) -> bool:
        """A VM keeps its disk while it is stopped; its public address may be another one then."""
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
        return census.census(self._site.gce, cluster, everywhere=everywhere)

    def close(self) -> None:
        """Let go of connections."""
        self._site.close()

    def _program(self, launch: Launch) -> Callable[[], None]:
        """What there shall be, as ``stacks/gce`` declares it."""
        return partial(program_of("gce"), launch, self._site.place_of(launch.plan))

    def _config(self) -> Mapping[str, str]:
        settings = self._site.settings
        config = {"project": settings.project, "region": settings.region}
        return config | ({"endpoint": settings.endpoint} if settings.endpoint else {})

    def _kinds(self, emit: Emit) -> list[GceKind]:
        """With a client of their own, that is stopped by itself."""
        return kinds(self._site.client_of_stack(emit))
