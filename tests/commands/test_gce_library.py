"""Google's library loads the services that are called, and is the whole package for whoever wants it."""

import subprocess
import sys

import pytest

from tests.journeys.command import ROOT

LIGHT = """\
import sys
from provision.clouds.gce.api.compute import compute_v1
from provision.clouds.gce.resources import RANKS
clients = [getattr(compute_v1, kind.client) for rank in RANKS for kind in rank]
request = compute_v1.AggregatedListInstancesRequest(project="p")
def services():
    under = compute_v1.__name__ + ".services."
    return {name.split(".")[4] for name in sys.modules if name.startswith(under)}
loaded = services()
assert {"instances", "region_instance_group_managers"} <= loaded and len(loaded) < 12, loaded
"""


def answers(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, text=True, capture_output=True, timeout=120, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "more",
    [
        "",
        "from google.cloud.compute_v1 import types; assert types.compute.Operation is compute_v1.Operation",
        "import google.cloud.compute_v1 as v; assert v.__version__ and v.services.instances",
        "from google.cloud import compute_v1 as v; assert v.WireGroupsClient and len(services()) < 14",
        "from google.cloud.compute_v1 import *; assert WireGroupsClient and InstancesClient in clients",
        "from google.cloud import compute_v1 as v; assert set(v.__all__) <= set(dir(v)); "
        "assert all(one is getattr(v, one.__name__) for one in clients) and len(services()) > 100",
        "assert not hasattr(compute_v1, 'nothing') and not hasattr(compute_v1, 'NothingClient')",
        "import importlib.util as u; assert u.find_spec('google.cloud.compute_v1')",
    ],
    ids=["light", "submodule", "attributes", "another", "star", "whole", "nothing", "spec"],
)
def test_it_is_light_and_then_whole(more: str) -> None:
    answers(LIGHT + more)


def test_where_the_whole_is_there_already_it_is_taken() -> None:
    answers(
        "from google.cloud import compute_v1 as whole\n"
        "from provision.clouds.gce.api.compute import compute_v1\n"
        "assert compute_v1 is whole and type(whole).__name__ == 'module'"
    )


def test_threads_that_ask_for_several_at_once_get_them() -> None:
    answers(
        LIGHT + "from concurrent.futures import ThreadPoolExecutor as Pool\n"
        "names = ['ZonesClient', '__all__', 'RegionsClient', 'ImagesClient', 'WireGroupsClient'] * 4\n"
        "with Pool(8) as pool:\n"
        "    found = list(pool.map(lambda name: getattr(compute_v1, name), names))\n"
        "assert found[0] is compute_v1.ZonesClient and None not in found"
    )
