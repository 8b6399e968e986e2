"""Commands of README.md and docs/ as they stand, in order, on real nodes: each does what its page says.

In a fresh clone, with the kernel's limits as Linux has them; a cloud is our emulator's. What is not run is
told in ``INSTEAD``, with its reason.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tests import documents
from tests.documents import ROOT, Line
from tests.journeys.command import Cli
from tests.journeys.desk import Desk, filled, kernel_as_it_comes
from tests.journeys.emulator import Emulator

LINES = [line for line in documents.lines(documents.TYPED) if line.words()[1:2] != ["COMMAND"]]
BIG = "benchmarks/thousand_gce.py; the same with two nodes stands before it"
INSTEAD: dict[str, tuple[str | None, str]] = {
    "make test": (None, "it is what runs this test"),
    "make release VERSION=0.2.0": (
        None,
        "it writes a tag; tests of tools/release.py cut one elsewhere",
    ),
    "make thousand": (None, "benchmarks/thousand.py: two minutes of the whole machine"),
    "make thousand-gce": (None, "benchmarks/thousand_gce.py: the same"),
    "provision up --cloud gce --name big --nodes 1000 --ttl 4h": (None, BIG),
    "provision ssh big -- srun -N1000 hostname": (None, BIG),
    "provision down big": (None, BIG),
    "provision up --cloud gce --nodes 1000": (None, "it needs an image of the project's own"),
    "provision emulate gce --machines none -- gcloud compute instances list": (
        None,
        "tests/emulator/test_clients.py, where there is a gcloud",
    ),
    'rsync -a -e "ssh -F $config" project/ demo-controller:project/': (
        None,
        "setup installs no rsync here; scp goes the same way",
    ),
    "source <(provision completion bash)": (
        "source <(provision completion bash); complete -p provision",
        "to see what it did",
    ),
    "source <(provision completion zsh)": (None, "setup installs no zsh"),
}
"""What is run in the place of a line (None: nothing), and why."""
UNTIL_CTRL_C = {
    "provision ssh demo -- -N -L 8080:localhost:8080": 8080,
    "provision ssh demo worker-0001 -- -N -L 8080:localhost:8080": 8080,
    "provision emulate gce --port 8080": 8080,
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
    """jq -r 'select(.event == "StepEnded") | "\\(.seconds)\\t\\(.text)"' events.jsonl""": r"\d\t\w",
    """jq -r 'select(.event == "CommandEnded") | "\\(.command)\\t\\(.exit_code)\\t\\(.error)"' """
    "~/.local/state/provision/clusters/demo/events.jsonl": r"up\t0\t",
    "provision ssh demo -- srun -N2 hostname": r"(demo-worker-000\d\s+){2}",
    "provision ssh demo -- sbatch -N2 job.sh": r"Submitted batch job \d+",
    "provision ssh demo -- squeue": "JOBID",
    "provision ssh demo -- scontrol show job JOB": "JobState=COMPLETED.*BatchHost=demo-worker-000",
    "source <(provision completion bash); complete -p provision": "complete .*provision",
    "provision quota --cloud gce --nodes 1000": r"INSTANCES .*\d",
    "provision up --cloud gce --nodes 2 --ttl 1h": "cluster is up.*: 2 of 2",
    "provision up --cloud gce --name try --nodes 2 --ttl 1h": "try is up.*: 2 of 2",
    "provision ssh try -- srun -N2 hostname": "(?=.*try-worker-0001).*try-worker-0002",
    "provision down": "removed cluster",
    "provision down try": "removed try",
    "provision emulate gce -- provision up --cloud gce --nodes 50": "cluster is up.*: 50 of 50",
    "provision emulate gce --port 8080": "export PROVISION_GCE_ENDPOINT=http://127.0.0.1:",
    "provision emulate gce -- ./my-launcher.sh": "us-central1-a is UP",
    "provision doctor --nodes 200 --machines light --fix": "mended: net.ipv4.neigh",
    "provision up --cloud local --machines light --nodes 200": "cluster is up.*: 200 of 200",
}  # fmt: skip
"""What a command's output must show, beside its exit code of 0."""
ARRIVES = {
    "provision inventory demo --format ansible > hosts.yml": "hosts.yml",
    "provision cp demo :/tmp/data.csv results": "results/demo-worker-0008/data.csv",
    "provision up demo.yaml --events events.jsonl": "events.jsonl",
    "provision cp demo --node NODE :slurm-JOB.out results": "results/NODE/slurm-JOB.out",
    "provision completion fish > ~/.config/fish/completions/provision.fish":
        "../.config/fish/completions/provision.fish",
    "provision schema > provision.schema.json": "provision.schema.json",
}  # fmt: skip
"""Files that are there afterwards, and not empty."""
TOLD = {"JOB": r"Submitted batch job (\d+)", "NODE": r"BatchHost=(\S+)"}
"""Where the reader sees what the page calls so."""


JOB_ENDS = 60.0
"""Seconds until a job that was only just handed in has ended."""


