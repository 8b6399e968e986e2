"""What goes wrong on GCE before any machine boots: calls refused, kills, drift, lost files."""

import os
import random
import shutil
import signal
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.journeys import trouble
from tests.journeys.command import Cli, until
from tests.journeys.emulator import Emulator
from tests.journeys.trouble import Made, events, vms
from tests.journeys.trouble import make as make

NAME = "jinstant"
UP = ("up", "--cloud", "gce", "--name", NAME, "--nodes", "30", "--until", "created")
up = partial(trouble.up, name=NAME)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator, which each test finds and leaves empty."""
    made = Emulator(Cli(tmp_path_factory.mktemp("emulator")), "none")
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def emulator(shared: Emulator) -> Iterator[Emulator]:
    shared.turn(operation=0.2, faults=[])
    assert shared.control("resources") == []
    yield shared
    assert shared.control("resources") == []


@pytest.fixture
def cli(tmp_path: Path, emulator: Emulator) -> Iterator[Cli]:
    made = Cli(tmp_path / "state", emulator.environment)
    yield made
    if made.folder(NAME).exists():
        made("down", NAME, "--yes", expect=None)


def test_calls_that_are_refused_for_their_number_are_tried_again_and_told(
    emulator: Emulator, cli: Cli
) -> None:
    rule = {"method": "compute.*.insert", "kind": "http", "status": 403, "share": 1, "times": 4}
    emulator.turn(
        faults=[{**rule, "reason": "rateLimitExceeded", "message": "Rate Limit Exceeded"}]
    )
    up(cli, 10, "--until", "created")
    retried = events(cli, "Retried")
    assert len(retried) == 4 and all("Rate Limit" in event["error"] for event in retried)


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


@pytest.mark.parametrize("turn", range(10))
def test_up_killed_at_any_instant_goes_on(emulator: Emulator, cli: Cli, turn: int) -> None:
    """At ten random instants; each is followed by a good run of both."""
    emulator.turn(operation=0.3)
    killed(cli, turn, *UP)
    cli(*UP)
    assert len(vms(emulator)) == 31
    cli("down", NAME, "--yes")
    assert emulator.control("resources") == []
    assert not cli.folder(NAME).exists()


@pytest.mark.parametrize("turn", range(3))
def test_down_killed_at_any_instant_goes_on(emulator: Emulator, cli: Cli, turn: int) -> None:
    emulator.turn(operation=0.3)
    cli(*UP)
    killed(cli, turn, "down", NAME)
    cli("down", NAME, "--yes", expect=None)
    assert emulator.control("resources") == []
    assert not cli.folder(NAME).exists()


def killed(cli: Cli, turn: int, *words: str) -> None:
    """Run it, and kill it where chance says; what chance said is printed."""
    seed = os.environ.get("PROVISION_TEST_SEED", "") or f"{random.randrange(10**6)}"
    seconds = random.Random(f"{seed} {turn}").uniform(1.0, 6.0)
    print(f"PROVISION_TEST_SEED={seed}: killed after {seconds:.2f} s")
    process = cli.start(*words)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_drift_is_seen_and_mended(emulator: Emulator, cli: Cli) -> None:
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
def test_a_lost_state_or_passphrase_is_adopted_anew(
    emulator: Emulator, cli: Cli, lost: str
) -> None:
    up(cli, 20, "--until", "created")
    before, made = emulator.control("resources"), emulator.created()
    gone = cli.folder(NAME) / lost
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    up(cli, 20, "--until", "created")
    assert emulator.control("resources") == before
    assert emulator.created() > made, "each was asked for, and found to be there already"
    cli("down", NAME)
    assert emulator.control("resources") == []


def google(emulator: Emulator, method: str, path: str) -> None:
    """A call by hand, behind our back."""
    project = emulator.environment["GOOGLE_CLOUD_PROJECT"]
    url = f"{emulator.endpoint}/compute/v1/projects/{project}/{path}"
    urllib.request.urlopen(urllib.request.Request(url, method=method.upper()), timeout=30).close()
