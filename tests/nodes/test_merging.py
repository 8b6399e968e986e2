"""Ours happens and theirs happens: cloud-init's own merging, over everything a user may add."""

import base64
import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from provision.cloudinit import merging, userdata
from provision.events import ignore
from provision.keys import new_keys
from provision.plan import plan_of
from provision.runtimes.container import image, node
from provision.runtimes.container.connect import connect
from provision.schedulers.slurm.scheduler import Slurm
from provision.spec.models import Spec

CASES = Path(__file__).with_name("merged_by_cloud_init.py")
THEIRS: dict[str, Any] = {
    "users": ["default", {"name": "bob"}],
    "runcmd": ["exit 1", ["touch", "/theirs"]],
    "bootcmd": ["exit 1"],
    "write_files": [{"path": "/etc/motd", "content": "theirs\n"}],
    "packages": ["jq"],
    "ssh_authorized_keys": ["ssh-ed25519 AAAA theirs"],
    "locale": "de_DE.UTF-8",
    "disable_root": False,
    "ssh_pwauth": True,
    "no_ssh_fingerprints": False,
    "ssh": {"emit_keys_to_console": True},
    "timezone": "Europe/Berlin",
    "power_state": {"mode": "reboot"},
}
"""Of every key that both may set, and some that only they set."""
UNDOING: dict[str, Any] = {
    "ssh_deletekeys": False,
    "ssh_keys": {"rsa_private": "theirs"},
    "ssh_genkeytypes": ["rsa"],
    "preserve_hostname": "maybe",
    "hostname": "theirs",
    "fqdn": "theirs.example.org",
    "prefer_fqdn_over_hostname": True,
    "manage_etc_hosts": True,
    "cloud_init_modules": [],
    "cloud_config_modules": [],
    "cloud_final_modules": [],
    "system_info": {"distro": "arch"},
}
"""What validate refuses where it sees it; from an include or a template it must not get through."""
RULES: list[Any] = [
    None,
    "dict(replace)+list(replace)+str(append)",
    "dict(no_replace,recurse_list)+list(append)+str(append)",
    "dict(allow_delete,replace)+list(prepend)+str()",
    [
        {"name": "list", "settings": ["no_replace"]},
        {"name": "dict", "settings": ["no_replace", "recurse_list", "recurse_str"]},
    ],
    [["list", "replace"], ["dict", "replace"]],
]


def config(values: dict[str, Any], rule: Any = None) -> str:
    whole = {**values, **({"merge_how": rule} if rule else {})}
    return "#cloud-config\n" + yaml.safe_dump(whole)


