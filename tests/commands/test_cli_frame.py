"""The command line as a process: how soon it answers, signals, pipes, and a real shell's completion."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import IO

import pytest

from tests.journeys.command import until

ROOT = Path(__file__).parents[2]
PROVISION = [sys.executable, "-m", "provision"]
HEAVY = ("click", "rich", "docker", "pydantic", "yaml", "paramiko", "dataclasses", "inspect", "re")


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environ}
    return subprocess.run(
        [*PROVISION, *words], capture_output=True, text=True, env=env, timeout=60, check=False
    )


@pytest.mark.parametrize("words", [("--help",), (), ("--version",)])
def test_help_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    # -S: what site-packages' .pth files import is not ours.
    show = (
        "import sys; from provision.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", show, *words],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
        timeout=60,
        check=True,
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "provision.cli.commands" in loaded
    assert loaded & set(HEAVY) == set()


def test_a_light_command_does_not_import_the_others() -> None:
    done = run("completion", "bash", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert loaded & {"docker", "paramiko", "pydantic", "rich", "provision.cli.plan"} == set()


def test_the_help_starts_fast() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "cli_start.py"), "--runs", "9"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_pipe_that_closes_early_is_quiet() -> None:
    for words in ("--help", "plan --nodes 60000 --output json"):
        line = f"{sys.executable} -m provision {words} | head -c 1"
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=60,
            check=False,
        )
        assert (len(done.stdout), done.stderr) == (1, "")


def test_a_closed_stdout_is_quiet() -> None:
    for words in ("--help", "plan"):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{sys.executable} -m provision {words} >&-"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (1, "")


def unread(pipe: IO[str] | None) -> int:
    """Bytes that the reader of a pipe has not taken yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)  # type: ignore[arg-type]  # it is one


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_130(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*PROVISION, "plan", "-"],  # waits for a spec that nobody writes
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdin is not None
    process.stdin.write("name: x\n")
    process.stdin.flush()
    try:
        until(lambda: unread(process.stdin) == 0, 60)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert err == "provision: stopped: run the same command again to go on\n"


def test_bash_completes_with_the_script_we_print(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if not bash:
        pytest.skip("no bash here")
    command = tmp_path / "bin" / "provision"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m provision "$@"\n')
    command.chmod(0o755)
    nodes = tmp_path / "state" / "provision" / "clusters" / "demo" / "outputs.json"
    nodes.parent.mkdir(parents=True)
    nodes.write_text('{"nodes": [{"name": "demo-worker-0001"}]}')
    (tmp_path / "demo.yaml").write_text("")

    def offered(*words: str) -> list[str]:
        typed = " ".join(f"'{word}'" for word in words)
        script = (
            "source <(provision completion bash)\n"
            f"COMP_WORDS=(provision {typed}); COMP_CWORD={len(words)}\n"
            "complete -p provision >/dev/null && _provision_completion provision\n"
            'printf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        done = subprocess.run(
            [bash, "--norc", "-c", script],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=60,
            check=True,
            env={
                **os.environ,
                "PATH": f"{command.parent}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "XDG_STATE_HOME": str(tmp_path / "state"),
            },
        )
        assert done.stderr == ""
        return done.stdout.split()

    assert offered("va") == ["validate"]
    assert offered("plan", "--dead") == ["--deadline"]
    assert offered("plan", "--cloud", "") == ["gce", "local"]
    assert offered("status", "") == ["demo"]
    assert offered("drain", "demo", "w") == ["worker-0001"]
    assert "provision" not in offered("nonsense", "x")
