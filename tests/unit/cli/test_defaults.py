"""Flags take their defaults from the environment and config.toml, and never silently a consent."""

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from provision.cli import defaults
from provision.cli.app import GROUP
from provision.cli.commands import BY_NAME
from provision.cli.main import main
from tests.unit.test_docs import rows

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[3]
SPEC = "name: mine\ncloud: local\ngroups: {worker: {nodes: 5}}\n"
COMMANDS = {name: GROUP.get_command(click.Context(GROUP), name) for name in BY_NAME}
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "provision").mkdir(parents=True)
    (tmp_path / "spec.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)


def config(text: str) -> Path:
    file = defaults.config_file()
    file.write_text(text)
    return file


def planned(capsys: Capture, *words: str) -> dict[str, object]:
    capsys.readouterr()
    assert main(["plan", "-o", "json", *words]) == 0
    plan = json.loads(capsys.readouterr().out)
    return {
        "cloud": plan["cloud"]["kind"],
        "name": plan["name"],
        "workers": plan["totals"]["workers"],
    }


def test_every_flag_of_every_command_has_its_variable_and_its_key() -> None:
    """The table is what click has, and every option but the typed ones has its variable first."""
    found: dict[str, set[str]] = {}
    for name, command in COMMANDS.items():
        assert command is not None
        for option in defaults.options_of(command):
            found.setdefault(defaults.flag_of(option), set()).add(name)
    assert found == {flag: set(names) for flag, names in defaults.FLAGS.items()}
    assert not set(defaults.FLAGS) & set(BY_NAME), "a key and a table would have one name"


@pytest.mark.parametrize("name", BY_NAME)
def test_every_option_is_taken_from_its_variable(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = COMMANDS[name]
    assert command is not None
    defaults.apply(click.Context(GROUP), name, command)
    for option in defaults.options_of(command):
        flag = defaults.flag_of(option)
        assert isinstance(option.envvar, list)
        ours = defaults.variables(name, flag)
        assert option.envvar[: len(ours)] == ours
        assert bool(ours) == (flag not in defaults.TYPED)
        context = click.Context(command, info_name=name)
        for variable in ours:
            with monkeypatch.context() as patch:
                patch.setenv(variable, "7")
                assert option.value_from_envvar(context) in ("7", ["7"], ("7",))


def test_a_flag_goes_before_a_variable_before_a_spec_before_the_file_before_what_is_built_in(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert planned(capsys)["workers"] == 2
    config("nodes = 3\nname = 'filed'")
    assert planned(capsys)["workers"] == 3
    assert planned(capsys, "spec.yaml") == {"cloud": "local", "name": "mine", "workers": 5}
    monkeypatch.setenv("PROVISION_NODES", "4")
    assert planned(capsys)["workers"] == planned(capsys, "spec.yaml")["workers"] == 4
    monkeypatch.setenv("PROVISION_PLAN_NODES", "6")
    assert planned(capsys)["workers"] == 6
    assert planned(capsys, "--nodes", "7") == {"cloud": "local", "name": "filed", "workers": 7}
    monkeypatch.setenv("PROVISION_PLAN_NODES", "")
    monkeypatch.setenv("PROVISION_NODES", "")
    assert planned(capsys)["workers"] == 3, "an empty variable is not set"


def test_a_table_of_the_file_is_for_one_command(capsys: Capture) -> None:
    config("nodes = 3\n[plan]\nnodes = ['worker=4']\n[up]\nnodes = 9")
    assert planned(capsys)["workers"] == 4


@pytest.mark.parametrize(
    ("words", "cloud"),
    [([], "gce"), (["--cloud", "local"], "local"), (["spec.yaml"], "local")],
)
def test_the_files_cloud_and_what_belongs_to_it_are_left_out_where_another_is_meant(
    words: list[str], cloud: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    config("cloud = 'gce'\nmachines = 'n2-standard-2'\nregion = 'us-central1'\n")
    monkeypatch.setenv("PROVISION_PROJECT", "my-project-1234")
    assert planned(capsys, *words)["cloud"] == cloud


def test_a_variable_belongs_to_the_cloud_that_the_file_names(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    config("cloud = 'gce'")
    monkeypatch.setenv("PROVISION_PROJECT", "NOT A PROJECT")
    assert main(["plan"]) == 2
    assert capsys.readouterr().err.startswith(
        "provision: PROVISION_PROJECT: 'NOT A PROJECT' is not"
    )


def test_init_takes_them_and_says_where_from(capsys: Capture) -> None:
    file = config("cloud = 'gce'\nmachines = 'n2-standard-2'")
    assert main(["init", "a.yaml"]) == 0
    assert f"cloud is gce ({file}: cloud)" in capsys.readouterr().err
    assert "machines: n2-standard-2" in Path("a.yaml").read_text()
    assert main(["init", "b.yaml", "--cloud", "local"]) == 0
    assert "machines: container" in Path("b.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cluod = 'gce'", ": cluod: is no flag and no command; did you mean 'cloud'?"),
        ("[upp]\nnodes = 2", ": upp: is no flag and no command; did you mean 'up'?"),
        ("[up]\nnode = 2", ": up.node: is no flag of 'up'; did you mean 'nodes'?"),
        ("up = 3", ": up: is no flag and no command; did you mean 'up'?"),
        ("quiet = 'yes'", ": quiet: must be true or false, not yes; write it as"),
        ("cloud = ['gce']", ": cloud: must be text or a number, not a list; write it as"),
        ("nodes = [true]", ": nodes: must be text or a number, not true; write it as"),
        ("ttl = 2026-01-01", ": ttl: must be text or a number, not 2026-01-01; write it as"),
        ("nodes = 0", ": nodes: must be at least 1, not 0; give a number from 1 to 65000"),
        ("quorum = nan", ": quorum: must be a number, not 'nan'; give"),
        ("nodes = 1" + "0" * 5000, "is not valid TOML"),
        ("a = " + "[" * 50_000, "is not valid TOML (it is nested too deeply)"),
        ("cloud = ?", ":1: is not valid TOML (Invalid value (at line 1, column 9)); mend it"),
        ("output = 'jsn'", ": output: 'jsn' is not one of 'table', 'json'"),
    ],
)
def test_what_is_wrong_in_the_file_is_one_sentence_with_file_and_key(
    text: str, said: str, capsys: Capture
) -> None:
    file = config(text)
    assert main(["plan"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(file) in line and said in line


def test_all_that_is_wrong_is_told_at_once(capsys: Capture) -> None:
    config("cluod = 1\nquiet = 3\nyes = true\n[down]\nforget = true\n")
    assert main(["plan"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 4


@pytest.mark.parametrize("flag", defaults.TYPED)
def test_consent_comes_from_no_file_and_no_variable(
    flag: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    config(f"{flag} = true")
    assert main(["list"]) == 2
    said = capsys.readouterr().err
    assert f": {flag}: is taken from nowhere but the command line; remove it" in said
    config("")
    variable = f"PROVISION_{flag.replace('-', '_').upper()}"
    monkeypatch.setenv(variable, "1")
    assert main([defaults.FLAGS[flag][0], "--help"]) == 0
    assert main([defaults.FLAGS[flag][0]]) == 2
    assert f"{variable}: --{flag} is taken from nowhere" in capsys.readouterr().err


def damage(file: Path, kind: str) -> None:
    match kind:
        case "pipe":
            os.mkfifo(file)
        case "folder":
            file.mkdir()
        case "endless":
            file.symlink_to("/dev/zero")
        case "link to nothing":
            file.symlink_to(file.with_name("none"))
        case "link to itself":
            file.symlink_to(file)
        case "huge":
            file.write_bytes(b"#" * (1024 * 1024 + 1))
        case "binary":
            file.write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(
    "kind", ["pipe", "folder", "endless", "link to nothing", "link to itself", "huge", "binary"]
)
def test_a_file_that_cannot_be_read_is_told_and_does_not_hide_the_help(
    kind: str, capsys: Capture
) -> None:
    file = defaults.config_file()
    damage(file, kind)
    assert main(["plan"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"provision: {file}: ")
    assert main(["plan", "--help"]) == 0


def test_no_file_is_no_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("none", "spec.yaml"):
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / name))
        assert main(["plan"]) == 0


def test_a_value_nobody_typed_is_told_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("PROVISION_RUN_TIMEOUT", "inf")
    assert main(["run", "--", "true"]) == 2
    assert "invalid value for PROVISION_RUN_TIMEOUT: inf is no time" in capsys.readouterr().err


def test_a_misspelled_variable_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("PROVISION_CLUOD", "gce")
    monkeypatch.setenv("PROVISION_BUILD_NUMBER", "7")
    assert main(["plan"]) == 0
    assert capsys.readouterr().err == (
        "provision: PROVISION_CLUOD is no variable of ours; did you mean 'PROVISION_CLOUD'?\n"
    )


def test_the_configuration_page_has_every_variable() -> None:
    page = {key for key in rows("configuration.md") if re.fullmatch(r"[A-Za-z_]+", key)} - {
        "variable"
    }
    flags = {
        defaults.variables(name, flag)[-1]
        for flag, names in defaults.FLAGS.items()
        for name in names
        if flag not in defaults.TYPED
    }
    assert page == flags | set(defaults.VARIABLES)
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for flag, names in defaults.FLAGS.items():
        if flag in defaults.TYPED:
            assert f"`--{flag}`" in text or f"--{flag}`" in text
        for name in names if flag not in defaults.TYPED else ():
            row = rows("configuration.md", "Variables of flags")[defaults.variables(name, flag)[-1]]
            assert row[0] == f"--{flag}" and f"{name}" in row[1].replace("`", "").split(", ")


NAMES = re.compile(
    r"(PROVISION|XDG|GOOGLE|CLOUDSDK|DOCKER|CLICOLOR)_[A-Z_]*[A-Z]|NO_COLOR|CLICOLOR|COLUMNS|TERM"
)


def named() -> Iterator[str]:
    """Every name of a variable that stands in our code as a text of its own."""
    for path in (ROOT / "provision").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and NAMES.fullmatch(text):
                yield text


def test_the_table_has_every_variable_that_the_code_names() -> None:
    assert set(named()) <= set(defaults.VARIABLES)
    assert len(set(named())) > 15
