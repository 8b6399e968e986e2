"""Commands of README.md and docs/ as they stand, in order, on real nodes: each does what its page says.

In a fresh clone, with the kernel's limits as Linux has them. The two minutes of README.md, and what
the pages of events and of remote work show on one cluster. What is not run is told in ``INSTEAD``, with its
reason.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import documents
from tests.documents import ROOT, Line
from tests.journeys.desk import Desk, kernel_as_it_comes

LINES = [line for line in documents.lines() if line.words()[1:2] != ["COMMAND"]]
INSTEAD: dict[str, tuple[str | None, str]] = {
    "make test": (None, "it is what runs this test"),
    "make thousand": (None, "benchmarks/thousand.py: two minutes of the whole machine"),
    "make thousand-gce": (None, "benchmarks/thousand_gce.py: the same"),
}
"""What is run in the place of a line (None: nothing), and why."""
UNTIL_CTRL_C = {
    "provision ssh demo -- -N -L 8080:localhost:8080": 8080,
    "provision ssh demo worker-0001 -- -N -L 8080:localhost:8080": 8080,
}
"""What goes on until Ctrl-C, and the port of this machine that answers meanwhile."""
ALL = "".join(f"(?=.*demo-worker-000{number})" for number in range(1, 9))
SAYS = {
    "make demo": "demo is up.*: 8 of 8 nodes joined",
    "provision up inventories/demo.yaml": "demo is up: 8 of 8",
    "provision status demo": "8 of 8",
    "provision run demo -- hostname": ALL,
    "provision ssh demo -- srun -N8 hostname": ALL,
    "provision ssh demo worker-0001 -- uptime": "load average",
    "provision scale demo 10": "10 of 10",
    'provision drain demo worker-0002 --reason "a look inside"': "demo-worker-0002: dr.*a look inside",
    "provision resume demo worker-0002": "demo-worker-0002: idle",
    "provision logs demo worker-0003": "Cloud-init",
    "provision repair demo": "10 of 10",
    "provision down demo": "removed demo|there is no cluster 'demo'",
    "provision up demo.yaml --events events.jsonl": "demo is up.*: 8 of 8",
    "provision run demo -- uptime": "load average",
    "provision run demo --group worker -- 'uptime | cut -c1-9'": r"\d\d:\d\d:\d\d",
}  # fmt: skip
"""What a command's output must show, beside its exit code of 0."""
ARRIVES = {
    "provision inventory demo --format ansible > hosts.yml": "hosts.yml",
    "provision cp demo :/tmp/data.csv results": "results/demo-worker-0008/data.csv",
    "provision up demo.yaml --events events.jsonl": "events.jsonl",
}  # fmt: skip
"""Files that are there afterwards."""


def play(desk: Desk, lines: list[Line]) -> None:
    """Type them one after another, and see that what the page says of each holds."""
    for line in lines:
        text, _ = INSTEAD.get(line.text, (line.text, ""))
        if text is None:
            continue
        port = UNTIL_CTRL_C.get(text)
        said = desk.until_ctrl_c(text, port) if port else desk.bash(text)
        where = f"{line.page}:{line.number}: {text}\n{said}"
        assert re.search(f"(?s){SAYS.get(text, '')}", said), where
        assert (desk.folder / ARRIVES.get(text, ".")).exists(), where


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    with kernel_as_it_comes():
        yield made
        made.bash("provision down demo --yes", check=False)


def of(page: str, title: str = "") -> list[Line]:
    """The lines of a page, or of what stands below a heading of it ('#': before the first)."""
    found = [line for line in LINES if line.page == page]
    if not title:
        return found
    text = (ROOT / page).read_text(encoding="utf-8").splitlines()
    heads = [number for number, line in enumerate(text, 1) if line.startswith("## ")]
    first = 0 if title == "#" else text.index(f"## {title}") + 1
    last = next((number for number in heads if number > first), len(text) + 1)
    return [line for line in found if first < line.number < last]


README = "README.md"
TWO_MINUTES = of(README, "#") + of(README, "Two minutes with a cluster")
WORK = of("docs/events.md") + of("docs/remote.md")


def test_every_command_of_these_pages_is_played_or_says_why_not() -> None:
    played = [*TWO_MINUTES, *WORK]
    known = {line.text for line in played}
    told = set(SAYS) | set(ARRIVES) | set(UNTIL_CTRL_C)
    assert len(known) > 20 and set(INSTEAD) <= known and told <= known
    for line in played:
        text, _ = INSTEAD.get(line.text, (line.text, ""))
        assert text is None or text in told or " cp " in text, line


def test_the_code_that_runs_is_the_clones(desk: Desk) -> None:
    assert desk.bash("command -v provision").strip() == f"{desk.folder}/.venv/bin/provision"
    said = desk.bash(".venv/bin/python -c 'import provision.cli; print(provision.cli.__file__)'")
    assert said.strip() == f"{desk.folder}/provision/cli/__init__.py"
    assert int(desk.bash("cat /proc/sys/kernel/pid_max")) <= 32768


def test_two_minutes_with_a_cluster(desk: Desk) -> None:
    play(desk, TWO_MINUTES)


def test_work_on_a_cluster(desk: Desk) -> None:
    play(desk, WORK)
