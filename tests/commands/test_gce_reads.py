"""What looking costs: one list of the VMs a command, none of Google's client, nobody asked for a login."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.gce_reads import NAME, PAGE, fleet
from provision.spec.clouds import GceCloud
from provision.spec.models import Group, Spec
from tests.journeys.command import ROOT, Cli
from tests.journeys.emulator import Emulator

NODES = PAGE + 20
PAGES = 2
HEAVY = {
    "google.cloud.compute_v1", "google.api_core", "google.protobuf", "grpc", "pulumi", "jsonschema",
    "paramiko", "docker.transport.sshconn", "rich", "provision.recipes.up",
}  # fmt: skip
LOADED = """\
import sys
from provision.cli.main import main
sys.argv = ["provision", *sys.argv[1:]]
try:
    code = main()
except SystemExit as end:
    code = end.code
print("LOADED", code, *sys.modules, file=sys.stderr)
"""
"""The command, and then what it has imported."""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    made = Emulator(Cli(tmp_path_factory.mktemp("emulator")), "none", "--set", "operation=0")
    try:
        fleet({**os.environ, **made.environment}, NODES)
        yield made
    finally:
        made.end()


@pytest.fixture
def cli(tmp_path: Path, emulator: Emulator) -> Cli:
    """With the spec of a cluster on this disk, as after an ``up``."""
    cli = Cli(tmp_path / "state", emulator.environment)
    spec = Spec(name=NAME, cloud=GceCloud(), groups={"worker": Group(nodes=NODES)})
    cli.folder(NAME).mkdir(parents=True, mode=0o700)
    (cli.folder(NAME) / "spec.json").write_text(spec.model_dump_json(), encoding="utf-8")
    return cli


def loaded(cli: Cli, *words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words], cwd=ROOT, text=True, capture_output=True,
        timeout=120, check=True, env={**os.environ, "XDG_STATE_HOME": str(cli.state), **cli.env},
    )  # fmt: skip
    _, code, *modules = done.stderr.splitlines()[-1].split()
    assert code in ("0", "3"), done.stderr
    return set(modules)


@pytest.mark.parametrize(
    ("words", "code"), [(("list",), 0), (("inventory", NAME), 0), (("status", NAME), 3)]
)
def test_a_command_lists_the_vms_once(
    words: tuple[str, ...], code: int, cli: Cli, emulator: Emulator
) -> None:
    before = emulator.count("instances.aggregatedList")
    answer = cli(*words, "-o", "json", expect=code) if words[0] != "inventory" else cli(*words)
    assert emulator.count("instances.aggregatedList") - before == PAGES
    shown = json.dumps(answer.json())
    assert f"{NAME}-worker-{NODES:04d}" in shown or f'"machines": {NODES + 1}' in shown


def test_without_the_spec_one_page_more_says_that_it_exists(
    tmp_path: Path, emulator: Emulator
) -> None:
    cli = Cli(tmp_path / "other", emulator.environment)
    before = emulator.count("instances.aggregatedList")
    listed = cli("inventory", NAME).json()
    assert len(listed["nodes"]) == NODES + 1
    assert emulator.count("instances.aggregatedList") - before == PAGES + 1


@pytest.mark.parametrize("words", [("list",), ("inventory", NAME), ("status", NAME)])
def test_looking_loads_only_what_a_list_needs(words: tuple[str, ...], cli: Cli) -> None:
    modules = loaded(cli, *words)
    assert "provision.clouds.gce.cloud" in modules
    assert modules.isdisjoint(HEAVY)


def test_a_list_loads_nothing_of_what_works_on_a_cluster(cli: Cli) -> None:
    others = {"yaml", "provision.scheduler", "provision.cluster.session", "provision.remote.ssh"}
    assert loaded(cli, "list").isdisjoint(others)


def test_the_containers_sdk_loads_without_paramiko_and_still_finds_an_engine_by_ssh() -> None:
    script = (
        "import sys; from provision.runtimes.container import connect; connect._sdk('unix:///x');"
        "print('docker.api.client' in sys.modules, 'paramiko' in sys.modules);"
        "connect._sdk('ssh://u@h'); print(sys.modules['docker.api.client'].SSHHTTPAdapter.__module__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, text=True, capture_output=True, timeout=60, check=True
    )  # fmt: skip
    assert done.stdout.split() == ["True", "False", "docker.transport.sshconn"]


def target(cli: Cli, node: str = "") -> tuple[str, set[str]]:
    """What ``provision ssh`` hands to OpenSSH, and what it has imported for that."""
    script = "import sys; from provision.cluster.status import ssh_target as t; "
    script += "print(t(*sys.argv[1:])[1], *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script, NAME, node], cwd=ROOT, text=True, capture_output=True,
        timeout=120, check=False, env={**os.environ, "XDG_STATE_HOME": str(cli.state), **cli.env},
    )  # fmt: skip
    if done.returncode:
        return done.stderr, set()
    host, *modules = done.stdout.split()
    return host, set(modules)


def test_a_controller_that_answers_is_logged_into_without_asking_the_cloud(
    cli: Cli, emulator: Emulator
) -> None:
    (cli.folder(NAME) / "ssh_config").write_text("# as the last run wrote it\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        outputs = {
            "controller": f"{NAME}-controller",
            "endpoint": {"address": "127.0.0.1", "port": listening.getsockname()[1]},
        }
        (cli.folder(NAME) / "outputs.json").write_text(json.dumps(outputs), encoding="utf-8")
        before = emulator.control("calls")
        host, modules = target(cli)
        assert host == f"{NAME}-controller"
        assert "provision.clouds.gce.cloud" not in modules and "docker" not in modules
        assert emulator.control("calls") == before
    # Nobody answers there any more: now the cloud is asked, and says that there are no keys here.
    said, _ = target(cli)
    assert "the keys of" in said
    assert emulator.count("instances.aggregatedList") > sum(
        before.get("compute.instances.aggregatedList", {}).values()
    )


def test_the_lists_are_tried_again_and_told_like_every_call(cli: Cli, emulator: Emulator) -> None:
    emulator.turn(
        faults=[
            {
                "method": "compute.instances.aggregatedList",
                "kind": "http",
                "status": 503,
                "times": 1,
            }
        ]
    )
    assert len(cli("inventory", NAME).json()["nodes"]) == NODES + 1
    emulator.turn(
        faults=[{"method": "compute.instances.aggregatedList", "kind": "http", "status": 403}]
    )
    answer = cli("inventory", NAME, expect=None)
    emulator.turn(faults=[])
    assert answer.exit_code in (1, 4) and "instances" in answer.sentence()
