"""Quotas and money as a user meets them: a table, a refusal, a question, and what fits."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.journeys.command import ROOT, Cli
from tests.journeys.emulator import Emulator

NAME = "jquota"
GCE = ("--cloud", "gce", "--name", NAME)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Not on the loopback address that everybody uses, so that it counts as somebody's who bills."""
    made = Emulator(
        Cli(tmp_path_factory.mktemp("emulator")), "none", "--host", "127.0.0.2",
        "--set", "quota.us-central1.CPUS=25", "--set", "operation=0.02",
    )  # fmt: skip
    try:
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Iterator[Cli]:
    made = Cli(
        tmp_path_factory.mktemp("state"),
        {**emulator.environment, "GOOGLE_APPLICATION_CREDENTIALS": ""},
    )
    try:
        yield made
    finally:
        made("down", NAME, "--yes", expect=None)


def test_the_table_refuses_as_up_does(cli: Cli, emulator: Emulator) -> None:
    table = cli("quota", *GCE, "--nodes", "12", expect=4).stdout.splitlines()
    assert table[0].split() == ["METRIC", "WHERE", "LIMIT", "USED", "NEED", "LEFT", "FITS"]
    assert table[1].split() == ["CPUS", "us-central1", "25", "0", "28", "25", "10"]
    assert table[-1].startswith("cost: about $0.97 an hour (list prices of us-central1, ")
    assert f"{NAME} fits with 10 nodes" in cli("quota", *GCE, "--nodes", "10").stdout
    said = cli("up", *GCE, "--nodes", "12", expect=4).sentence()
    assert "quota CPUS in us-central1: limit 25, used 0, needed 28: 10 nodes fit" in said
    assert emulator.created() == 0 and not cli.folder(NAME).exists()


def test_nothing_is_bought_unasked(cli: Cli, emulator: Emulator) -> None:
    said = cli("up", *GCE, "--nodes", "3", "--until", "created", expect=2).sentence()
    assert said.endswith(
        "and there is no terminal to ask at: give --yes to agree without being asked"
    )
    assert "4 machines are to be created for jquota, which then has 1 x e2-standard-4" in said
    assert emulator.created() == 0 and not cli.folder(NAME).exists()


def test_a_no_in_a_terminal_creates_nothing(cli: Cli, emulator: Emulator) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "provision", "up", *GCE, "--nodes", "3", "--until", "created"],
        cwd=ROOT, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs,
        env={**os.environ, "XDG_STATE_HOME": f"{cli.state}", "TERM": "dumb", **cli.env},
    )  # fmt: skip
    os.close(theirs)
    shown, end = "", time.monotonic() + 60
    while "[y/N]" not in shown and time.monotonic() < end:
        shown += os.read(ours, 4096).decode()
    os.write(ours, b"n\n")
    assert process.wait(60) == 130, shown
    assert "Create them? [y/N]" in " ".join(shown.split())
    os.close(ours)
    assert emulator.created() == 0 and not cli.folder(NAME).exists()


def test_what_fits_is_taken_where_that_is_asked_for(cli: Cli, emulator: Emulator) -> None:
    """Last in the module: it creates. The second time there is nothing to shrink, buy or create."""
    asked = ("up", *GCE, "--nodes", "12", "--yes", "--shrink-to-fit", "--until", "created")
    up = cli(*asked)
    assert "shrinks to fit the quota (CPUS in us-central1): worker has 10 nodes instead of 12" in (
        up.stderr
    )
    assert f"{NAME} costs about $0.83 an hour" in up.stderr
    assert f"{NAME}: 10 nodes are requested" in up.stdout
    kinds = [each["kind"] for each in emulator.control("resources")]
    assert kinds.count("instances") == 11
    created = emulator.created()
    assert "shrinks to fit" in cli(*asked).stderr and emulator.created() == created
    assert "none of them can join" in cli("scale", NAME, "11", expect=4).sentence()
    said = cli("up", *GCE, "--nodes", "11", "--yes", "--until", "created", expect=4).sentence()
    assert "limit 25, used 24, needed 2: 10 nodes fit" in said
