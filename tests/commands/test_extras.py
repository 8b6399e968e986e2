"""What a local cluster needs of the clouds' packages: nothing; and what is said where they are missing."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WITHOUT = """\
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from provision.cli.main import main
sys.argv[0] = "provision"
sys.exit(main())
"""
"""The command on a machine where those packages are not installed."""


def without(
    missing: set[str], *words: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing=missing), *words], cwd=ROOT, text=True,
        capture_output=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_STATE_HOME": str(folder), **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("validate", "inventories/demo.yaml"),
        ("plan", "inventories/demo.yaml"),
        ("render", "inventories/demo.yaml", "--role", "worker"),
        ("plan", "--cloud", "gce", "--nodes", "2"),
    ],
)
def test_a_local_install_works_without_the_clouds_packages(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    done = without({"pulumi", "grpc", "google", "starlette"}, *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_no_module_outside_the_clouds_needs_their_packages() -> None:
    """Every module that a local cluster may import, with the packages of the extras missing."""
    program = WITHOUT.partition("from provision.cli")[0].format(
        missing={"pulumi", "grpc", "google"}
    )
    program += """
import importlib, pkgutil, provision
theirs = ("provision.clouds.gce.", "provision.engine.", "provision.provider.", "provision.emulator.")
for found in pkgutil.walk_packages(provision.__path__, "provision."):
    if not found.name.startswith(theirs) and "guest" not in found.name and "__main__" not in found.name:
        importlib.import_module(found.name)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("missing", "words", "sentence"),
    [
        (
            {"pulumi"},
            ("up", "--cloud", "gce", "--nodes", "2", "--yes"),
            "the package pulumi is missing",
        ),
        (
            {"google"},
            ("quota", "--cloud", "gce", "--nodes", "2"),
            "google-cloud-compute are missing",
        ),
    ],
)
def test_a_cloud_without_its_extra_is_refused_in_one_sentence(
    missing: set[str], words: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    done = without(
        missing, *words, folder=tmp_path, GOOGLE_CLOUD_PROJECT="p", GOOGLE_CLOUD_REGION="us-central1",
        PROVISION_GCE_ENDPOINT="http://127.0.0.1:9",
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("provision:")]
    assert len(told) == 1 and sentence in told[0]
    assert "pip install 'provision-cluster[gce]'" in told[0]
