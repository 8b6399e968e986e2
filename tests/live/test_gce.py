"""Two nodes on a real Google Cloud project: costs a few cents, and only where a project is named.

Guards against spending: two nodes, small machine types, a ttl by which Google itself deletes the VMs,
nothing begins while something of an earlier run is still there, and everything is removed and looked
for at the end, however the test ends.
"""

import os
from pathlib import Path
from uuid import uuid4

import pytest

from tests.journeys.command import Cli
from tests.journeys.walk import walk

PROJECT = os.environ.get("PROVISION_LIVE_GCE_PROJECT", "")
REGION = os.environ.get("PROVISION_LIVE_GCE_REGION", "us-central1")
IMAGE = os.environ.get("PROVISION_LIVE_GCE_IMAGE", "")
"""An image with Slurm in it, where one is at hand: it saves the installation at boot."""
CREDENTIALS = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
NODES = 2

pytestmark = pytest.mark.skipif(
    not PROJECT, reason="PROVISION_LIVE_GCE_PROJECT names no project to spend money in"
)


def test_a_cluster_on_a_real_project(tmp_path: Path) -> None:
    environment = {"GOOGLE_CLOUD_PROJECT": PROJECT, "GOOGLE_CLOUD_REGION": REGION}
    if CREDENTIALS:
        environment["GOOGLE_APPLICATION_CREDENTIALS"] = CREDENTIALS
    cli = Cli(tmp_path / "state", environment)
    assert "live" not in cli("list").stdout, "an earlier run has left something: remove it first"
    spec = tmp_path / "live.yaml"
    image = f"  image: {IMAGE}\n" if IMAGE else ""
    spec.write_text(
        f"cloud:\n  kind: gce\n  machines: e2-small\n  controller_type: e2-medium\n{image}"
        "groups: {worker: {nodes: 2}}\nready: {deadline: 15m, replace_after: 8m}\n"
    )
    walk(cli, f"live{uuid4().hex[:6]}", NODES, str(spec), "--yes")
