"""What the pages take for granted: a fresh clone, its virtual environment, a home, a kernel as it comes."""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provision.runtimes import limits
from provision.runtimes.container import host as container
from provision.runtimes.light import host as light
from tests.documents import ROOT
from tests.journeys.command import PATIENCE, until

KERNELS = {
    "fs.inotify.max_user_instances": 128,
    "kernel.keys.maxkeys": 200,
    "kernel.keys.maxbytes": 20_000,
    "kernel.pid_max": 32_768,
    "net.ipv4.neigh.default.gc_thresh1": 128,
    "net.ipv4.neigh.default.gc_thresh2": 512,
    "net.ipv4.neigh.default.gc_thresh3": 1024,
    "net.core.netdev_max_backlog": 1000,
}
"""Linux's own values of what we raise, where they do not follow from the size of the machine."""


@contextmanager
def kernel_as_it_comes() -> Iterator[None]:
    """Nothing that was raised is so at the beginning; at the end all is as it was before."""
    before = limits.read([*container.NEEDS.limits, *light.NEEDS.limits])
    try:
        limits.put({name: least for name, least in KERNELS.items() if before.get(name, 0) > least})
        yield
    finally:
        now = limits.read([*container.NEEDS.limits, *light.NEEDS.limits])
        limits.put({name: value for name, value in before.items() if now.get(name) != value})


def fresh_clone(folder: Path, home: Path) -> None:
    """What `git clone` gives, with what is not committed yet; an archive without .git is copied."""
    if not (ROOT / ".git").exists():
        away = shutil.ignore_patterns(".*_cache", ".venv", "__pycache__", "dist")
        shutil.copytree(ROOT, folder, ignore=away, symlinks=True)
        return
    (home / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")  # root may clone a user's
    env = {**os.environ, "HOME": f"{home}"}
    git: dict[str, Any] = {"env": env, "check": True, "timeout": 60}
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], **git)
    edits = subprocess.run(
        ["git", "-C", ROOT, "diff", "--binary", "HEAD"], stdout=subprocess.PIPE, **git
    ).stdout
    if edits:
        subprocess.run(["git", "-C", folder, "apply"], input=edits, **git)


def set_up(folder: Path) -> None:
    """As tools/setup.sh leaves it, with the packages of the tests' own .venv; the code is the clone's."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (packages,) = (folder / ".venv/lib").glob("python*/site-packages")
    (theirs,) = (ROOT / ".venv/lib").glob("python*/site-packages")
    (packages / "clone.pth").write_text(
        f"{folder}\nimport site; site.addsitedir({f'{theirs}'!r})\n"
    )
    for name in ("pip", "provision"):
        script = folder / ".venv/bin" / name
        _, _, code = (ROOT / ".venv/bin" / name).read_text().partition("\n")
        script.write_text(f"#!{folder}/.venv/bin/python\n{code}")
        script.chmod(0o755)
    lock = "requirements-dev.lock"
    content = (folder / lock).read_bytes() + (folder / "pyproject.toml").read_bytes()
    words = (lock, hashlib.sha256(content).hexdigest(), f"Python {sys.version.split()[0]}", folder)
    (folder / ".venv/.provision-setup").write_text(" ".join(map(str, words)) + "\n")


@dataclass
class Desk:
    """A home with a fresh clone in it, in which the pages' commands are typed one after another."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)
    variables: str = ""

    def __post_init__(self) -> None:
        """Clone, set up, and lay out the files that the pages call the reader's."""
        fresh_clone(self.folder, self.home)
        set_up(self.folder)
        kept = {name: word for name, word in os.environ.items() if not name.startswith("XDG_STATE")}
        path = f"{self.folder / '.venv/bin'}:{os.environ['PATH']}"
        self.env = {**kept, "PATH": path, "HOME": f"{self.home}", **self.env}
        self.lay("demo.yaml", (self.folder / "inventories/demo.yaml").read_text(encoding="utf-8"))
        self.lay("data.csv", "1,2\n")

    @property
    def folder(self) -> Path:
        """Where the commands are typed."""
        return self.home / "provision"

    def lay(self, name: str, text: str) -> None:
        """A file of the reader's, in the clone or in a folder of it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755 if text.startswith("#!") else 0o644)

    def bash(self, text: str, check: bool = True) -> str:
        """What it says; '' answers no question. A variable that a line sets is there for the next."""
        if re.fullmatch(r"\w+=\S+", text):
            self.variables += f"{text}\n"
        done = subprocess.run(
            ["bash", "-c", f"{self.variables}{text}"], cwd=self.folder, env=self.env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or not check, f"{text}: exit {done.returncode}\n{done.stdout}"
        return done.stdout

    def until_ctrl_c(self, text: str, port: int, shown: str) -> str:
        """Type it, wait until it shows that and that port of this machine answers, press Ctrl-C.

        Answers what it said. Where the port is somebody's already, another is taken.
        """
        free = port if _free(port) else _any_free()
        screen = self.home / "screen"
        with screen.open("w") as out:
            process = subprocess.Popen(
                ["bash", "-c", text.replace(f"{port}", f"{free}", 1)], cwd=self.folder, env=self.env,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        try:
            until(
                lambda: (
                    process.poll() is not None
                    or (not _free(free) and bool(re.search(shown, screen.read_text())))
                ),
                60,
            )
            assert process.poll() is None, f"{text}: exit {process.returncode}"
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)
            return screen.read_text()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)

    def clusters(self) -> list[str]:
        """Names of those that are there, as far as this home knows."""
        return [
            path.name
            for path in self.home.glob(".local/state/provision/clusters/*")
            if path.is_dir()
        ]


def _free(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) != 0


def _any_free() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


def filled(text: str, facts: Mapping[str, str]) -> str:
    """The page's word in capitals replaced by what the reader has seen meanwhile (``JOB`` by 7)."""
    for word, fact in facts.items():
        text = re.sub(rf"\b{word}\b", fact, text)
    return text
