"""A VM's life, whichever cloud's it is, with the clock in hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from provision.emulator import lives
from provision.emulator.agenda import Agenda
from provision.emulator.cloud import Cloud
from provision.emulator.dials import Dials, Later
from provision.emulator.lives import End, Vm
from provision.emulator.machines import Order
from provision.emulator.world import Account, World


class Machines:
    """Remembers what it was told, and is done at once."""

    def __init__(self, failure: str = "") -> None:
        self.told: list[str] = []
        self.failure = failure

    def boot(self, order: Order, booted: Callable[[str], None]) -> None:
        self.told.append(f"boot {order.key}{'' if order.connected else ' apart'}")
        booted(self.failure)

    def kill(self, key: str, gone: Callable[[], None]) -> None:
        self.told.append(f"kill {key}")
        gone()

    async def console(self, key: str) -> str:
        return ""


@dataclass(slots=True, eq=False, kw_only=True)
class ToyVm(Vm):
    """A VM of the toy's."""

    spot_price: bool = False
    seconds: float | None = None
    deleted: bool = False
    free: bool = False
    log: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"here/{self.name}"

    @property
    def address(self) -> str:
        return "10.0.0.4"

    @property
    def external(self) -> str:
        return ""

    @property
    def spot(self) -> bool:
        return self.spot_price

    @property
    def lifetime(self) -> float | None:
        return self.seconds

    @property
    def goes(self) -> bool:
        return self.deleted

    def order(self, connected: bool) -> Order:
        return Order(
            self.key, self.name, self.ident, "", self.address, "", "n", "10.0.0.0/24", connected
        )

    def let_go(self) -> None:
        self.free = True

    def ended(self, end: End) -> None:
        self.log.append(end)

    def words(self, end: End) -> str:
        return f"by {end}"


class Living:
    """One VM in a world that stands still until :meth:`later`; ``seen`` are its changes of status."""

    def __init__(self, machines: Machines | None = None, **about: Any) -> None:
        self.now = 0.0
        self.machines = machines or Machines()
        world = World(Agenda(lambda: self.now), 0, lambda name, number: Account(name, 0.0))
        dials = {key: about.pop(key) for key in list(about) if key in Dials.model_fields}
        self.cloud = Cloud(world, self.machines, Dials(**dials))
        self.seen: list[str] = []
        self.vm = ToyVm(cloud=self.cloud, name="v", ident="7", created=0.0, **about)
        self.vm.watcher = lambda vm: self.seen.append(vm.status)
        lives.come(self.vm)

    def later(self, seconds: float = 0.0) -> None:
        self.now += seconds
        while self.cloud.world.agenda.advance() == 0.0:
            pass


def test_a_vm_comes_runs_and_then_executes() -> None:
    living = Living(provisioning=10.0, boot=5.0)
    living.later(5)
    living.later(5)
    assert living.seen == ["PROVISIONING", "STAGING", "RUNNING"]
    assert (living.vm.executes, living.machines.told) == (False, [])
    living.later(5)
    assert (living.vm.executes, living.machines.told) == (True, ["boot 7.1"])


def test_one_that_never_boots_runs_and_never_executes() -> None:
    living = Living(never_boot=1.0)
    living.later(1000)
    assert (living.vm.status, living.machines.told) == ("RUNNING", [])


def test_one_that_never_joins_executes_apart_from_every_network() -> None:
    living = Living(never_join=1.0)
    living.later()
    assert living.machines.told == ["boot 7.1 apart"]


def test_a_machine_that_does_not_boot_is_told_on_the_vm() -> None:
    living = Living(Machines("no room"))
    living.later()
    assert (living.vm.executes, living.vm.status_message) == (False, "no room")


def test_stopped_it_keeps_its_place_and_started_again_has_another_life() -> None:
    living = Living(stopping=3.0)
    living.later()
    lives.stop(living.vm)
    assert living.vm.status == "STOPPING"
    living.later(3)
    assert (living.vm.status, living.vm.free, living.machines.told[-1]) == (
        "TERMINATED",
        False,
        "kill 7.1",
    )
    lives.come(living.vm)
    living.later()
    assert living.machines.told[-1] == f"boot {living.vm.key}" != "boot 7.1"


def test_removed_it_gives_everything_back_once_its_machine_is_gone() -> None:
    living, then = Living(stopping=3.0), list[str]()
    living.later()
    lives.remove(living.vm, lambda: then.append("gone"))
    assert not living.vm.free
    living.later(3)
    assert (living.vm.free, living.vm.status, then) == (True, "GONE", ["gone"])
    lives.remove(living.vm, lambda: then.append("again"))
    assert then == ["gone", "again"], "who removes what is gone does not wait"


def test_reset_kills_its_machine_and_boots_another() -> None:
    living = Living()
    living.later()
    lives.reset(living.vm)
    assert living.vm.status == "RUNNING"
    assert living.machines.told == ["boot 7.1", "kill 7.1", "boot 7.2"]


@pytest.mark.parametrize(
    ("about", "end"),
    [
        ({"die": Later(share=1.0, after=5.0)}, End.CRASH),
        ({"preempt": Later(share=1.0, after=5.0), "spot_price": True}, End.PREEMPTION),
        ({"seconds": 5.0}, End.EXPIRY),
    ],
)
def test_what_ends_by_itself_is_stopped_and_says_by_what(about: dict[str, Any], end: End) -> None:
    living = Living(**about)
    living.later()
    assert living.vm.status == "RUNNING"
    living.later(5)
    assert (living.vm.status, living.vm.status_message) == ("TERMINATED", f"by {end}")
    assert (living.vm.log, living.vm.free) == ([end], False)


def test_a_vm_that_is_stopped_has_no_end_before_it() -> None:
    living = Living(seconds=50.0)
    living.later()
    assert living.vm.due is not None
    lives.stop(living.vm)
    living.later()
    assert living.vm.due is None


def test_one_whose_term_is_deletion_goes_at_its_end() -> None:
    living = Living(seconds=5.0, deleted=True)
    living.later(5)
    assert living.vm.due is not None
    living.later(5)
    assert (living.vm.status, living.vm.free) == ("GONE", True)


def test_only_spot_vms_are_preempted() -> None:
    living = Living(preempt=Later(share=1.0, after=5.0))
    living.later()
    living.later(50)
    assert living.vm.status == "RUNNING"


def test_what_was_due_in_an_earlier_life_does_not_concern_the_next() -> None:
    living = Living(die=Later(share=1.0, after=5.0))
    living.later()
    lives.reset(living.vm)
    living.later(5)
    assert (living.vm.status, living.vm.log) == ("RUNNING", [])
