"""The frame: help from the table, errors as sentences, exit codes."""

import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from provision import __version__
from provision.cli import app
from provision.cli.commands import BY_NAME, COMMANDS, help_text
from provision.cli.main import main
from provision.errors import Finding, InterruptedRun, ProvisionError, RefusedError, UsageError

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], int]:
    """Run ``provision list`` with another body."""

    def run(body: Callable[[], Any]) -> int:
        made = click.Command("list", callback=body)
        monkeypatch.setattr(app.Commands, "get_command", lambda self, ctx, name: made)
        return main(["list"])

    return run


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_shows_every_command_with_an_example(words: list[str], capsys: Capture) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    assert out == help_text()
    assert max(map(len, out.splitlines())) <= 80
    for each in COMMANDS:
        assert f"  {each.name} " in out
        assert each.example.split()[0] == each.name
    assert [line.split()[0] for line in out.splitlines() if line and line[0].isupper()][2:-1] == [
        "Start",
        "Look",
        "Work",
        "Change",
        "Host",
        "Options",
    ]


def test_version(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"provision {__version__}\n"


def test_help_of_a_command(capsys: Capture) -> None:
    assert main(["help", "plan"]) == main(["plan", "--help"]) == 0
    assert capsys.readouterr().out.count("Usage: provision plan [OPTIONS] [SPEC]") == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sclae"], "there is no command 'sclae'; did you mean 'provision scale'?"),
        (["frobnicate"], "there is no command 'frobnicate'; see 'provision --help'"),
        (["\x1b[2J"], "there is no command '?[2J'; see 'provision --help'"),
        (["--foo"], "there is no option '--foo'; see 'provision --help'"),
        (["plan", "--nodez", "3"], "there is no option '--nodez'; did you mean '--nodes'?"),
        (["plan", "a", "b"], "got unexpected extra argument (b); see 'provision plan --help'"),
        (["plan", "--nodes", "0"], "--nodes: must be at least 1, not 0; give a number from 1 to 65000"),
        (["plan", "/a/b.yaml"], "/a/b.yaml: there is no such file; there is no folder /a either; "
         "check the path"),
    ],
)  # fmt: skip
def test_usage_errors_are_one_sentence(words: list[str], sentence: str, capsys: Capture) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"provision: {sentence}\n")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ProvisionError("it broke", "mend it"), 1, "provision: it broke: mend it\n"),
        (UsageError("no", "yes"), 2, "provision: no: yes\n"),
        (
            RefusedError([Finding("a", "b", "c"), Finding("d", "e", "f")]),
            4,
            "provision: a: b; c\nprovision: d: e; f\n",
        ),
        (InterruptedRun("stopped; 3 machines exist", "go on"), 130, None),
        (KeyboardInterrupt(), 130, "provision: stopped: run the same command again to go on\n"),
        (click.Abort(), 130, "provision: stopped: run the same command again to go on\n"),
    ],
)
def test_errors_become_sentences_and_codes(
    error: BaseException, code: int, said: str | None, command: Any, capsys: Capture
) -> None:
    def fail() -> None:
        raise error

    assert command(fail) == code
    assert capsys.readouterr().err == (f"provision: {error}\n" if said is None else said)


def test_the_code_of_a_command_is_the_exit_code(command: Any) -> None:
    assert [command(lambda: 3), command(lambda: None)] == [3, 0]


def test_a_bug_is_a_sentence_and_a_private_file(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def fail() -> None:
        raise KeyError("s3cret")

    assert command(fail) == 70
    err = capsys.readouterr().err
    [path] = (tmp_path / "provision").glob("crash-*.txt")
    assert err.startswith("provision: this is a bug (KeyError in test_main.py:")
    assert str(path) in err and "s3cret" not in err and len(err.splitlines()) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "KeyError: 's3cret'" in path.read_text()


def test_a_bug_shows_its_traceback_on_request(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file" / "below"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PROVISION_DEBUG", "1")
    assert command(lambda: 1 / 0) == 70
    err = capsys.readouterr().err
    assert "Traceback" in err and "run it again with PROVISION_DEBUG=1" in err


def test_a_stop_signal_is_an_interrupted_run(command: Any) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert command(lambda: os.kill(os.getpid(), signal.SIGTERM)) == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_reader_that_left_is_no_error(
    command: Any, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise BrokenPipeError

    # Else the descriptor behind sys.stdout would be pointed away from the test runner too.
    monkeypatch.setattr(sys.stdout, "fileno", lambda: (_ for _ in ()).throw(ValueError()))
    assert command(fail) == 1
    assert capsys.readouterr().err == ""


def test_every_name_is_there_once() -> None:
    assert len(BY_NAME) == len(COMMANDS)


def test_every_command_has_its_module() -> None:
    context = click.Context(app.GROUP)
    for name in app.GROUP.list_commands(context):
        found = app.GROUP.get_command(context, name)
        assert found is not None and found.help, f"{name} has no help"
