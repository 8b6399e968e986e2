"""A VM's life: how it comes, executes, stops, crashes, is preempted, expires and goes.

    PROVISIONING -> STAGING -> RUNNING -> STOPPING -> TERMINATED -> PROVISIONING ...
                                              \\-> gone

What a VM occupies, what its machine boots and what an API says of all that are its class's own.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from provision.emulator.agenda import Entry
from provision.emulator.cloud import Cloud
from provision.emulator.machines import Order

PROVISIONING, STAGING, RUNNING = "PROVISIONING", "STAGING", "RUNNING"
STOPPING, TERMINATED, GONE = "STOPPING", "TERMINATED", "GONE"
UP = (PROVISIONING, STAGING, RUNNING)


class End(StrEnum):
    """Why a VM ends that nobody ended."""

    CRASH = "crash"
    PREEMPTION = "preemption"
    EXPIRY = "expiry"


@dataclass(slots=True, eq=False, kw_only=True)
class Vm(ABC):
    """A VM. ``life`` counts its starts; what was scheduled for an earlier life does not concern it."""

    cloud: Cloud = field(repr=False)
    name: str
    ident: str
    created: float
    status: str = PROVISIONING
    status_message: str = ""
    life: int = 0
    executes: bool = False
    """Whether the machine behind it is executing."""
    started: float = 0.0
    stopped: float = 0.0
    due: Entry | None = field(default=None, repr=False)
    """When its life is to end."""
    watcher: Callable[[Any], None] | None = field(default=None, repr=False)
    """Told of each change of status: its group's eye on it."""

    @property
    def key(self) -> str:
        """Name of the machine behind it in this life."""
        return f"{self.ident}.{self.life}"

    def set(self, status: str, message: str = "") -> None:
        """Change the status and tell who watches."""
        self.status, self.status_message = status, message
        if self.watcher:
            self.watcher(self)

    @property
    @abstractmethod
    def path(self) -> str:
        """What no other VM is called."""

    @property
    @abstractmethod
    def address(self) -> str:
        """Its internal address."""

    @property
    @abstractmethod
    def external(self) -> str:
        """Its external address, or ''."""

    @property
    @abstractmethod
    def spot(self) -> bool:
        """Whether it may be preempted."""

    @property
    @abstractmethod
    def lifetime(self) -> float | None:
        """Seconds that it may run, None for ever."""

    @property
    @abstractmethod
    def goes(self) -> bool:
        """Whether it is deleted, and not stopped, where the cloud ends it."""

    @abstractmethod
    def order(self, connected: bool) -> Order:
        """What its machine is to boot."""

    @abstractmethod
    def let_go(self) -> None:
        """Leave its table, and give back all that it occupies."""

    @abstractmethod
    def ended(self, end: End) -> None:
        """Write down what the cloud did by itself."""

    @abstractmethod
    def words(self, end: End) -> str:
        """What its status says of such an end."""


def come(vm: Vm) -> float:
    """Begin a life: PROVISIONING now, RUNNING after the dialled time; answers those seconds."""
    cloud = vm.cloud
    vm.life = life = cloud.next_life(vm.path)
    seconds = cloud.seconds("provisioning", vm.name, life)
    vm.set(PROVISIONING)

    def staged() -> None:
        if vm.life == life and vm.status == PROVISIONING:
            vm.set(STAGING)

    def running() -> None:
        if vm.life == life and vm.status in (PROVISIONING, STAGING):
            _run(vm)

    if seconds > 0:
        cloud.world.agenda.after(seconds / 2, staged)
    cloud.world.agenda.after(seconds, running)
    return seconds


def _run(vm: Vm) -> None:
    cloud, life, name = vm.cloud, vm.life, vm.name
    agenda, dials = cloud.world.agenda, cloud.dials
    vm.started = agenda.now()
    vm.set(RUNNING)
    if not cloud.hits("never_boot", dials.never_boot, name, life):
        agenda.after(cloud.seconds("boot", name, life), lambda: _execute(vm, life))
    lifetime = vm.lifetime
    if lifetime is not None:
        vm.due = agenda.after(lifetime, lambda: _expire(vm, life))
    for dial, what in (("die", dials.die), ("preempt", dials.preempt)):
        if dial == "preempt" and not vm.spot:
            continue
        if cloud.hits(dial, what.share, name, life):
            seconds = cloud.seconds_of(what.after, dial, name, life)
            happen = {"die": crash, "preempt": preempt}[dial]
            agenda.after(seconds, partial(happen, vm, life))


def _execute(vm: Vm, life: int) -> None:
    """The machine behind it begins to execute its user-data."""
    if vm.life != life or vm.status != RUNNING:
        return
    cloud = vm.cloud
    order = vm.order(not cloud.hits("never_join", cloud.dials.never_join, vm.name, life))
    vm.executes = True

    def booted(failure: str) -> None:
        if failure and vm.life == life:
            vm.executes = False
            vm.status_message = failure

    cloud.machines.boot(order, booted)


def halt(vm: Vm, then: Callable[[], None], message: str = "") -> None:
    """STOPPING now; after the dialled time its machine is killed, and ``then`` runs."""
    vm.set(STOPPING, message)
    seconds = vm.cloud.seconds("stopping", vm.name, vm.life)
    vm.cloud.world.agenda.after(seconds, lambda: _kill(vm, then))


def _kill(vm: Vm, then: Callable[[], None]) -> None:
    key, was = vm.key, vm.executes
    vm.life = vm.cloud.next_life(vm.path)
    vm.executes = False
    if vm.due:
        vm.due.cancel()
        vm.due = None
    if was:
        vm.cloud.machines.kill(key, then)
    else:
        then()


def stop(vm: Vm, then: Callable[[], None] | None = None, message: str = "") -> None:
    """Stop it and keep it."""

    def stopped() -> None:
        vm.stopped = vm.cloud.world.agenda.now()
        vm.set(TERMINATED, message)
        if then:
            then()

    halt(vm, stopped, message)


def remove(vm: Vm, then: Callable[[], None] | None = None) -> None:
    """Delete it with what goes with it."""

    def gone() -> None:
        vm.let_go()
        vm.set(GONE)
        if then:
            then()

    if vm.status == GONE:
        if then:
            then()
        return
    halt(vm, gone)


def discard(vm: Vm) -> None:
    """Take back one that was made and has not come yet."""
    vm.let_go()
    vm.status = GONE


def reset(vm: Vm) -> None:
    """Power-cycle: the machine starts anew, the status stays RUNNING."""

    def again() -> None:
        if vm.status == RUNNING:
            _execute(vm, vm.life)

    _kill(vm, again)


def crash(vm: Vm, life: int) -> None:
    """The VM ends by itself; it is stopped."""
    if vm.life == life and vm.status == RUNNING:
        stop(vm, message=vm.words(End.CRASH))
        vm.ended(End.CRASH)


def preempt(vm: Vm, life: int) -> None:
    """Spot: the cloud wants its room back."""
    if vm.life == life and vm.status == RUNNING:
        _end(vm, End.PREEMPTION)


def _expire(vm: Vm, life: int) -> None:
    if vm.life == life and vm.status in UP:
        _end(vm, End.EXPIRY)


def _end(vm: Vm, end: End) -> None:
    if vm.goes:
        remove(vm)
    else:
        stop(vm, message=vm.words(end))
    vm.ended(end)
