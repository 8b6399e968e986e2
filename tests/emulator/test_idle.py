"""An emulator that has nothing to do, does nothing."""

import time

import pytest
from google.cloud import compute_v1 as c

from tests.emulator.conftest import Gce, Start
from tests.emulator.test_dials import insert, status, until
from tests.emulator.test_google import group, names, template

SECONDS = 10.0
"""How long it is watched."""
MOST = 0.01
"""Share of a core that it may take: the server looks ten times a second whether it is to end."""
WINDOWS = 3
"""How often it is watched at most: what runs beside it on a busy machine costs this process time too."""
VMS = 1000


def busy() -> float:
    """Least share of a core that this process, in which the emulator runs, takes while nobody asks."""
    shares: list[float] = []
    while len(shares) < WINDOWS and min(shares, default=1.0) >= MOST:
        began = time.process_time()
        time.sleep(SECONDS)
        shares.append((time.process_time() - began) / SECONDS)
    return min(shares)


def test_a_fresh_emulator_uses_hardly_any_cpu(gce: Gce) -> None:
    assert busy() < MOST


@pytest.mark.parametrize("ttl", [0, 3600])
def test_an_emulator_whose_vms_run_uses_hardly_any_cpu(start: Start, ttl: int) -> None:
    gce = start()
    template(gce)
    client = group(gce, VMS)
    until(lambda: len(names(client)) == VMS, 120)
    limit = (
        c.Scheduling(max_run_duration=c.Duration(seconds=ttl), instance_termination_action="DELETE")
        if ttl
        else None
    )
    insert(gce, **({"scheduling": limit} if limit else {})).result()
    until(lambda: status(gce) == "RUNNING")
    assert busy() < MOST
