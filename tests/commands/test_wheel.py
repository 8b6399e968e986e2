"""An installed wheel finds the same data as a checkout."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEY = re.compile(r"[A-Za-z0-9+/]{40,}=*")
"""Every `render` makes keys of its own."""
LAYOUT = """\
import json
from provision.assets import asset, program_of
root = asset()
assert callable(program_of("gce"))
print(json.dumps([str(root), sorted(
    str(path.relative_to(root))
    for folder in ("cloud-init", "inventories", "stacks", "tools/node-image", "tools/pulumi")
    for path in asset(folder).rglob("*") if path.is_file() and path.suffix != ".pyc"
)]))
"""


def run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_wheel_has_the_data_and_renders_the_same(tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path), cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run(*pip, "--no-deps", "--no-index", "--target", str(target), str(wheel), cwd=tmp_path)

    answers = []
    for place in (ROOT, target):
        env = {**os.environ, "PYTHONPATH": str(place)}
        layout = run(sys.executable, "-c", LAYOUT, cwd=tmp_path, env=env)
        words = ("-m", "provision", "render", "--nodes", "2", "--role", "worker")
        answers.append((layout, run(sys.executable, *words, cwd=tmp_path, env=env)))
    (checkout, from_checkout), (installed, from_installed) = answers
    assert str(target / "provision" / "_assets") in installed
    assert checkout.partition(",")[2] == installed.partition(",")[2]
    assert KEY.sub("KEY", from_installed) == KEY.sub("KEY", from_checkout)
