"""The stack's folder is worked on with the real command and the executable plugin; docs/pulumi.md."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from provision.errors import BusyError
from tests.engine.conftest import children
from tests.engine.place import NAME, PASSPHRASE, PASSWORD, Files, Place
from tests.engine.test_trouble import wait_for

FILES: Files = {"a": {"text": "x"}, "b": {"after": "a"}, "secret": {"password": PASSWORD}}
PAGE = (Path(__file__).parents[2] / "docs" / "pulumi.md").read_text(encoding="utf-8")


def environment(place: Place) -> dict[str, str]:
    """What the page says a user must export, and nothing else."""
    told = re.findall(r"^    export (\w+)=", PAGE, re.M)
    values = {
        "PULUMI_BACKEND_URL": f"file://{place.folder}/stack/state?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PATH": f"{place.binary.path.parent}:{os.environ['PATH']}",
    }
    assert set(told) == set(values)
    mine = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
    return {**mine, **values, "PULUMI_HOME": str(place.folder / "home")}


def pulumi(place: Place, *words: str, code: int = 0) -> str:
    """Run the command in the stack's folder."""
    finished = subprocess.run(
        ["pulumi", *words, "--non-interactive", "--stack", NAME],
        cwd=place.folder / "stack",
        env=environment(place),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == code, finished.stdout + finished.stderr
    return finished.stdout


def test_a_folder_shows_exports_refreshes_and_destroys(place: Place) -> None:
    place.stack(FILES).up()
    shown = pulumi(place, "stack")
    assert "provision:toy:File" in shown and "toy://files/a" in shown
    state = json.loads(pulumi(place, "stack", "export"))
    assert len(state["deployment"]["resources"]) == len(FILES) + 2
    assert PASSWORD not in json.dumps(state)

    place.cloud.put("a", {"name": "a", "text": "other"})
    assert "1 updated" in pulumi(place, "refresh", "--yes")
    assert [one.name for one in place.stack(FILES).up().changed] == ["a"]

    mine = os.getpid()
    pulumi(place, "destroy", "--yes")
    assert place.cloud.names() == []
    assert {call["pid"] for call in place.cloud.calls("delete")}.isdisjoint({mine})
    place.stack(FILES).up()
    assert place.cloud.names() == sorted(FILES)


def test_the_plugin_says_a_sentence_too(place: Place) -> None:
    place.stack(FILES).up()
    place.cloud.dial(fail=["b"])
    said = pulumi(place, "destroy", "--yes", code=1)
    assert "no room for b: ask for less" in said
    assert "Traceback" not in said
    assert "b" in place.cloud.names()


def test_the_plugin_ends_with_a_command_that_is_killed(place: Place) -> None:
    place.stack(FILES).up()
    place.cloud.dial(slow={"*": 30})
    process = subprocess.Popen(
        ["pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", NAME],
        cwd=place.folder / "stack",
        env=environment(place),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: place.cloud.calls("delete:begin"))
    assert plugins()
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not plugins(), seconds=10)
    place.cloud.dial()
    place.stack(FILES).destroy()
    assert place.cloud.names() == []


def test_ctrl_c_in_the_terminal_lets_the_plugin_finish(place: Place) -> None:
    place.stack({"a": {}}).up()
    place.cloud.dial(slow={"*": 2})
    process = subprocess.Popen(
        ["pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", NAME],
        cwd=place.folder / "stack",
        env=environment(place),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: place.cloud.calls("delete:begin"))
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) >= 0
    assert place.cloud.names() == []
    assert not list((place.folder / "stack/state/.pulumi/locks").rglob("*.json"))


def test_another_configuration_reaches_the_plugin(place: Place) -> None:
    place.stack(FILES).up()
    place.cloud.folder.rename(place.folder / "moved")
    place.name = "moved"
    # Nothing else differs, and yet it is to be remembered.
    assert place.stack(FILES).up().changed == ()
    pulumi(place, "destroy", "--yes")
    assert place.cloud.names() == []


def plugins() -> list[str]:
    return [words for words in children().values() if "tests.engine.toy" in words]


def test_a_command_by_hand_holds_the_stack_against_us(place: Place) -> None:
    place.stack(FILES).up()
    place.cloud.dial(slow={"*": 2})
    process = subprocess.Popen(
        ["pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", NAME],
        cwd=place.folder / "stack",
        env=environment(place),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: place.cloud.calls("delete:begin"))
    with pytest.raises(BusyError, match=f"pid {process.pid}"):
        place.stack(FILES).up()
    assert process.wait(60) == 0
    assert place.cloud.names() == []
