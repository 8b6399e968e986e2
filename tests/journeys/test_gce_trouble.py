"""What goes wrong on GCE: stock-outs, VMs that never boot or join, limits, kills at any instant, drift."""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.command import Answer, Cli, until
from tests.journeys.emulator import Emulator

NAME = "jtrouble"
ZONES = ("us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f")
Made = Callable[..., tuple[Emulator, Cli]]


@pytest.fixture
def make(tmp_path: Path, roomy: None) -> Iterator[Made]:
    """An emulator with these dials, and a command line led to it; both gone at the end."""
    emulators: list[Emulator] = []

    def made(machines: str, *dials: str) -> tuple[Emulator, Cli]:
        words = [word for dial in dials for word in ("--set", dial)]
        emulator = Emulator(Cli(tmp_path / "emulator"), machines, *words)
        emulators.append(emulator)
        return emulator, Cli(tmp_path / "state", emulator.environment)

    yield made
    for emulator in emulators:
        emulator.end()


def up(cli: Cli, nodes: int, *words: str, expect: int | None = 0, **ready: Any) -> Answer:
    """Bring it up by a spec, with the events beside it."""
    spec = {
        "name": NAME,
        "cloud": {"kind": "gce"},
        "groups": {"worker": {"nodes": nodes}},
        "ready": {"deadline": "150s", **ready},
    }
    file = cli.state.parent / f"{NAME}.yaml"
    file.write_text(json.dumps(spec))
    events = str(cli.state.parent / "events")
    return cli("up", str(file), "--events", events, *words, expect=expect)


def events(cli: Cli, kind: str) -> list[dict[str, Any]]:
    """What was told, of one kind."""
    lines = (cli.state.parent / "events").read_text().splitlines()
    return [event for line in lines if (event := json.loads(line))["event"] == kind]


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


def test_calls_that_are_refused_for_their_number_are_tried_again_and_told(make: Made) -> None:
    emulator, cli = make("none")
    rule = {"method": "compute.*.insert", "kind": "http", "status": 403, "share": 1, "times": 4}
    emulator.turn(
        faults=[{**rule, "reason": "rateLimitExceeded", "message": "Rate Limit Exceeded"}]
    )
    up(cli, 10, "--until", "created")
    retried = events(cli, "Retried")
    assert len(retried) == 4 and all("Rate Limit" in event["error"] for event in retried)


RATES = ("queries", "reads", "lists", "operation_reads", "waits", "global_queries", "global_reads")


def test_calls_do_not_grow_with_the_number_of_nodes(make: Made) -> None:
    counts = {}
    for nodes in (10, 1000, 10_000):
        emulator, cli = make("none")
        up(cli, nodes, "--until", "created")
        calls = emulator.control("calls")
        counts[nodes] = {name: sum(n.values()) for name, n in calls.items()}
        assert counts[nodes]["compute.regionInstanceGroupManagers.insert"] == -(-nodes // 2000)
        cli("down", NAME)
        assert emulator.control("resources") == []
        emulator.end()
    for name in counts[10]:
        if "nstanceGroupManagers" in name or name.endswith("ist") or name.endswith("perations.get"):
            continue  # one call a group, lists by page, operations for as long as they take
        assert counts[10][name] == counts[1000][name] == counts[10_000][name], name
    pages = "compute.instances.aggregatedList"
    assert counts[10_000][pages] - counts[10][pages] <= 10_000 // 500 * 3


@pytest.mark.parametrize("word", ["up", "down"])
def test_killed_at_any_instant_it_goes_on(make: Made, word: str) -> None:
    """Ten kills of up, three of down, at random instants; each is followed by a good run of both."""
    emulator, cli = make("none", "operation=0.3")
    seed = int(os.environ.get("PROVISION_TEST_SEED", "") or random.randrange(10**6))
    chance = random.Random(seed)
    print(f"seed {seed}")
    for _ in range(10 if word == "up" else 3):
        words = ["up", "--cloud", "gce", "--name", NAME, "--nodes", "30", "--until", "created"]
        if word == "down":
            cli(*words)
            words = ["down", NAME]
        process = cli.start(*words)
        time.sleep(chance.uniform(1.0, 6.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if word == "up":
            cli("up", "--cloud", "gce", "--name", NAME, "--nodes", "30", "--until", "created")
            assert len(vms(emulator)) == 31
        cli("down", NAME, "--yes", expect=None)
        assert emulator.control("resources") == []
        assert not cli.folder(NAME).exists()


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
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert time.monotonic() - began < 25
    sentence = Answer(130, out, err, 0).sentence()
    assert "stopped while" in sentence
    if moment == "check":
        assert f"nothing of {NAME} exists" in sentence and emulator.control("resources") == []
        return
    assert f"provision down {NAME}" in sentence
    cli("down", NAME)
    assert emulator.control("resources") == []


def test_drift_is_seen_and_mended(make: Made) -> None:
    emulator, cli = make("none")
    up(cli, 20, "--until", "created")
    google(emulator, "delete", f"global/firewalls/{NAME}-ssh")
    google(
        emulator, "post", f"regions/us-central1/instanceGroupManagers/{NAME}-worker/resize?size=15"
    )
    until(lambda: len(vms(emulator)) == 16, 30)
    preview = up(cli, 20, "--preview", "-o", "json").json()
    assert preview == [], "a preview compares with the state, not with the cloud"
    up(cli, 20, "--until", "created")
    assert len(vms(emulator)) == 21
    assert f"{NAME}-ssh" in [resource["name"] for resource in emulator.control("resources")]


@pytest.mark.parametrize("lost", ["stack", "passphrase"])
def test_a_lost_state_or_passphrase_is_adopted_anew(make: Made, lost: str) -> None:
    emulator, cli = make("none")
    up(cli, 20, "--until", "created")
    before, made = emulator.control("resources"), emulator.created()
    gone = cli.folder(NAME) / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    up(cli, 20, "--until", "created")
    assert emulator.control("resources") == before
    assert emulator.created() > made, "each was asked for, and found to be there already"
    cli("down", NAME)
    assert emulator.control("resources") == []


def vms(emulator: Emulator) -> list[str]:
    """Names of the VMs that exist."""
    found = emulator.control("resources")
    return [resource["name"] for resource in found if resource["kind"] == "instances"]


def google(emulator: Emulator, method: str, path: str) -> None:
    """A call by hand, behind our back."""
    import urllib.request

    project = emulator.environment["GOOGLE_CLOUD_PROJECT"]
    url = f"{emulator.endpoint}/compute/v1/projects/{project}/{path}"
    urllib.request.urlopen(urllib.request.Request(url, method=method.upper()), timeout=30).close()