def mime(*parts: tuple[str, str, str]) -> str:
    whole = ["MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="mine"', ""]
    for kind, header, text in parts:
        whole += ["--mine", f"Content-Type: {kind}", *([header] if header else []), "", text]
    return "\n".join([*whole, "--mine--", ""])


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


FORMS = {
    "jinja": "## template: jinja\n" + config({**THEIRS, "final_message": "{{ v1.instance_id }}"}),
    "gzip": packed(config(THEIRS)),
    "base64": base64.b64encode(config(THEIRS).encode()).decode(),
    "archive": "#cloud-config-archive\n"
    + yaml.safe_dump([config(THEIRS), {"type": "text/cloud-config", "content": config({})}]),
    "mime": mime(
        ("text/cloud-config", "Merge-Type: dict(replace)+list(replace)+str()", config(THEIRS)),
        ("text/x-shellscript", "", "#!/bin/sh\nexit 1\n"),
        ("text/cloud-boothook", "", "#cloud-boothook\n#!/bin/sh\ntouch /booted\n"),
    ),
    "gzip of mime": packed(mime(("text/cloud-config", "", config(THEIRS)))),
    "gzip in mime": mime(
        (
            "application/gzip",
            "Content-Transfer-Encoding: base64",
            packed(config(THEIRS)),
        )
    ),
    "part-handler": "#part-handler\ndef list_types(): return ['text/mine']\n"
    "def handle_part(data, ctype, filename, payload): open('/handled', 'a').close()\n",
    "json patch": '#cloud-config-jsonp\n[{"op": "add", "path": "/runcmd", "value": ["true"]}]',
    "script": "#!/bin/sh\nexit 1\n",
    "boothook": "#cloud-boothook\n#!/bin/sh\ntouch /booted\n",
}


def ours() -> dict[str, str]:
    keys = new_keys("demo")
    found: dict[str, str] = {}
    for cloud in ("local", "gce"):
        spec = {"name": "demo", "cloud": {"kind": cloud}, "groups": {"worker": {"nodes": 1}}}
        texts = userdata.user_data_of(Slurm(), plan_of(Spec.model_validate(spec)), keys)
        found |= {f"{cloud} {group}": text for group, text in texts.items()}
    return found


OURS = ours()


def cases() -> dict[str, str]:
    found = {}
    for name, text in OURS.items():
        for number, rule in enumerate(RULES):
            found[f"{name} rule {number}"] = merging.merged(text, config(THEIRS, rule))
            undoing = merging.merged(text, config(UNDOING, rule))
            found[f"{name} undoing {number}"] = undoing
        for form, theirs in FORMS.items():
            found[f"{name} form {form}"] = merging.merged(text, theirs)
    return found


@pytest.fixture(scope="module")
def answers() -> Iterator[dict[str, Any]]:
    engine = connect()
    tag = image.ensure(engine, ignore)
    like_a_node = node.probe(tag, {}, podman=engine.describe().podman)
    command = {**like_a_node, "Cmd": ["python3", "/cases/run.py"], "Tty": True}
    ident = engine.create(f"provision-merging-{uuid4().hex[:8]}", command)
    try:
        engine.put(ident, "/", _archive(run=CASES.read_text(), cases=json.dumps(cases())))
        engine.start(ident)
        code = engine.wait(ident, 200)
        said = "".join(engine.logs(ident, 1_000_000).split())
        assert code == 0 and said.endswith(">>"), said[-2000:]
        packed = base64.b64decode(said.rpartition("<<")[2].removesuffix(">>"))
        yield json.loads(zlib.decompress(packed))
    finally:
        engine.remove(ident)
        engine.close()


def _archive(run: str, cases: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in (("cases/run.py", run), ("cases/cases.json", cases)):
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def holds(answer: dict[str, Any], text: str) -> None:
    """All of our cloud-config is in force in what cloud-init made of it and theirs."""
    mine, made = yaml.safe_load(text), answer["config"]
    for key, value in mine.items():
        if key == "runcmd":
            assert answer["early"][merging.SCRIPT_NAME] == merging.script(value)
        elif key == "write_files":
            assert made[key][-len(value) :] == value, (
                "of two files with one path the last one stays"
            )
        elif isinstance(value, list):
            assert made[key][: len(value)] == value, key
        elif key not in merging.SOFT:
            assert made[key] == value, key
    assert made["manage_etc_hosts"] is False
    assert made["preserve_hostname"] is mine.get("preserve_hostname", False)
    assert not set(merging.NEVER) & set(made)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("number", range(len(RULES)))
def test_ours_and_theirs_happen_whatever_rule_theirs_carries(
    answers: dict[str, Any], name: str, number: int
) -> None:
    answer = answers[f"{name} rule {number}"]
    holds(answer, OURS[name])
    theirs_too(answer)


def theirs_too(answer: dict[str, Any]) -> None:
    made = answer["config"]
    for key, value in THEIRS.items():
        if isinstance(value, list):
            assert all(item in made[key] for item in value), key
        else:
            assert made[key] == value or str(value) in str(made[key]), key


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("number", range(len(RULES)))
def test_what_would_undo_ours_does_not_get_through(
    answers: dict[str, Any], name: str, number: int
) -> None:
    holds(answers[f"{name} undoing {number}"], OURS[name])


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_user_data_is_done_beside_ours(
    answers: dict[str, Any], name: str, form: str
) -> None:
    answer = answers[f"{name} form {form}"]
    holds(answer, OURS[name])
    if form in ("script", "mime"):
        assert "#!/bin/sh\nexit 1\n" in answer["scripts"].values()
    if form in ("boothook", "mime"):
        assert answer["booted"]
    if form == "json patch":
        assert answer["config"]["runcmd"] == ["true"]
    if "part-handler" not in form and form not in ("script", "boothook", "json patch"):
        theirs_too(answer)


def test_without_users_of_theirs_the_images_own_account_takes_their_keys(
    answers: dict[str, Any],
) -> None:
    assert answers["gce worker form script"]["config"]["users"][-1] == "default"
