"""Small inputs that once went wrong, each a file of tests/cases/journeys: what was typed, what is right.

A file holds ``why`` (what went wrong), a ``spec`` where one is needed, ``emulator`` where a cloud is
(its VMs are state only), and ``steps``. A step is a ``run`` of the command line, with the ``exit`` code
it must have (0 unless said) and a regular expression that must (``says``) or must not (``hides``)
be found in what it prints; ``within`` gives it that many seconds to come true. ``get`` reads what
the emulator answers at that path of its API instead.
"""

import re
import shlex
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.journeys.command import Cli
from tests.journeys.emulator import Emulator

CASES = sorted((Path(__file__).parents[1] / "cases" / "journeys").glob("*.yaml"))


class Case:
    """One case being played."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.told: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        self.name = f"case-{path.stem.split('-')[0]}"
        self.cli = Cli(folder / "state")
        self.spec = folder / "spec.yaml"
        self.emulator: Emulator | None = None
        if "spec" in self.told:
            self.spec.write_text(yaml.safe_dump({"name": self.name, **self.told["spec"]}))
        if "emulator" in self.told:
            self.emulator = Emulator(self.cli, str(self.told["emulator"]))
            self.cli.env = dict(self.emulator.environment)

    def step(self, step: dict[str, Any]) -> None:
        """Do it, and see that what is right holds."""
        if "get" in step:
            assert self.emulator, "only an emulator has an API"
            url = f"{self.emulator.endpoint}/compute/v1/{step['get']}"
            with urllib.request.urlopen(url, timeout=30) as response:
                said = response.read().decode()
        else:
            words = shlex.split(step["run"].format(name=self.name, spec=self.spec))
            answer = self.cli(*words, expect=step.get("exit", 0))
            said = f"{answer.stdout}\n{answer.stderr}"
        if "says" in step:
            assert re.search(step["says"], said), said
        if "hides" in step:
            assert not re.search(step["hides"], said), said

    def end(self) -> None:
        """Take down what it brought up."""
        self.cli("down", self.name, "--yes", expect=None)
        if self.emulator:
            self.emulator.end()


@pytest.fixture(params=CASES, ids=lambda path: path.stem)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    made = Case(request.param, tmp_path)
    try:
        yield made
    finally:
        made.end()


def test_what_once_went_wrong_is_right(case: Case) -> None:
    for step in case.told["steps"]:
        tries = Retrying(
            stop=stop_after_delay(step.get("within", 0)),
            wait=wait_fixed(1),
            retry=retry_if_exception_type(AssertionError),
            reraise=True,
        )
        tries(case.step, step)
