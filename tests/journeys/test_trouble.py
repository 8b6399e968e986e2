"""What goes wrong, goes wrong in one clear sentence, and nothing is lost."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision import labels
from provision.runtime import Network
from provision.runtimes.container.runtime import ContainerRuntime
from tests.journeys.command import Cli, stop_when

NAME = "jtrouble"
BREAK = """\
      #cloud-boothook
      #!/bin/sh
      case "$(hostname) $INSTANCE_ID" in
        {pattern}) touch /run/never-joins; systemctl mask --runtime slurmd; echo broken on purpose ;;
      esac
"""


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    made = Cli(tmp_path / "state")
    try:
        yield made
    finally:
        made("down", NAME, "--yes", expect=None)


def spec(folder: Path, nodes: int, pattern: str, ready: str) -> str:
    """A spec whose user-data keeps the machines from joining that the pattern names."""
    path = folder / f"{NAME}.yaml"
    path.write_text(
        f"name: {NAME}\ncloud: local\nready: {ready}\ngroups:\n  worker:\n    nodes: {nodes}\n"
        f"    user_data: |\n{BREAK.format(pattern=pattern)}"
    )
    return str(path)


def names(cli: Cli) -> list[str]:
    """All clusters on this machine, whoever's they are."""
    return [cluster["name"] for cluster in cli("list", "--output", "json").json()]


def test_one_that_never_joins_is_replaced_once_and_all_ends_well(cli: Cli, tmp_path: Path) -> None:
    path = spec(tmp_path, 8, "*worker-0003*.0", "{replace_after: 15s, deadline: 3m}")
    events = tmp_path / "events.jsonl"
    up = cli("up", path, "--output", "json", "--events", str(events)).json()
    assert (up["joined"], up["missing"], up["proof"]["nodes"]) == (8, [], 8)
    replaced = [line for line in events.read_text().splitlines() if '"MachineReplaced"' in line]
    assert len(replaced) == 1 and f"{NAME}-worker-0003" in replaced[0]


def test_one_whose_replacement_fails_too_is_named_with_its_console(
    cli: Cli, tmp_path: Path
) -> None:
    path = spec(tmp_path, 3, "*worker-0002*", "{quorum: 0.6, replace_after: 8s, deadline: 3m}")
    up = cli("up", path, "--output", "json", expect=3).json()
    (missing,) = up["missing"]
    assert missing["name"] == f"{NAME}-worker-0002" and missing["phase"]
    assert missing["console_tail"].strip()
    assert up["proof"]["nodes"] == 2
    said = cli("logs", NAME, "worker-0002").stdout
    assert "broken on purpose" in said, "the console of one that never joined"


def test_below_quorum_at_the_deadline_fails(cli: Cli, tmp_path: Path) -> None:
    path = spec(tmp_path, 2, "*worker-0002*", "{replace_after: 60s, deadline: 15s}")
    said = cli("up", path, expect=1).sentence()
    assert "worker-0002" in said and "1 of 2" in said and "provision repair" in said


@pytest.mark.parametrize("phase", ["check", "image", "create", "join"])
def test_an_interrupt_is_answered_at_once_and_up_goes_on(
    cli: Cli, tmp_path: Path, phase: str
) -> None:
    events = tmp_path / "events.jsonl"
    marks = {
        "check": '"StepStarted"',
        "image": '"step": "image"',
        "create": '"Noted"',
        "join": '"step": "join", "done"',
    }

    def seen() -> bool:
        return events.exists() and any(
            marks[phase] in line or (phase == "join" and '"Progress"' in line and '"join"' in line)
            for line in events.read_text().splitlines()
        )

    process = cli.start("up", "--name", NAME, "--nodes", "3", "--events", str(events))
    stopped = stop_when(process, seen, signal.SIGINT)
    assert stopped.exit_code == 130, stopped
    assert stopped.seconds < 20
    sentence = stopped.sentence()
    if NAME in names(cli):
        assert f"provision down {NAME}" in sentence and "exist" in sentence
    else:
        assert phase != "join" and f"nothing of {NAME} exists" in sentence
    cli("up", "--name", NAME, "--nodes", "3")
    cli("down", NAME)


def test_after_kill_9_up_goes_on_and_down_removes_all(cli: Cli, tmp_path: Path) -> None:
    def seen() -> bool:
        listed = cli("list", "--output", "json").json()
        return any(c["name"] == NAME and c["machines"] >= 2 for c in listed)

    process = cli.start("up", "--name", NAME, "--nodes", "3")
    assert stop_when(process, seen, signal.SIGKILL).exit_code == -9
    up = cli("up", "--name", NAME, "--nodes", "3", "--output", "json").json()
    assert up["joined"] == 3
    process = cli.start("up", "--name", NAME, "--nodes", "4")
    process.kill()
    process.communicate()
    cli("down", NAME)
    assert NAME not in names(cli)


