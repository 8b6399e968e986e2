"""The folder a stack is worked on in."""

import json
import os
import time
from pathlib import Path

import pytest
import yaml

from provision.engine import workdir as workdir_module
from provision.engine.command import clean
from provision.engine.pending import pending_creates, root, without_pending
from provision.engine.workdir import Workdir
from provision.errors import EngineFailure

SECRET = "correct-horse"


def make(folder: Path) -> Workdir:
    return Workdir("demo", folder, SECRET, config={"project": "p"}, provider=("/my py", "-m", "x"))


def test_it_has_what_the_command_needs_and_nobody_else_reads_it(tmp_path: Path) -> None:
    workdir = make(tmp_path / "stack")
    assert not workdir.made
    workdir.prepare()
    assert workdir.made
    assert (tmp_path / "stack").stat().st_mode & 0o777 == 0o700
    project = yaml.safe_load((tmp_path / "stack/Pulumi.yaml").read_text())
    assert project["name"] == "provision"
    assert project["plugins"] == {"providers": [{"name": "provision", "path": "."}]}
    plugin = tmp_path / "stack" / "pulumi-resource-provision"
    assert plugin.read_text() == "#!/bin/sh\nexec '/my py' -m x \"$@\"\n"
    assert plugin.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "stack" / "state").is_dir()
    assert workdir.place == f"file://{tmp_path}/stack/state"


def test_settings_of_pulumi_stay(tmp_path: Path) -> None:
    settings = tmp_path / "Pulumi.demo.yaml"
    settings.write_text("encryptionsalt: v1:salt\nconfig:\n  aws:region: r\n  provision:old: x\n")
    make(tmp_path).prepare()
    make(tmp_path).prepare()
    assert yaml.safe_load(settings.read_text()) == {
        "encryptionsalt": "v1:salt",
        "config": {"aws:region": "r", "provision:project": "p"},
    }


def test_without_a_provider_and_with_a_backend_there_is_less(tmp_path: Path) -> None:
    workdir = Workdir("demo", tmp_path, SECRET, backend="gs://bucket")
    workdir.prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["Pulumi.yaml"]
    assert workdir.environment()["PULUMI_BACKEND_URL"] == "gs://bucket"


@pytest.mark.parametrize(
    ("backend", "url"),
    [
        ("", "file://{}/state?metadata=skip"),
        ("file:///srv/state", "file:///srv/state?metadata=skip"),
        ("file:///srv?no_tmp_dir=true", "file:///srv?no_tmp_dir=true&metadata=skip"),
        ("file:///srv?metadata=skip", "file:///srv?metadata=skip"),
        ("gs://bucket", "gs://bucket"),
    ],
)
def test_files_are_replaced_as_a_whole(tmp_path: Path, backend: str, url: str) -> None:
    workdir = Workdir("demo", tmp_path, SECRET, backend)
    assert workdir.environment()["PULUMI_BACKEND_URL"] == url.format(tmp_path)


def test_what_is_half_written_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workdir_module, "HALF_WRITTEN", 0.2)
    locks = tmp_path / "state" / ".pulumi" / "locks" / "organization" / "provision" / "demo"
    locks.mkdir(parents=True)
    for name, text in (("1.json", "{}"), ("1.json.attrs", "{}"), ("2.json.attrs", ""),
                       ("2.json.1f.tmp", '{"pid"')):  # fmt: skip
        (locks / name).write_text(text)
        os.utime(locks / name, (1, 1))
    (locks / "3.json.1f.tmp").write_text("")
    began = time.monotonic()
    Workdir("demo", tmp_path, SECRET).mend()
    assert sorted(path.name for path in locks.iterdir()) == ["1.json", "1.json.attrs"]
    # Somebody might have been writing it.
    assert time.monotonic() - began >= 0.15


def test_the_passphrase_is_in_the_environment_and_nowhere_else(tmp_path: Path) -> None:
    workdir = make(tmp_path)
    workdir.prepare()
    assert workdir.environment()["PULUMI_CONFIG_PASSPHRASE"] == SECRET
    assert SECRET not in repr(workdir)
    assert all(SECRET not in path.read_text() for path in tmp_path.iterdir() if path.is_file())


def test_a_folder_that_cannot_be_is_a_failure_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineFailure, match=f"{tmp_path}/file/stack.*XDG_STATE_HOME"):
        make(tmp_path / "file" / "stack").prepare()


def test_a_users_own_settings_of_pulumi_do_not_reach_it() -> None:
    kept = {"PATH": "p", "PULUMI_ACCESS_TOKEN": "t", "GOOGLE_X": "g", "USER": "me"}
    assert clean({**kept, "PULUMI_HOME": "h"}) == kept


def test_the_command_has_a_name_for_who_runs_it_where_the_environment_has_none() -> None:
    """Else it fails with 'user: Current requires cgo or $USER set in environment'."""
    assert clean({})["USER"].startswith("uid")


STATE = {
    "version": 3,
    "deployment": {
        "resources": [{"urn": "u0", "type": "pulumi:pulumi:Stack"}, {"urn": "u3", "type": "t"}],
        "pending_operations": [
            {
                "type": "creating",
                "resource": {
                    "urn": "u1",
                    "type": "provision:gce:Network",
                    "inputs": {"name": "n", "key": {"4dabf18193072939515e22adb298388d": "x"}},
                },
            },
            {"type": "creating", "resource": {"urn": "u3", "type": "t"}},
            {"type": "creating", "resource": {"urn": "u4", "type": "pulumi:providers:x"}},
            {"type": "updating", "resource": {"urn": "u2", "type": "t"}},
        ],
    },
}


def test_only_creates_are_pending_and_their_secrets_stay_where_they_are() -> None:
    begun, adopted = pending_creates(json.dumps(STATE))
    assert (begun.urn, begun.type, begun.inputs) == ("u1", "provision:gce:Network", {"name": "n"})
    assert (begun.adopted, adopted.urn, adopted.adopted) == (False, "u3", True)
    assert pending_creates('{"version": 3, "deployment": null}') == []


def test_a_state_has_a_root() -> None:
    assert (root(json.dumps(STATE)), root('{"deployment": null}')) == ("u0", "")


def test_a_state_can_forget_them() -> None:
    assert "pending_operations" not in json.loads(without_pending(json.dumps(STATE)))["deployment"]
