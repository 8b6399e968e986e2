"""Each kind of a user's own user-data on real nodes: the node joins, and what the user asked is done."""

import base64
import gzip
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from provision.runtimes import KINDS
from tests.journeys.command import Cli

NAME = "jparts"
SUBNET = {"container": "10.95.66.0/24", "light": "10.95.67.0/24"}
MARK = "/var/tmp/theirs"


def does(what: str) -> str:
    return f"echo {what} >> {MARK}"


CONFIG = f"#cloud-config\nruncmd: [{does('config')!r}, 'exit 1']\nbootcmd: ['exit 1']\n"
MIME = f"""\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="mine"

--mine
Content-Type: text/cloud-config
Merge-Type: dict(replace)+list(replace)+str()

write_files: [{{path: {MARK}, content: "mime file\\n"}}]
runcmd: ["{does("mime command")}"]
--mine
Content-Type: text/x-shellscript

#!/bin/sh
{does("mime script")}
--mine--
"""
PARTS = {
    "runcmd": (CONFIG, ["config"]),
    "files": (
        f'#cloud-config\nwrite_files: [{{path: {MARK}, content: "files\\n"}}]\n'
        "merge_how: dict(replace)+list(replace)+str()\n",
        ["files"],
    ),
    "users": (
        f"#cloud-config\nusers: [{{name: bob}}]\nruncmd: ['id -un bob >> {MARK}']\n"
        "disable_root: false\nssh_pwauth: true\n",
        ["bob"],
    ),
    "script": (f"#!/bin/sh\n{does('script')}\n", ["script"]),
    "boothook": (f"#cloud-boothook\n#!/bin/sh\n{does('boothook')}\n", ["boothook"]),
    "mime": (MIME, ["mime file", "mime command", "mime script"]),
    "jinja": (
        "## template: jinja\n#cloud-config\nruncmd: [" + does("{{ v1.local_hostname }}") + "]\n",
        [f"{NAME}-jinja-0001"],
    ),
    "gzip": (base64.b64encode(gzip.compress(CONFIG.encode())).decode(), ["config"]),
    "archive": (
        "#cloud-config-archive\n" + yaml.safe_dump([CONFIG, f"#!/bin/sh\n{does('archived')}\n"]),
        ["archived", "config"],
    ),
}
INCLUDED = (
    f"#cloud-config\nruncmd: ['{does('included')}']\nhostname: theirs\nssh_deletekeys: false\n"
)


@pytest.fixture
def included() -> Iterator[int]:
    """The port of a web server of ours that has one part for ``#include``."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that the library asks for
            self.send_response(200)
            self.end_headers()
            self.wfile.write(INCLUDED.encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("machines", KINDS)
def test_nodes_join_and_do_what_each_kind_of_own_part_says(
    tmp_path: Path, machines: str, included: int
) -> None:
    subnet = SUBNET[machines]
    url = f"http://{subnet.replace('0/24', '1')}:{included}/part"
    parts = {**PARTS, "include": (f"#include\n{url}\n", ["included"])}
    spec = {
        "name": NAME,
        "cloud": {"kind": "local", "machines": machines, "subnet": subnet},
        "groups": {name: {"nodes": 1, "user_data": text} for name, (text, _) in parts.items()},
        "controller": {"user_data": f"#!/bin/sh\n{does('controller')}\n"},
        "ready": {"deadline": "150s", "replace_after": "140s"},
        "ttl": "1h",
    }
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(spec))
    cli = Cli(tmp_path / "state")
    try:
        cli("validate", str(path))
        up = cli("up", str(path), "-o", "json")
        assert up.json()["proof"]["nodes"] == len(parts), "every node has joined"
        for group in ("runcmd", "gzip", "archive"):
            assert f"{group}-0001" in up.stderr, "its part ends with exit 1"
        assert "own user-data ended well on 8 of 11 machines, failed on 3" in up.stderr
        command = f"cloud-init status --wait >/dev/null; sort {MARK}"
        answer = cli("run", NAME, "-o", "json", "--", command)
        said = {row["host"].split("-")[-2]: row["stdout"].split("\n")[:-1] for row in answer.json()}
        assert said == {name: sorted(lines) for name, (_, lines) in parts.items()}
        joined = json.loads(cli("status", NAME, "-o", "json").stdout)["nodes"]
        assert f"{NAME}-include-0001" in {node["name"] for node in joined}
    finally:
        cli("down", NAME, expect=None)


@pytest.mark.parametrize("machines", KINDS)
def test_a_part_that_fails_is_told_and_does_not_count_where_it_is_required(
    tmp_path: Path, machines: str
) -> None:
    part = "#!/bin/sh\necho could not mount /data >&2\nexit 1\n"
    spec = {
        "name": f"{NAME}f",
        "cloud": {"kind": "local", "machines": machines},
        "groups": {"fails": {"nodes": 1, "user_data": part}, "fine": {"nodes": 1}},
        "ready": {"user_data": "required", "quorum": 0.5},
        "ttl": "1h",
    }
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(spec))
    cli = Cli(tmp_path / "state")
    try:
        up = cli("up", str(path), expect=3)
        assert "the own user-data of fails-0001 failed" in up.stderr
        assert "scripts_user" in up.stderr and "1 of them without their own" in up.stdout
        nodes = cli("status", f"{NAME}f", "-o", "json").json()["nodes"]
        reasons = {node["group"]: node["reason"] for node in nodes}
        assert "own user-data failed" in reasons["fails"] and not reasons["fine"]
    finally:
        cli("down", f"{NAME}f", expect=None)
