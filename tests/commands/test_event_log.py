"""The event log of a cluster, written by a process that is killed at any instant."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from provision.cluster.log import FILE

WRITER = """
from provision.cluster.log import EventLog
from provision.events import Noted
from provision.workspace import Workspace

workspace = Workspace("killed")
workspace.ensure_keys()
log, number = EventLog("up", workspace), 0
while True:
    log.event(Noted(text=f"{number} {'x' * 3000}"))
    number += 1
    if number == 20:
        print("writing", flush=True)
"""


def test_a_writer_that_is_killed_leaves_whole_lines(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    path = tmp_path / "provision" / "clusters" / "killed" / FILE
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER], stdout=subprocess.PIPE, env=environment
        ) as writer:
            assert writer.stdout
            writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
    text = path.read_text()
    assert text.endswith("\n")
    assert all(json.loads(line)["event"] == "Noted" for line in text.splitlines())
