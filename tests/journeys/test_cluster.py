"""One real cluster on this machine, from up to down, with every command in between."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.runtimes import KINDS
from tests.journeys.command import Cli, until

NAME = "jcluster"


@pytest.fixture(scope="module", params=KINDS)
def machines(request: pytest.FixtureRequest) -> str:
    """Every test of this module runs on each kind of machine."""
    return str(request.param)


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, machines: str) -> Iterator[Cli]:
    """A cluster of three that every test of this module leaves as it found it."""
    made = Cli(tmp_path_factory.mktemp("state"))
    try:
        up = made(
            "up",
            "--name",
            NAME,
            "--nodes",
            "3",
            "--ttl",
            "2h",
            "--machines",
            machines,
            "-o",
            "json",
        )
        assert up.json()["proof"]["nodes"] == 3
        yield made
    finally:
        made("down", NAME, "--yes", expect=None)


def jq(text: str, program: str) -> str:
    """What the real jq makes of it."""
    return subprocess.run(
        ["jq", "-r", program], input=text, capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()


def test_up_again_is_quick_and_says_it_is_up(cli: Cli, machines: str) -> None:
    again = cli("up", "--name", NAME, "--nodes", "3", "--machines", machines, "--ttl", "2h")
    assert f"{NAME} is up: 3 of 3" in again.stdout
    assert again.seconds < 30, "3 s on a quiet machine"


def test_status_and_list(cli: Cli) -> None:
    data = cli("status", NAME, "--output", "json").stdout
    assert jq(data, '[.nodes[] | select(.state == "ready")] | length') == "3"
    assert jq(data, ".summary.expires > .summary.created + 7000") == "true"
    listed = jq(cli("list", "--output", "json").stdout, ".[].name").split()
    assert NAME in listed
    if listed == [NAME]:  # whoever runs the tests may have clusters of their own
        assert "worker-0002" in cli("status").stdout, "the only cluster needs no name"
    else:
        assert NAME in cli("status", expect=2).sentence()
    assert NAME in cli("list").stdout


def test_run_has_a_result_per_host_and_the_worst_exit_code(cli: Cli) -> None:
    data = cli("run", NAME, "--output", "json", "--", "hostname").stdout
    assert jq(data, '[.[].stdout] | sort | join("")').split() == [
        f"{NAME}-worker-000{number}" for number in (1, 2, 3)
    ]
    mixed = cli(
        "run", NAME, "--", "test $(hostname) = " + f"{NAME}-worker-0002 || exit 7", expect=7
    )
    assert "worker-0003" in mixed.stdout
    one = cli("run", NAME, "--node", "worker-0002", "--", "echo", "a  b")
    assert "worker-0002" in one.stdout and "worker-0001" not in one.stdout


def test_quotes_reach_the_node_as_they_were_typed(cli: Cli) -> None:
    data = cli(
        "run", NAME, "--node", "worker-0001", "--output", "json", "--", "printf", "%s|", "a b", "c"
    )
    assert data.json()[0]["stdout"] == "a b|c|"


def test_openssh_with_the_generated_config(cli: Cli) -> None:
    config = cli.folder(NAME) / "ssh_config"
    for host in (f"{NAME}-controller", f"{NAME}-worker-0002", "worker-0003"):
        done = subprocess.run(
            ["ssh", "-F", str(config), host, "hostname"],
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip().endswith(host)
        assert done.stderr == "", "no warning, no unknown host"


def test_ssh_hands_over_with_its_exit_code(cli: Cli) -> None:
    assert cli("ssh", NAME, "worker-0001", "--", "hostname").stdout == f"{NAME}-worker-0001\n"
    assert cli("ssh", NAME, "--", "exit 9", expect=9)
    assert "has no node" in cli("ssh", NAME, "worker-0009", expect=1).sentence()


def test_ansible_pings_every_node_of_the_inventory(
    cli: Cli, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp(
        "a"
    )  # short: the path of a socket in it has 107 characters at most
    inventory = home / "hosts.yml"
    inventory.write_text(cli("inventory", NAME, "--format", "ansible").stdout)
    ansible = Path(sys.executable).with_name("ansible")
    done = subprocess.run(
        [ansible, "-i", inventory, "all", "-m", "ping"],
        capture_output=True,
        text=True,
        timeout=180,
        stdin=subprocess.DEVNULL,
        check=False,
        env={
            **os.environ,
            "ANSIBLE_LOCAL_TEMP": str(home),
            "HOME": str(home),
            "ANSIBLE_NOCOLOR": "1",
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"ping": "pong"') == 4


def test_inventory_formats(cli: Cli) -> None:
    assert jq(cli("inventory", NAME, "--format", "json").stdout, ".nodes | length") == "4"
    assert f"{NAME}-worker-0003" in cli("inventory", NAME, "--format", "hosts").stdout
    assert "ProxyJump" in cli("inventory", NAME, "--format", "ssh").stdout


def test_logs_show_console_and_cloud_init(cli: Cli) -> None:
    said = cli("logs", NAME, "worker-0001").stdout
    assert "cloud-init" in said and "Cloud-init v." in said


def test_drain_and_resume(cli: Cli) -> None:
    cli("drain", NAME, "worker-0002", "--reason", "a test")
    data = cli("status", NAME, "--output", "json", expect=3).stdout
    assert jq(data, '.nodes[] | select(.state == "drained") | .reason') == "a test"
    cli("resume", NAME, "worker-0002")
    cli("resume", NAME, "worker-0002")
    assert jq(cli("status", NAME, "--output", "json").stdout, ".ready") == "3"


def test_scale_up_down_and_not_below_a_running_job(cli: Cli) -> None:
    cli("scale", NAME, "4")
    assert jq(cli("status", NAME, "--output", "json").stdout, ".ready") == "4"
    cli("ssh", NAME, "--", f"sbatch -w {NAME}-worker-0004 -o /dev/null --wrap 'sleep 300'")
    cli(
        "ssh",
        NAME,
        "--",
        "for i in $(seq 50); do squeue -h -t R | grep -q . && exit; sleep 0.2; done; exit 1",
    )
    refused = cli("scale", NAME, "3", expect=1).sentence()
    assert "worker-0004" in refused and "--force" in refused
    cli("ssh", NAME, "--", "scancel -u provision; while squeue -h | grep -q .; do sleep 0.2; done")
    cli("scale", NAME, "3")
    data = cli("status", NAME, "--output", "json").stdout
    assert jq(data, ".nodes | length") == "3"
    assert "worker-0004" not in cli("ssh", NAME, "--", "sinfo -N").stdout


@pytest.mark.parametrize(
    ("node", "daemon"), [("worker-0002", "slurmd"), ("worker-0002", "munged"), ("", "slurmctld")]
)
def test_a_daemon_that_was_killed_is_active_again(cli: Cli, node: str, daemon: str) -> None:
    where = [NAME, node] if node else [NAME]
    unit = daemon.replace("munged", "munge")
    pid = cli("ssh", *where, "--", f"pidof {daemon}").stdout.strip()
    cli("ssh", *where, "--", f"sudo kill -9 {pid}")
    until(
        lambda: cli("ssh", *where, "--", f"systemctl is-active {unit}", expect=None).exit_code == 0,
        20,
    )
    assert cli("ssh", *where, "--", f"pidof {daemon}").stdout.strip() != pid
    ready = '[.nodes[] | select(.state == "ready")] | length'
    until(lambda: jq(cli("status", NAME, "-o", "json").stdout, ready) == "3", 60)


def test_daemons_stay_active_when_they_are_reconfigured(cli: Cli) -> None:
    cli("ssh", NAME, "--", "sudo scontrol reconfigure")
    active = "sleep 2; systemctl is-active munge"
    assert cli("ssh", NAME, "--", f"{active} slurmctld").stdout.split() == ["active"] * 2
    assert (
        cli("ssh", NAME, "worker-0001", "--", f"{active} slurmd").stdout.split() == ["active"] * 2
    )


def test_memory_is_given_once(cli: Cli) -> None:
    sizes = cli("ssh", NAME, "--", "sinfo -h -N -p all -o %m").stdout.split()
    host = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    assert len(sizes) == 3 and sum(map(int, sizes)) <= host, "the host's memory is shared"
    most = int(sizes[0]) * 8 // 10
    job = (
        f"sbatch --parsable --mem={most}M -c1 -w {NAME}-worker-0001 -o /dev/null --wrap 'sleep 90'"
    )
    jobs = cli("ssh", NAME, "--", f"{job}; {job}").stdout.split()
    states = f"squeue -h -j {','.join(jobs)} -o '%T %r'"

    def told() -> list[str]:
        return sorted(cli("ssh", NAME, "--", states).stdout.splitlines())

    # A reason stands there once Slurm has tried to place it, so that both had their chance.
    until(lambda: told() == ["PENDING Resources", "RUNNING None"], 60)
    # A job that asks for no memory still has its place on every node.
    assert len(cli("ssh", NAME, "--", "srun -N3 -n3 hostname").stdout.split()) == 3
    cli("ssh", NAME, "--", f"scancel {' '.join(jobs)}")


def test_repair_replaces_a_machine_that_died(cli: Cli) -> None:
    cli("ssh", NAME, "worker-0003", "--", "sudo systemctl poweroff", expect=None)
    stopped = f'[.nodes[] | select(.phase == "stopped") | .name] == ["{NAME}-worker-0003"]'

    def seen() -> bool:
        return jq(cli("status", NAME, "--output", "json", expect=None).stdout, stopped) == "true"

    until(seen, 60)
    repaired = cli("repair", NAME, "--output", "json").json()
    assert (repaired["created"], repaired["joined"]) == (1, 3)
    assert cli("ssh", NAME, "--", "srun -N3 hostname | sort -u | wc -l").stdout.strip() == "3"


def test_secrets_are_private_and_in_no_output(cli: Cli) -> None:
    folder = cli.folder(NAME)
    assert {path.stat().st_mode & 0o077 for path in folder.rglob("*")} == {0}
    assert folder.stat().st_mode & 0o077 == 0
    munge = jq((folder / "keys.json").read_text(), ".munge")
    rendered = cli("render", "--name", NAME, "--nodes", "3", "--role", "worker").stdout
    assert munge not in rendered and "PRIVATE KEY" not in rendered


def test_what_its_commands_told_is_kept_and_not_what_they_ran(cli: Cli) -> None:
    cli("run", NAME, "--", "echo a-word-of-the-users")
    text = (cli.folder(NAME) / "events.jsonl").read_text()
    assert jq(text, 'select(.event == "CommandStarted") | .command').splitlines()[0] == "up"
    last = jq(text, 'select(.command == "run") | "\\(.event) \\(.exit_code // .done)"').splitlines()
    assert last[-2:] == ["Progress 3", "CommandEnded 0"]
    assert "a-word-of-the-users" not in text
    assert jq((cli.folder(NAME) / "keys.json").read_text(), ".munge") not in text


def test_timings_have_every_phase_of_every_node(cli: Cli) -> None:
    timings = (cli.folder(NAME) / "timings.json").read_text()
    assert (
        jq(timings, "[.nodes[] | select(.requested and .started and .booted and .joined)] | length")
        == "3"
    )
    assert float(jq(timings, ".seconds_since_requested.joined.p100")) > 0


def test_without_the_state_folder_list_status_and_down_work(cli: Cli) -> None:
    """Last in the module: it removes the cluster."""
    shutil.move(cli.state / "provision", cli.state / "elsewhere")
    assert NAME in cli("list").stdout
    status = cli("status", NAME, "--output", "json", expect=None).json()
    assert status["summary"]["machines"] == 4 and "keys" in status["trouble"]
    cli("down", NAME)
    assert NAME not in cli("list").stdout
    again = cli("down", NAME)
    assert NAME in again.stdout + again.stderr
    assert list(cli.state.rglob("*.lock")) == []
    shutil.rmtree(cli.state / "elsewhere")
