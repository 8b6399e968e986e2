"""What goes wrong on GCE while machines boot: stock-outs, VMs that never boot or join, limits."""

import json
import signal
import time

import pytest

from tests.journeys.command import Answer, until
from tests.journeys.trouble import NAME, Made, events, up, vms
from tests.journeys.trouble import make as make

ZONES = ("us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f")
RATES = ("queries", "reads", "lists", "operation_reads", "waits", "global_queries", "global_reads")
pytestmark = pytest.mark.usefixtures("roomy")


def test_a_zone_without_machines_costs_nothing(make: Made) -> None:
    _, cli = make("light", "capacity.us-central1-a.*=0")
    assert "12 of 12 nodes joined" in up(cli, 12).stdout
    placed = json.loads(cli("status", NAME, "-o", "json").stdout)
    assert placed["ready"] == 12


def test_no_zone_with_room_ends_the_wait_names_the_cause_and_keeps_what_joined(make: Made) -> None:
    _, cli = make("light", *(f"capacity.{zone}.*=3" for zone in ZONES), "group_retry=3")
    began = time.monotonic()
    answer = up(cli, 40, expect=3, quorum=0.2)
    assert time.monotonic() - began < 100, "it stalls for 30 s, then it is given up"
    assert "11 of 40 nodes joined" in answer.stdout
    assert "ZONE_RESOURCE_POOL_EXHAUSTED" in answer.stdout
    assert any("ZONE_RESOURCE_POOL_EXHAUSTED" in event["text"] for event in events(cli, "Warned"))
    cli("down", NAME)


def test_the_few_that_never_boot_or_join_are_replaced_once(make: Made) -> None:
    _, cli = make("light", "never_boot=0.08", "never_join=0.08", "seed=17")
    answer = up(cli, 30, quorum=1.0, replace_after="12s")
    assert "30 of 30 nodes joined" in answer.stdout
    replaced = [event["machine"] for event in events(cli, "MachineReplaced")]
    assert 2 <= len(replaced) == len(set(replaced))


def test_a_controller_that_dies_before_anybody_reached_it_is_replaced_once(make: Made) -> None:
    emulator, cli = make("light", "boot=6")
    process = cli.start("up", "--cloud", "gce", "--name", NAME, "--nodes", "5", "-o", "json")
    until(lambda: f"{NAME}-controller" in vms(emulator), 60)
    emulator.happen("crash", f"{NAME}-controller")
    out, err = process.communicate(timeout=150)
    assert process.returncode == 0, err
    assert f"{NAME}-controller is replaced" in err and json.loads(out)["joined"] == 5
    assert emulator.count("instances.insert") == 2
    cli("down", NAME)
    assert emulator.control("resources") == []


def test_many_that_never_join_fail_with_counts_by_cause(make: Made) -> None:
    _, cli = make("light", "never_join=0.5")
    answer = up(cli, 20, expect=1, replace_after="8s", deadline="60s")
    sentence = answer.sentence()
    assert "is not ready" in sentence and "nodes joined" in sentence
    assert "never joined" in sentence and "provision repair" in sentence


def test_a_tenth_of_googles_rate_limits_is_enough(make: Made) -> None:
    emulator, cli = make("light", *(f"rates.{kind}=150" for kind in RATES))
    assert "20 of 20 nodes joined" in up(cli, 20).stdout
    assert all(
        call["status"] < 400 or call["status"] == 404 for call in emulator.control("requests")
    )


@pytest.mark.parametrize("moment", ["check", "create", "join"])
def test_ctrl_c_stops_soon_and_says_what_exists(make: Made, moment: str) -> None:
    slow = "operation=2" if moment == "create" else "operation=0.2"
    emulator, cli = make("light", slow, "never_boot=1")
    process = cli.start("up", "--cloud", "gce", "--name", NAME, "--nodes", "30")
    seen = {
        "check": lambda: emulator.count("regions.get", "networks.get") > 0,
        "create": lambda: emulator.count("subnetworks.insert") > 0,
        "join": lambda: len(vms(emulator)) == 31,
    }[moment]
    until(seen, 60)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, (out, err)
    assert time.monotonic() - began < 60
    sentence = Answer(130, out, err, 0).sentence()
    assert "stopped while" in sentence
    if moment == "check":
        assert f"nothing of {NAME} exists" in sentence and emulator.control("resources") == []
        return
    assert f"provision down {NAME}" in sentence
    cli("down", NAME)
    assert emulator.control("resources") == []