def test_a_second_up_names_the_first_by_pid(cli: Cli) -> None:
    def seen() -> bool:
        return (cli.state / "provision" / "locks" / f"{NAME}.lock").exists()

    first = cli.start("up", "--name", NAME, "--nodes", "2")
    try:
        while not seen():
            assert first.poll() is None
        second = cli("up", "--name", NAME, "--nodes", "2", expect=4).sentence()
        assert f"pid {first.pid}" in second
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)
    assert first.returncode == 130


@pytest.mark.parametrize(
    ("text", "args", "words", "code"),
    [
        ("name: x\ngroups: {worker: {nodes: 1}}\nclowd: local\n", [], "cloud", 2),
        ("name: [x\n", [], "bad.yaml:2: column", 2),
        (None, ["/nowhere/spec.yaml"], "/nowhere/spec.yaml", 2),
        (None, ["--name", "Not_A_Label", "--nodes", "1"], "Not_A_Label", 2),
        (None, ["--nodes", "0"], "nodes", 2),
        (None, ["--nodes", "-1"], "nodes", 2),
        (None, ["--nodes", "1e9"], "nodes", 2),
        (None, ["--nodes", "ten"], "nodes", 2),
        ("name: x\ngroups:\n  w: {nodes: 1}\n  w: {nodes: 2}\n", [], "twice", 2),
        (None, ["--nodes", "60000"], "fit", 4),
    ],
)
def test_bad_input_is_one_sentence_and_creates_nothing(
    cli: Cli, tmp_path: Path, text: str | None, args: list[str], words: str, code: int
) -> None:
    before = names(cli)
    if text is not None:
        path = tmp_path / "bad.yaml"
        path.write_text(text)
        args = [str(path)]
    assert words in cli("up", *args, expect=code).sentence()
    assert names(cli) == before
    assert not (tmp_path / "state" / "provision").exists()


def test_no_engine_is_one_sentence_that_says_how_to_get_one(cli: Cli, tmp_path: Path) -> None:
    env = {"DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    said = cli("up", "--nodes", "1", expect=4, env=env).sentence()
    assert "no container engine answers" in said and "DOCKER_HOST" in said
    assert "No such file" in said, "the system's own words, not an SDK's"


def test_an_engine_that_cannot_start_a_container_is_refused(cli: Cli, tmp_path: Path) -> None:
    if "Podman" not in cli("doctor", "--nodes", "1", expect=None).stdout:
        pytest.skip("it is Podman's configuration that is broken here, and another engine answers")
    broken = tmp_path / "broken-runtime"
    broken.write_text("#!/bin/sh\necho broken on purpose >&2\nexit 1\n")
    broken.chmod(0o755)
    config = tmp_path / "containers.conf"
    config.write_text(f'[engine.runtimes]\nrunc = ["{broken}"]\ncrun = ["{broken}"]\n')
    env = {"CONTAINERS_CONF": str(config), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    said = cli("up", "--name", NAME, "--nodes", "2", expect=4, env=env).sentence()
    assert "container start" in said and "broken on purpose" in said
    assert NAME not in names(cli) and not cli.folder(NAME).exists()


def test_a_port_in_use_is_named(cli: Cli, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        path = tmp_path / "port.yaml"
        path.write_text(
            f"name: {NAME}\ncloud: {{kind: local, ssh_port: {port}}}\ngroups: {{w: {{nodes: 1}}}}\n"
        )
        assert str(port) in cli("up", str(path), expect=4).sentence()


def test_a_subnet_in_use_is_named(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        f"name: {NAME}\ncloud: {{kind: local, subnet: 10.99.3.0/24}}\ngroups: {{w: {{nodes: 1}}}}\n"
    )
    runtime = ContainerRuntime()
    try:
        marks = {labels.CLUSTER: NAME}
        runtime.ensure_network(Network(f"{NAME}-other", "10.99.2.0/23", marks))
        said = cli("up", str(path), expect=4).sentence()
        assert "10.99.3.0/24 overlaps 10.99.2.0/23" in said and f"{NAME}-other" in said
    finally:
        runtime.stop({labels.CLUSTER: NAME})
        runtime.close()


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["scale", "nope", "2"],
        ["repair"],
        ["run", "nope", "--", "true"],
        ["ssh"],
        ["logs", "nope", "worker-0001"],
        ["drain", "nope", "worker-0001"],
        ["inventory"],
    ],
)
def test_an_unknown_name_is_exit_1(cli: Cli, command: list[str]) -> None:
    args = command if "nope" in command else [*command, "nope"]
    assert "nope" in cli(*args, expect=1).sentence()


def test_down_of_an_unknown_name_is_exit_0(cli: Cli) -> None:
    answer = cli("down", "nope")
    assert "nope" in answer.stdout + answer.stderr
