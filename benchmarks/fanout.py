"""`provision run` against clush, Fabric and Ansible: `hostname` on the same machines, in one run.

The machines are light ones on this host, each a real sshd of its own, reached through the controller
as on any cloud. All four are given the same OpenSSH configuration or inventory that we write, and the
same width of 64. Each round asks all of them in turn; a tool's figure is its median. Exits 1 where one
of our answers is missing, or where we are not the fastest.

The others are installed for this benchmark alone, at their newest versions: ClusterShell and Fabric by
pip into a virtual environment below .venv, Ansible is in the `dev` group already. Needs root.

Usage: python -m benchmarks.fanout [--rounds N] [SIZE …]        (default: 3 rounds of 200)
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.thousand import tidy
from provision.runtimes import limits
from provision.runtimes.light import host

NAME = "fanout"
WIDTH = "64"
RIVALS = Path(sys.prefix) / "rivals"
LIMIT = 600
COMMAND = "echo answer-$(hostname)"
FABRIC = """
import sys
from concurrent.futures import ThreadPoolExecutor
from fabric import Config, Connection
config = Config(runtime_ssh_path=sys.argv[1])
config.load_ssh_config()
def one(name):
    try:
        with Connection(name, config=config) as connection:
            return connection.run("echo answer-$(hostname)", hide=True, in_stream=False).stdout
    except Exception:
        return ""
with ThreadPoolExecutor(int(sys.argv[2])) as pool:  # its own ThreadingGroup has no bound
    print("".join(pool.map(one, sys.argv[3:])), end="")
"""


@dataclass
class Tool:
    """What is run, what it needs to find, and how long it took."""

    name: str
    command: Callable[[Path, list[str]], list[str]]
    seconds: list[float] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)

    def ask(self, folder: Path, nodes: list[str]) -> None:
        """Run it once."""
        environment = {
            **os.environ,
            "HOME": str(folder),
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_LOCAL_TEMP": str(folder / "ansible"),
            "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"],
        }
        began = time.monotonic()
        done = subprocess.run(
            self.command(folder, nodes),
            capture_output=True,
            text=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT,
            check=False,
        )
        self.seconds.append(time.monotonic() - began)
        # Only a node that ran the command can have put the two together.
        self.answered.append(len(set(re.findall(r"answer-([\w-]+)", done.stdout)) & set(nodes)))

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)


def ours(_folder: Path, _nodes: list[str]) -> list[str]:
    """The command as a user runs it."""
    return [sys.executable, "-m", "provision", "run", NAME, "-o", "json", "--", COMMAND]


def clush(folder: Path, nodes: list[str]) -> list[str]:
    """ClusterShell's."""
    program = str(RIVALS / "bin" / "clush")
    options = f"-F {folder / 'ssh_config'}"
    return [program, "-S", "-f", WIDTH, "-o", options, "-N", "-w", ",".join(nodes), COMMAND]


def fabric(folder: Path, nodes: list[str]) -> list[str]:
    """Fabric, by its Connection."""
    python = str(RIVALS / "bin" / "python")
    return [python, "-c", FABRIC, str(folder / "ssh_config"), WIDTH, *nodes]


def ansible(folder: Path, _nodes: list[str]) -> list[str]:
    """Ansible without its Python on the node."""
    program = str(Path(sys.executable).with_name("ansible"))
    inventory = str(folder / "inventory.yml")
    return [program, "-i", inventory, "-f", WIDTH, "-m", "raw", "-a", COMMAND, "all:!controller"]


def install() -> None:
    """Put the others where they disturb nothing."""
    if not (RIVALS / "bin" / "clush").exists():
        venv.create(RIVALS, with_pip=True)
        pip = [
            str(RIVALS / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "-q",
            "ClusterShell",
            "fabric",
        ]
        subprocess.run(pip, check=True, timeout=LIMIT)


def provision(*words: str) -> subprocess.CompletedProcess[str]:
    """The command, which must end."""
    command = [sys.executable, "-m", "provision", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)


def compare(size: int, rounds: int) -> bool:
    """Bring up that many, ask all tools in turn, and print; answers whether all is as it must be."""
    up = provision(
        "up", "--cloud", "local", "--machines", "light", "--name", NAME, "--nodes", str(size)
    )
    if up.returncode:
        print(f"up ended with {up.returncode}: {up.stderr[-500:]}")
        return False
    folder = Path(os.environ["XDG_STATE_HOME"], "provision", "clusters", NAME)
    listed = json.loads(provision("inventory", NAME, "--format", "json").stdout)
    nodes = [node["name"] for node in listed["nodes"] if node["role"] == "worker"]
    tools = [Tool(each.__name__, each) for each in (ours, clush, fabric, ansible)]
    for _ in range(rounds):
        for tool in tools:
            tool.ask(folder, nodes)
            # A run that is cut off has said what it had measured.
            print(
                f"{tool.name}: {tool.seconds[-1]:.2f} s, {tool.answered[-1]} answered", flush=True
            )
    mine = tools[0]
    for tool in tools:
        print(
            f"{size:>5} nodes: {tool.name:<8} {tool.median:6.2f} s  {tool.median / mine.median:5.2f} x  "
            f"answered {'/'.join(map(str, tool.answered))}",
            flush=True,
        )
    complete = all(answered == size for answered in mine.answered)
    return complete and all(mine.median < tool.median for tool in tools[1:])


def main(words: Sequence[str] | None = None) -> int:
    """Print a line a tool and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[200], metavar="SIZE")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(words)
    tidy()
    install()
    good = True
    with tempfile.TemporaryDirectory(prefix="provision-fanout-") as folder:
        os.environ["XDG_STATE_HOME"] = folder
        for size in asked.sizes:
            with limits.raised(host.NEEDS.limits, size + 1):
                try:
                    good = compare(size, asked.rounds) and good
                finally:
                    provision("down", NAME, "--yes")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
