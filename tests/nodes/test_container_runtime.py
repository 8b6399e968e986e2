"""What only containers do: publish ports, and bring an engine of their own."""

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.events import ignore
from provision.runtimes.container.connect import candidates, surroundings
from provision.runtimes.container.runtime import ContainerRuntime
from provision.runtimes.container.service import sweep
from tests.nodes.conftest import Make, booted


@pytest.fixture
def kind() -> str:
    return "container"


def test_a_published_port_reaches_sshd(runtime: ContainerRuntime, cluster: str, boot: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    one = boot(0, publish={port: 22})
    assert runtime.start([one], ignore) == {}
    busy = [check.name for check in runtime.check(1, [port]) if check.finding]
    assert f"port {port}" in busy
    booted(runtime, one.name)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        assert connection.recv(8) == b"SSH-2.0-"


def test_the_private_engine_ends_with_us(runtime: ContainerRuntime) -> None:
    runtime.running({})
    runtime.close()
    assert not list(Path("/tmp").glob(f"provision-engine-{_pid()}-*"))
    assert isinstance(runtime.running({}), list)


CHILD = """\
import time
from provision.runtimes.container.runtime import ContainerRuntime
ContainerRuntime().running({})
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(any(candidates(surroundings())), reason="an engine runs here: none is started")
def test_the_private_engine_does_not_outlive_kill_9(runtime: ContainerRuntime) -> None:
    command = [sys.executable, "-c", CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        mark = f"provision-engine-{child.pid}-"
        assert _processes(mark)
        child.kill()
    Retrying(retry=retry_if_result(bool), wait=wait_fixed(0.05), stop=stop_after_delay(30))(
        lambda: _processes(mark)
    )
    sweep()
    assert not list(Path("/tmp").glob(f"{mark}*"))


def _processes(mark: str) -> list[str]:
    """Process ids whose command line holds the mark."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if mark.encode() in (folder / "cmdline").read_bytes():
                    found.append(folder.name)
    return found


def _pid() -> str:
    return Path("/proc/self").readlink().name
