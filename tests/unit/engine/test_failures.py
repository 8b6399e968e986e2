"""No exception of Pulumi's SDK, or of what it stands on, gets past the seam."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import grpc
import pulumi.automation
import pytest
from pulumi.automation import CommandResult, errors

from provision.engine import failures
from provision.engine.changes import Complaint, Heard
from provision.engine.failures import About
from provision.engine.locks import Lock
from provision.errors import CloudFailure, EngineFailure
from tests import foreign

ROOT = Path(__file__).parents[3]
URN = "urn:pulumi:demo::provision::provision:gce:Network::net"
OTHER = "urn:pulumi:demo::provision::provision:gce:Firewall::wall"
SECRET = "correct-horse"
ABOUT = About("demo", "file:///state", "up", (SECRET,))
ELSEWHERE = {
    "PolicyError",
    "RunError",
    "ResourceError",
    "InputPropertyError",
    "InputPropertiesError",
}
"""Raised by programs and providers, within the engine's own process of them, never by a stack."""


def modules() -> Iterator[ModuleType]:
    """Every module of the Automation API, and the two that name the errors below it."""
    for info in pkgutil.walk_packages(pulumi.automation.__path__, "pulumi.automation."):
        yield importlib.import_module(info.name)
    yield from (pulumi.automation, grpc, importlib.import_module("grpc.aio"))


def exceptions() -> list[type[Exception]]:
    """All that a stack may raise."""
    found = foreign.exceptions(modules(), {"pulumi", "grpc"})
    return [one for one in found if one.__name__ not in ELSEWHERE]


def raised() -> set[str]:
    """Names of the built-in exceptions that the Automation API raises itself."""
    found = set()
    for path in Path(pulumi.automation.__path__[0]).glob("_*.py"):
        if path.name.startswith("_remote"):  # stacks that Pulumi's own service works on
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                found.add(ast.unparse(node.exc.func))
    return found


def test_the_list_is_complete() -> None:
    found = exceptions()
    assert len(found) >= 10
    assert [one for one in found if not issubclass(one, failures.FOREIGN)] == []


def test_what_the_sdk_raises_of_pythons_own_is_a_failure_or_a_bug_of_ours() -> None:
    bugs = {"TypeError", "ValueError", "KeyError", "AssertionError", "NotImplementedError"}
    names = {"RuntimeError", "FileNotFoundError", "InvalidVersionError", "create_command_error"}
    assert raised() <= bugs | names, raised()


def command(stderr: str = "", stdout: str = "", code: int = 255) -> errors.CommandError:
    return errors.create_command_error(CommandResult(stdout, stderr, code))


def test_a_resource_speaks_for_the_operation() -> None:
    heard = Heard(
        complaints=[Complaint("", "oh"), Complaint(URN, "no room"), Complaint(OTHER, "x")]
    )
    error = failures.translate(command(), heard, ABOUT)
    assert isinstance(error, EngineFailure)
    assert str(error).startswith("could not change network net, and 1 more like it (no room): ")
    assert error.causes == ("oh", "no room", "x")


def test_an_error_of_ours_keeps_its_next_step() -> None:
    original = CloudFailure("no room in b", "ask for less")
    about = About("demo", "s", "destroy", (), lambda urn: original if urn == URN else None)
    heard = Heard(complaints=[Complaint(URN, "no room in b: ask for less")])
    error = failures.translate(command(), heard, about)
    assert str(error) == "could not remove network net (no room in b): ask for less"
    assert error.__cause__ is original


def test_a_bug_behind_a_resource_stays_a_bug() -> None:
    bug = KeyError("zone")
    about = About("demo", "s", "up", (), lambda urn: bug)
    heard = Heard(complaints=[Complaint(URN, "KeyError: 'zone'")])
    assert failures.translate(command(), heard, about) is bug


def test_neither_tracebacks_nor_secrets_are_shown() -> None:
    text = f"it is {SECRET}!\nTraceback (most recent call last):\n  File x\nValueError: {SECRET}"
    heard = Heard(complaints=[Complaint(URN, text)])
    error = failures.translate(command(), heard, ABOUT)
    assert "(it is ***!)" in str(error)
    assert SECRET not in repr(error) and "Traceback" not in repr(error)
    assert SECRET not in repr(ABOUT)
    assert len(failures.shown("x" * 9999, ())) == failures.WORDS


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ("error: incorrect passphrase", "the passphrase is not the one"),
        ("error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE", "no passphrase was given"),
        ("error: no stack named 'demo' found", "there is no state of demo in file:///state"),
        (
            "error: could not deserialize deployment: invalid character",
            r"cannot be read \(could not deserialize .*\): put a copy",
        ),
        ("error: something else\nand more", r"could not change demo \(something else\)"),
        ("just words", r"\(just words\)"),
    ],
)
def test_what_the_command_says_has_its_sentence(stderr: str, words: str) -> None:
    error = failures.translate(command(stderr), Heard(), ABOUT)
    assert isinstance(error, EngineFailure)
    with pytest.raises(EngineFailure, match=words):
        raise error
    assert error.next_step


def test_a_resource_that_failed_without_a_word_is_named() -> None:
    error = failures.translate(command(), Heard(failed={URN: "delete"}), ABOUT)
    assert "could not delete network net (no reason given)" in str(error)


def test_a_fault_is_told_without_its_value() -> None:
    text = (
        f"provision:gce:Network resource 'net': property key value {{{SECRET}}} has a problem: bad"
    )
    error = failures.translate(command(), Heard(complaints=[Complaint(URN, text)]), ABOUT)
    assert "network net (key bad)" in str(error)


def test_an_error_about_no_resource_may_be_a_known_one() -> None:
    heard = Heard(complaints=[Complaint("", "could not decrypt configuration value")])
    assert "the passphrase is not" in str(failures.translate(command(), heard, ABOUT))


def test_a_killed_command_is_said_to_be() -> None:
    error = failures.translate(command(code=-9), Heard(), ABOUT)
    assert "was killed while it worked on demo: run it again" in str(error)


def test_an_error_without_words_has_its_name() -> None:
    assert "(TimeoutError)" in str(failures.translate(TimeoutError(), Heard(), ABOUT))


def test_a_lock_is_named_with_who_where_and_when() -> None:
    lock = Lock("file:///x", "ann", "vm", 17, 0.0)
    error = failures.locked("demo", lock, "/folder")
    assert (error.pid, error.started) == (17, lock.since)
    assert "'Pulumi of ann on vm' (pid 17, started 19" in str(error)
    assert str(error).endswith("run 'pulumi cancel --stack demo' in /folder")


def test_only_the_engine_knows_the_automation_api() -> None:
    """Import-linter sees packages of others as one, so the half that is the engine's is here."""
    users = {
        path.relative_to(ROOT).parts[1]
        for path in (ROOT / "provision").rglob("*.py")
        if "pulumi.automation" in path.read_text(encoding="utf-8")
        or "from pulumi import automation" in path.read_text(encoding="utf-8")
    }
    assert users == {"engine"}
