"""The commands that need no cluster: plan, validate, init, completion, and their options."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from provision.cli import init
from provision.cli.app import GROUP
from provision.cli.console import Console, ConsoleOptions
from provision.cli.main import main
from provision.cli.nodeoptions import DashedCommand
from provision.cli.options import name_and_nodes
from provision.cluster import nodes
from provision.errors import SpecError
from provision.remote.fanout import HostResult
from provision.spec.reader import load
from provision.workspace import Workspace

Capture = pytest.CaptureFixture[str]
DEMO = Path(__file__).parents[3] / "inventories" / "demo.yaml"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def words(line: str, incomplete: str) -> list[str]:
    """What a shell is offered behind that line."""
    from click.shell_completion import ShellComplete

    found = ShellComplete(GROUP, {}, "provision", "_X").get_completions(line.split(), incomplete)
    return [item.value for item in found]


def test_plan_as_a_table(capsys: Capture) -> None:
    assert main(["plan", str(DEMO), "--nodes", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["GROUP", "ROLE", "MACHINES", "NAMES", "ADDRESSES"]
    assert "demo-worker-[0001-0003]" in lines[2]
    assert lines[5] == "total: 4 machines (1 controller, 3 workers)"


def test_plan_as_json_is_the_same_each_time(capsys: Capture) -> None:
    assert main(["plan", str(DEMO), "--output", "json"]) == 0
    first = capsys.readouterr().out
    assert main(["plan", str(DEMO), "-o", "json"]) == 0
    assert capsys.readouterr().out == first
    assert json.loads(first)["totals"] == {"machines": 9, "workers": 8}


def test_plan_findings_name_the_line(capsys: Capture) -> None:
    Path("a.yaml").write_text("name: a\ngroups:\n  controller: {nodes: 1}\n")
    assert main(["plan", "a.yaml"]) == 2
    assert capsys.readouterr().err.startswith("provision: a.yaml:3: groups.controller: ")


def test_validate_the_demo(capsys: Capture) -> None:
    assert main(["validate", str(DEMO)]) == 0
    assert capsys.readouterr().out.startswith("ok: demo on local: 1 controller and 8 workers")


def test_init_without_a_terminal_takes_and_names_the_defaults(capsys: Capture) -> None:
    assert main(["init", "My_Lab.yaml", "--nodes", "3"]) == 0
    out, err = capsys.readouterr()
    assert out == "wrote My_Lab.yaml\nnext: provision up My_Lab.yaml\n"
    assert err == (
        "--cloud is not given: taking local\n--machines is not given: taking container\n"
        "for your editor: provision schema > provision.schema.json\n"
    )
    spec = load(Path("My_Lab.yaml")).spec
    assert (spec.name, spec.groups["worker"].nodes) == ("my-lab", 3)


def test_every_key_that_init_comments_out_is_a_key_with_its_default() -> None:
    text = init.spec_text("demo", {"cloud": "local", "nodes": "2", "machines": "container"})
    Path("plain.yaml").write_text(text)
    uncommented = text.replace("\n#ready", "\nready").replace("\n#  ", "\n  ")
    Path("all.yaml").write_text(uncommented)
    plain, whole = load(Path("plain.yaml")).spec, load(Path("all.yaml")).spec
    assert whole.ready.model_copy(update={"quorum": None}) == plain.ready


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("init there.yaml", "there.yaml exists: give --force"),
        ("init no/a.yaml", "there is no folder no: "),
        ("init .", ". is a directory: "),
        ("init a.yaml --name A_", "--name: 'A_' is not a DNS label"),
        ("init a.yaml --nodes ten", "--nodes: must be a whole number, not 'ten'"),
    ],
)
def test_init_refuses(line: str, said: str, capsys: Capture) -> None:
    Path("there.yaml").write_text("")
    assert main(line.split()) == 2
    assert capsys.readouterr().err.startswith(f"provision: {said}")
    assert not Path("a.yaml").exists()


def test_init_overwrites_by_force() -> None:
    Path("there.yaml").write_text("")
    assert main(["init", "there.yaml", "--force", "--yes"]) == 0
    assert load(Path("there.yaml")).spec.name == "there"


def test_init_reports_all_wrong_flags_at_once(capsys: Capture) -> None:
    assert main(["init", "a.yaml", "--cloud", "lcoal", "--nodes", "0"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_wrong_answer_is_asked_again() -> None:
    typed = iter(["lcoal", "local", "0", "5"])
    err = io.StringIO()
    console = Console(ConsoleOptions(), io.StringIO(), err, {})
    answers = init.answered({"machines": "container"}, lambda text, default: next(typed), console)
    assert answers == {"cloud": "local", "nodes": "5", "machines": "container"}
    assert err.getvalue().splitlines() == [
        "  must be gce or local, not 'lcoal'; did you mean 'local'?",
        "  must be at least 1, not 0; give a number from 1 to 65000",
    ]


def test_a_wrong_flag_is_not_asked_about() -> None:
    console = Console(ConsoleOptions(), io.StringIO(), io.StringIO(), {})
    with pytest.raises(SpecError):
        init.answered({"cloud": "x"}, lambda text, default: "local", console)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, capsys: Capture) -> None:
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert "_PROVISION_COMPLETE" in out and "provision" in out


def test_completion_of_words() -> None:
    Workspace("demo").save("outputs", {"nodes": [{"name": "demo-worker-0001"}]})
    assert words("", "s") == ["schema", "status", "ssh", "scale"]
    assert words("plan", "--no") == ["--nodes"]
    assert words("plan --cloud", "") == ["gce", "local"]
    assert words("completion", "") == ["bash", "zsh", "fish"]
    assert words("status", "") == ["demo"]
    assert words("drain demo", "w") == ["worker-0001"]
    assert words("drain demo worker-0001", "") == []
    assert words("drain", "w") == ["worker-0001"], "of the only cluster"
    assert words("ssh demo", "") == ["worker-0001"]
    assert words("run demo --node", "") == ["worker-0001"]
    assert words("nonsense", "x") == []


def test_nodes_and_groups_of_one_command_are_sets_of_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def work(name: str, what: object, where: object, *more: object) -> Iterator[HostResult]:
        asked.append(where if name == "run" else more[0])
        yield HostResult("worker-0001", 0)

    monkeypatch.setattr(nodes, "run", work)
    monkeypatch.setattr(nodes, "upload", work)
    only = ["--node", "worker-[0001-0003]", "--group", "gpu", "--group", "big", "--node", "a,b"]
    assert main(["run", "run", "--no-fold", *only, "--", "true"]) == 0
    assert main(["cp", "cp", *only, "a.csv", ":/tmp/"]) == 0
    assert asked == [("worker-[0001-0003]", "a,b", "@gpu", "@big")] * 2


def test_words_that_may_begin_with_a_cluster() -> None:
    Workspace("demo").save("outputs", {})
    assert name_and_nodes([]) == ("", [])
    assert name_and_nodes(["demo"]) == ("demo", [])
    assert name_and_nodes(["demo", "worker-0001"]) == ("demo", ["worker-0001"])
    assert name_and_nodes(["worker-0001", "worker-0002"]) == ("", ["worker-0001", "worker-0002"])
    assert name_and_nodes(["other", "worker-0001"]) == ("other", ["worker-0001"])


@pytest.mark.parametrize(
    ("line", "name", "behind"),
    [
        ("demo -- ls -l", "demo", ("ls", "-l")),
        ("-- ls -- x", "", ("ls", "--", "x")),
        ("demo", "demo", ()),
    ],
)
def test_words_behind_dashes(line: str, name: str, behind: tuple[str, ...]) -> None:
    @click.command(cls=DashedCommand)
    @click.argument("name", required=False, default="")
    def run(name: str, command: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        return name, command

    context = run.make_context("run", line.split())
    assert run.invoke(context) == (name, behind)
