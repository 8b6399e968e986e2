"""Nothing that a test makes stays: the machine after a layer of tests is compared with it before.

What is new and there to stay fails the run, is named, and is removed where it is surely ours: of a
cluster that a test names (``NAME`` of its module, or ``rt`` and six hex digits), or that has a folder
below this run's own. Clusters that the user brings up meanwhile have one in the user's state folder
and are let alone, and so is, but named, whatever belongs to neither.
"""

import fcntl
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests import machine
from tests.conftest import RUN_ID, USERS_FOLDERS
from tests.machine import Thing

SETTLE = 15.0
"""Seconds what is ending may take to be gone."""
TURN = 300.0
"""Seconds to wait for another run of these tests on this machine."""
OWN_NAME = re.compile(r"rt[0-9a-f]{6}$")


@dataclass
class Ownership:
    """Whose a cluster is: by the names that tests use and by the folders ``provision`` makes."""

    names: Collection[str]
    run_folder: Path
    users_folder: Path

    def users(self, cluster: str) -> bool:
        """Whether the user brought it up, with the state folder that is not the tests'."""
        return bool(cluster) and (self.users_folder / "clusters" / cluster).exists()

    def tests(self, cluster: str) -> bool:
        """Whether a test of this run made it."""
        if not cluster or self.users(cluster):
            return False
        if cluster in self.names or OWN_NAME.match(cluster):
            return True
        return any(self.run_folder.rglob(f"clusters/{cluster}"))

    def removable(self, thing: Thing) -> bool:
        """Whether it is surely of the tests' making; only processes are known without a cluster."""
        return thing.kind == "process" or self.tests(thing.cluster)


@dataclass
class Ledger:
    """What was there before, and what to do about what is there later."""

    look: Callable[[], set[Thing]]
    remove: Callable[[list[Thing]], list[str]]
    ownership: Ownership
    settle: float
    before: set[Thing] = field(default_factory=set)

    def open(self) -> None:
        """Remove what a killed run left of the tests' clusters, and take the inventory."""
        found = self.look()
        stale = [thing for thing in found if self.ownership.tests(thing.cluster)]
        if stale:
            self.remove(stale)
            found = self.look()
        self.before = found

    def left(self) -> list[Thing]:
        """What is new and nobody else's, after waiting for what is ending."""
        try:
            Retrying(
                retry=retry_if_result(bool),
                wait=wait_fixed(0.5),
                stop=stop_after_delay(self.settle),
            )(self._new)
        except RetryError as error:
            return sorted(error.last_attempt.result(), key=lambda thing: (thing.kind, thing.name))
        return []

    def close(self) -> str:
        """Compare and clean up; answers the report, '' where nothing is left."""
        left = self.left()
        if not left:
            return ""
        ours = [thing for thing in left if self.ownership.removable(thing)]
        others = [thing for thing in left if thing not in ours]
        return "\n".join(
            [
                "the tests left this behind:",
                *(f"  {thing} (removed now)" for thing in ours),
                *(f"  {thing} (not surely a test's: look and remove it)" for thing in others),
                *(f"  {problem}" for problem in self.remove(ours)),
            ]
        )

    def _new(self) -> set[Thing]:
        return {
            thing for thing in self.look() - self.before if not self.ownership.users(thing.cluster)
        }


def names_of(items: Iterable[pytest.Item]) -> set[str]:
    """The clusters that the modules of these tests name in ``NAME``."""
    modules = {item.module for item in items if isinstance(item, pytest.Function)}
    return {module.NAME for module in modules if hasattr(module, "NAME")}


def take_turns() -> int:
    """Hold the machine against another run of these tests; answers the descriptor to close.

    The lock is on a folder that is there anyway, so that it leaves no file.
    """
    turn = os.open("/tmp", os.O_RDONLY | os.O_CLOEXEC)

    def taken() -> bool:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

    try:
        Retrying(retry=retry_if_result(bool), wait=wait_fixed(0.5), stop=stop_after_delay(TURN))(
            taken
        )
    except RetryError:
        os.close(turn)
        pytest.fail(f"another run of these tests holds this machine for {TURN:.0f} s", False)
    return turn


@pytest.fixture(scope="package", autouse=True)
def ledger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledger]:
    """For the conftest of every layer that makes real things: opened before, closed after it."""
    state = USERS_FOLDERS[0]
    made = Ledger(
        look=lambda: machine.look(RUN_ID, state),
        remove=machine.remove,
        ownership=Ownership(
            names_of(request.session.items), tmp_path_factory.getbasetemp(), users_folder=state
        ),
        settle=SETTLE,
    )
    turn = take_turns()
    try:
        made.open()
        yield made
        report = made.close()
    finally:
        os.close(turn)
    if report:
        pytest.fail(report, pytrace=False)
