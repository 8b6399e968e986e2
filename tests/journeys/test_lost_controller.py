"""A controller that dies is made anew, or started again, and the workers are members again."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from provision.labels import CLUSTER
from provision.runtimes import runtime_of
from provision.runtimes.light.records import MACHINES, STATE, Records
from tests.journeys.command import Answer, Cli, until
from tests.journeys.emulator import Emulator

NAME, NODES = "jlost", 3
CONTROLLER = f"{NAME}-controller"
LOST = "its queue, running jobs, drains and job history are lost"


@pytest.fixture
def cli(tmp_path: Path, roomy: None) -> Iterator[Cli]:
    made = Cli(tmp_path / "state")
    try:
        yield made
    finally:
        made("down", NAME, "--yes", expect=None)


def up(cli: Cli, **cloud: str) -> Answer:
    """By a spec whose workers are not replaced before they had the time to register."""
    spec = {
        "name": NAME,
        "cloud": cloud,
        "groups": {"worker": {"nodes": NODES}},
        "ready": {"replace_after": "100s", "deadline": "150s"},
    }
    file = cli.state.parent / f"{NAME}.yaml"
    file.write_text(json.dumps(spec))
    return cli("up", str(file))


def on_controller(cli: Cli, command: str) -> str:
    return cli("ssh", NAME, "--", command).stdout.strip()


def mark(cli: Cli) -> None:
    """Leave something on each worker that goes with its machine."""
    cli("run", NAME, "--", "touch /var/tmp/mark")


def marked(cli: Cli) -> bool:
    """Whether they are the machines that they were."""
    return cli("run", NAME, "--", "test -e /var/tmp/mark", expect=None).exit_code == 0


def stopped(cli: Cli) -> bool:
    """Whether the cloud counts one machine less as started."""
    data = cli("list", "-o", "json").json()
    return [one["started"] for one in data if one["name"] == NAME] == [NODES]


def stop(cli: Cli, kind: str) -> None:
    """Its PID 1 ends; the machine is there and has stopped."""
    if kind == "light":
        record = Records(STATE).get(MACHINES, CONTROLLER)
        assert record and record.process
        os.kill(record.process.number, signal.SIGKILL)
    else:
        cli("ssh", NAME, "--", "sudo systemctl poweroff", expect=None)
    until(lambda: stopped(cli), 60)


def delete(kind: str) -> None:
    with closing(runtime_of(kind)) as runtime:
        runtime.stop({CLUSTER: NAME}, [CONTROLLER])


def whole(cli: Cli, answer: Answer, controller: str) -> None:
    """Every worker is idle and has run the proof job of this run; what was lost is said, or nothing was."""
    assert f"{NODES} of {NODES} nodes joined" in answer.stdout
    assert f"answered from {NODES} distinct nodes" in answer.stdout
    assert f"{CONTROLLER} {controller}" in answer.stderr
    assert on_controller(cli, "sinfo -h -N -p all -o %T").split() == ["idle"] * NODES


@pytest.mark.parametrize("kind", ["light", "container"])
def test_repair_and_up_make_a_lost_controller_anew_and_its_workers_are_members(
    cli: Cli, kind: str
) -> None:
    up(cli, kind="local", machines=kind)
    on_controller(cli, "sbatch -o /dev/null --wrap 'sleep 600'")
    mark(cli)
    stop(cli, kind)
    refused = cli("scale", NAME, "1", expect=1).sentence()
    assert "nothing was changed" in refused and f"provision repair {NAME}" in refused
    answer = cli("repair", NAME)
    whole(cli, answer, f"has stopped and is made anew: {LOST}")
    assert f"{NAME}: 1 machine was made anew (controller)" in answer.stdout
    assert not on_controller(cli, "squeue -h"), "as was said"
    until(
        lambda: (
            cli("run", NAME, "--", "! grep -qx sleep /proc/[0-9]*/comm", expect=None).exit_code == 0
        ),
        30,
    )
    delete(kind)
    whole(cli, up(cli, kind="local", machines=kind), f"is gone and is made anew: {LOST}")
    assert marked(cli), "no worker was replaced"


def test_a_controller_that_is_silent_is_replaced_only_when_its_user_says_so(cli: Cli) -> None:
    up(cli, kind="local", machines="light")
    cli("ssh", NAME, "--", "sudo systemctl stop slurmctld")
    told = cli("repair", NAME, expect=1).sentence()
    assert "its scheduler does not answer" in told and "--controller" in told
    whole(cli, cli("repair", NAME, "--controller"), f"does not answer and is made anew: {LOST}")
    assert "answers" in cli("repair", NAME, "--controller", expect=1).sentence()


@pytest.mark.parametrize("what", ["delete", "stop"])
def test_on_gce_a_deleted_controller_is_made_anew_and_a_stopped_one_is_started(
    tmp_path: Path, roomy: None, what: str
) -> None:
    emulator = Emulator(Cli(tmp_path / "emulator"), "light")
    try:
        cli = Cli(tmp_path / "state", emulator.environment)
        up(cli, kind="gce")
        mark(cli)
        emulator.happen(what, CONTROLLER)
        until(lambda: stopped(cli), 60)
        if what == "delete":
            whole(cli, cli("repair", NAME), f"is gone and is made anew: {LOST}")
        else:
            whole(cli, up(cli, kind="gce"), "had stopped and was started again")
        assert emulator.count("instances.insert") == (2 if what == "delete" else 1)
        assert marked(cli), "no worker was replaced"
        cli("down", NAME, "--yes")
        assert emulator.control("resources") == []
    finally:
        emulator.end()