@dataclass
class Reader:
    """Types what a page says at a desk, and remembers what the page calls JOB and NODE."""

    desk: Desk
    seen: dict[str, str] = field(default_factory=dict)

    def play(self, lines: list[Line]) -> None:
        """One after another, and see that what the page says of each holds."""
        for line in lines:
            text, _ = INSTEAD.get(line.text, (line.text, ""))
            if text in UNTIL_CTRL_C:
                shown = SAYS.get(text, "")
                self.holds(line, text, self.desk.until_ctrl_c(text, UNTIL_CTRL_C[text], shown))
            elif text is not None:
                self.typed(line, text)

    def typed(self, line: Line, text: str) -> None:
        """A command that ends; what asks for a job asks until it has ended."""
        patience = JOB_ENDS if "scontrol show job" in text else 0
        Retrying(
            retry=retry_if_exception_type(AssertionError), wait=wait_fixed(1),
            stop=stop_after_delay(patience), reraise=True,
        )(lambda: self.holds(line, text, self.desk.bash(filled(text, self.seen))))  # fmt: skip

    def holds(self, line: Line, text: str, said: str) -> None:
        """What is to be seen afterwards, in what it said and in the folder."""
        where = f"{line.page}:{line.number}: {text}\n{said}"
        assert re.search(f"(?s){SAYS.get(text, '')}", said), where
        if arrived := ARRIVES.get(text):
            assert (self.desk.folder / filled(arrived, self.seen)).stat().st_size, where
        for word, pattern in TOLD.items():
            if found := re.search(pattern, said):
                self.seen[word] = found[1]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    with kernel_as_it_comes():
        yield made
        for name in made.clusters():
            made.bash(f"provision down {name} --yes", check=False)  # what a page leaves standing


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
WORK = [
    line
    for page in ("docs/events.md", "docs/remote.md", "docs/jobs.md", "docs/cli.md", "docs/spec.md")
    for line in of(page)
]
*THOUSAND, EMULATED = of(README, "A thousand on GCE")
GCE, EMULATE, LOCAL = of("docs/gce.md"), of("docs/emulate.md"), of("docs/local.md")
LAUNCHER = """#!/usr/bin/env python3
import json, os, urllib.request
url = os.environ["PROVISION_GCE_ENDPOINT"] + "/compute/v1/projects/any/zones/us-central1-a"
zone = json.load(urllib.request.urlopen(url))
print(zone["name"], "is", zone["status"])
"""


QUIET = " cp |^(make setup$|scp |source |config=)"
"""What says nothing when all is well."""


RELEASE = of("docs/releasing.md")


def every_command_is_played() -> None:
    """Or says why not; checked with the quick tests (tests/unit/test_docs.py), as pages change often."""
    played = {*TWO_MINUTES, *WORK, *THOUSAND, EMULATED, *GCE, *EMULATE, *LOCAL, *RELEASE}
    assert {*LINES} == played
    known = {line.text for line in LINES}
    typed = known | {text for text, _ in INSTEAD.values() if text}
    told = set(SAYS) | set(ARRIVES) | set(UNTIL_CTRL_C)
    assert set(INSTEAD) <= known and told <= typed
    for line in LINES:
        text, _ = INSTEAD.get(line.text, (line.text, ""))
        assert text is None or text in told or re.search(QUIET, text), line


def test_the_code_that_runs_is_the_clones(desk: Desk) -> None:
    assert desk.bash("command -v provision").strip() == f"{desk.folder}/.venv/bin/provision"
    said = desk.bash(".venv/bin/python -c 'import provision.cli; print(provision.cli.__file__)'")
    assert said.strip() == f"{desk.folder}/provision/cli/__init__.py"
    assert int(desk.bash("cat /proc/sys/kernel/pid_max")) <= 32768


def test_two_minutes_with_a_cluster(desk: Desk) -> None:
    Reader(desk).play(TWO_MINUTES)
    assert desk.clusters() == []


def test_work_on_a_cluster(desk: Desk) -> None:
    desk.lay("job.sh", "#!/bin/sh\nsrun hostname\n")
    desk.lay("../.config/fish/completions/README", "fish makes its folder itself\n")
    Reader(desk).play(WORK)


def test_a_cluster_on_gce(desk: Desk) -> None:
    """Against one emulator, as no project is at hand."""
    emulator = Emulator(Cli(desk.home / "emulator"), "light")
    desk.env |= emulator.environment
    try:
        Reader(desk).play([*THOUSAND, *GCE])
        assert emulator.control("resources") == [] and desk.clusters() == []
    finally:
        emulator.end()


def test_the_emulator_around_one_command(desk: Desk) -> None:
    """With the operations as quick as those of :class:`Emulator`, as no page waits for Google's own."""
    desk.env["PROVISION_SET"] = "operation=0.2"
    desk.lay("my-launcher.sh", LAUNCHER)
    Reader(desk).play([EMULATED, *EMULATE])
    desk.bash("provision down cluster --forget --yes")  # its cloud is gone for good
    assert desk.clusters() == []


def test_light_machines(desk: Desk) -> None:
    Reader(desk).play(LOCAL)
    assert desk.clusters() == []
