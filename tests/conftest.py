"""For every layer: nothing a test does touches the user's own state, cache and configuration."""

import os
import signal
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from provision.engine.binary import VARIABLE
from tests import sharing
from tests.guards import RUN, redirected, users_folders, users_pulumi

pytest_plugins = ["pytester"]

USERS_FOLDERS = users_folders()
PULUMI = users_pulumi()
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background: `make test &`
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else no child could have Ctrl-C
# A busy host stalls for seconds: that one example took long says nothing of what it tests.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
RUN_ID = uuid4().hex
"""Tells this run's processes from others'; every child inherits it."""


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """State, cache and configuration of this run, for its children too."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in redirected(tmp_path_factory.mktemp("xdg")).items():
            patch.setenv(name, value)
        for name in list(os.environ):
            if name.startswith("PROVISION_") and name != "PROVISION_DEBIAN_MIRROR":
                patch.delenv(name)
        if PULUMI:
            patch.setenv(VARIABLE, PULUMI)
        patch.setenv(RUN, RUN_ID)
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling  # what runs in one process needs no xdist

    config.option.loadscopereorder = False  # the order is made below
    made = LoadScopeScheduling(config, log)
    made._split_scope = sharing.scope
    return made


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        sharing.longest_first(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        each
        for kind in ("passed", "failed", "error", "skipped", "")
        for each in terminalreporter.getreports(kind)
        if isinstance(each, pytest.TestReport)
    ]
    for layer, took in sharing.seconds(reports).items():
        terminalreporter.write_line(f"{layer}: {took:.0f} s")
