"""README.md's commands as they stand, in order, on real nodes: each does what the page says beside it."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import documents
from tests.documents import ROOT, Line
from tests.journeys.command import PATIENCE

README = [line for line in documents.lines() if line.page == "README.md"]
INSTEAD = {
    "make test": (None, "it is what runs this test"),
    "make setup": (None, "it has been run where this runs"),
    "make thousand": (None, "benchmarks/thousand.py: two minutes of the whole machine"),
    "make thousand-gce": (None, "benchmarks/thousand_gce.py: the same"),
    "provision up --cloud gce --nodes 1000 --ttl 4h": (
        "provision up --cloud gce --nodes 5 --ttl 4h",
        "five nodes show the same steps",
    ),
    "provision emulate gce -- provision up --cloud gce --nodes 50": (
        "provision emulate gce -- provision up --cloud gce --nodes 5",
        "five nodes show the same steps",
    ),
}
"""What is run in the place of a line, and why."""
BESIDE = {
    "sets up what is missing, then: provision up inventories/demo.yaml": r"demo is up: 8 of 8 nodes joined",
    "sets up what is missing, then every test": "",
    "1,000 real slurmds on this machine (root, 10 GiB, two minutes of watching)": "",
    "the same by --cloud gce, Pulumi and Google's client, against our emulator": "",
    "again: says it is up": r"demo is up",
    "on all nodes at once": r"(?s)demo-worker-0001.*demo-worker-0008",
    "a Slurm job, from the controller": r"(?s)(demo-worker-000\d.*){8}",
    "console and cloud-init output": r"(?i)cloud-init",
    "replaces what died": r"demo is up",
    "the second time it says so": r"there is no cluster|nothing",
    "once: what clouds and the emulator need beside the rest": "",
    "what the project has, what is needed, what fits": r"(?s)INSTANCES.*\d",
}
"""What the output of a command must show, by what the page says beside it; '' where it is not run."""


def test_everything_that_is_said_beside_a_command_is_checked() -> None:
    assert {line.beside for line in README if line.beside} == set(BESIDE)
    known = {line.text for line in README}
    assert set(INSTEAD) <= known


def run(line: Line, folder: Path, env: dict[str, str]) -> None:
    """The line by bash, as somebody types it after ``source .venv/bin/activate``."""
    text, _ = INSTEAD.get(line.text, (line.text, ""))
    if text is None:
        return
    done = subprocess.run(
        ["bash", "-c", text], cwd=ROOT if text.startswith("make ") else folder, env=env, text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"README.md:{line.number}: {text}\n{said}"
    assert re.search(BESIDE.get(line.beside, ""), said), f"README.md:{line.number}: {text}\n{said}"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with the checkout's inventories, and an environment with a state of its own."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "inventories").symlink_to(ROOT / "inventories")
    path = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
    yield folder, {**os.environ, "PATH": path, "XDG_STATE_HOME": str(tmp_path / "state")}


def section(title: str) -> list[Line]:
    """The lines below a heading; '' is what stands before the first."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    heads = [number for number, line in enumerate(text, 1) if line.startswith("## ")]
    first = text.index(f"## {title}") + 1 if title else 0
    last = next((number for number in heads if number > first), len(text) + 1)
    return [line for line in README if first < line.number < last]


def test_two_minutes_with_a_cluster(place: tuple[Path, dict[str, str]]) -> None:
    lines = section("") + section("Two minutes with a cluster")
    assert len(lines) > 12
    try:
        for line in lines:
            run(line, *place)
    finally:
        subprocess.run(
            ["bash", "-c", "provision down demo --yes"], cwd=place[0], env=place[1], check=False
        )


def test_a_thousand_on_gce(place: tuple[Path, dict[str, str]], tmp_path: Path, roomy: None) -> None:
    """Its first commands against one emulator, as no project is at hand; the last brings its own."""
    *first, last = section("A thousand on GCE")
    script = tmp_path / "commands.sh"
    inner = []
    for line in first:
        text, _ = INSTEAD.get(line.text, (line.text, ""))
        if text:
            inner += [f"echo 'README.md:{line.number}: {text}'", text]
    script.write_text("set -e\n" + "\n".join(inner) + "\n", encoding="utf-8")
    around = Line("README.md", 0, f"provision emulate gce -- bash {script}", "", "")
    run(around, *place)
    run(last, *place)
