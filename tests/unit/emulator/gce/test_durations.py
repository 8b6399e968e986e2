"""How long an operation takes: by kind, as drawn, alike for the same seed."""

import pytest

from provision.emulator.agenda import Agenda
from provision.emulator.dials import draw, merged
from provision.emulator.gce import urls
from provision.emulator.gce.cloud import Cloud
from provision.emulator.gce.dials import Dials
from provision.emulator.gce.durations import GOOGLE, REGIONAL, google
from provision.emulator.gce.world import World
from provision.emulator.machines import NoMachines


def cloud(**dials: object) -> Cloud:
    return Cloud(World("http://x/", Agenda()), NoMachines(), merged(Dials(), dials))


def test_by_default_kinds_take_times_of_their_own_and_no_two_of_a_kind_the_same() -> None:
    made = cloud()
    slow = [made.latency("compute.networks.insert", f"n{turn}") for turn in range(50)]
    fast = [made.latency("compute.addresses.insert", f"n{turn}") for turn in range(50)]
    assert 9 <= min(slow) < max(slow) <= 20 and 1 <= min(fast) < max(fast) <= 4
    assert len(set(slow)) == 50


def test_the_same_seed_gives_the_same_times_and_another_seed_others() -> None:
    times = [cloud(seed=seed).latency("compute.firewalls.insert", "r") for seed in (1, 1, 2)]
    assert times[0] == times[1] != times[2]


def test_one_dial_shortens_all_and_another_slows_one_kind() -> None:
    made = cloud(operation=0.02, operations={"firewalls": {"insert": 40}, "routers": {"*": 30}})
    took = {name: made.latency(f"compute.{name}", "x") for name in
            ("networks.insert", "firewalls.insert", "firewalls.delete", "routers.delete")}  # fmt: skip
    assert took == {"networks.insert": 0.02, "firewalls.insert": 40, "firewalls.delete": 0.02,
                    "routers.delete": 30}  # fmt: skip


@pytest.mark.parametrize("resource", sorted({*GOOGLE, *REGIONAL} - {"*"}))
def test_every_time_of_the_table_is_of_a_method_that_there_is(resource: str) -> None:
    known = {name.removeprefix("compute.") for name in urls.load().methods}
    verbs = GOOGLE[REGIONAL.get(resource, resource)]
    # Regional VMs are only made in bulk.
    assert all(
        f"{resource}.{v}" in known or v == "*" or resource == "regionInstances" for v in verbs
    )
    assert all(draw(google(resource, verb), cloud().world.chance(verb)) > 0 for verb in verbs)
