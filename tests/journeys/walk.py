"""One walk through a cluster's life on a cloud: run on the emulator in every test run, and on a real
project by the live layer. What it asks must hold on both."""

import json

from tests.journeys.command import Cli


def walk(cli: Cli, name: str, nodes: int, *words: str) -> None:
    """Up, up again, look, work, grow, shrink, and down; nothing is left."""
    flags = ["--cloud", "gce", "--name", name, "--ttl", "1h", *words]
    try:
        up = cli("up", *flags, "--nodes", str(nodes), "-o", "json").json()
        assert up["joined"] == nodes and up["proof"]["nodes"] == nodes
        again = cli("up", *flags, "--nodes", str(nodes), "-o", "json").json()
        assert again["created"] == 0
        status = cli("status", name, "-o", "json").json()
        assert status["ready"] == nodes and status["summary"]["expires"]
        assert name in cli("list").stdout
        answers = cli("run", name, "-o", "json", "--", "hostname", "-s").json()
        assert {answer["stdout"].strip() for answer in answers} == {
            f"{name}-worker-{number:04d}" for number in range(1, nodes + 1)
        }
        job = cli("ssh", name, "--", "srun", f"-N{nodes}", "hostname", "-s")
        assert len(set(job.stdout.split())) == nodes
        assert cli("logs", name, "worker-0001").stdout.strip()
        listed = json.loads(cli("inventory", name, "--format", "json").stdout)
        assert len(listed["nodes"]) == nodes + 1
        cli("scale", name, str(nodes + 1))
        assert cli("status", name, "-o", "json").json()["ready"] == nodes + 1
        cli("scale", name, str(nodes))
        assert cli("status", name, "-o", "json").json()["ready"] == nodes
    finally:
        down = cli("down", name, "--yes", expect=None)
    assert down.exit_code == 0, down
    assert "there is no cluster" in cli("down", name).stdout
