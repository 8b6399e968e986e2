"""Work on a cluster's nodes: each has a result."""

from typing import Any

from provision.cloud import Machine, Phase
from provision.cluster import nodes


def test_a_node_without_an_address_is_no_success() -> None:
    machine = Machine("d-worker-0001", "d", "worker", "worker", "", Phase.STOPPED, 0, 0, None, {})
    nobody: Any = None
    result = nodes.on_one(nobody, nobody, machine, "true", 1)
    assert result.exit_code > 0 and result.error == "d-worker-0001 is stopped and has no address"
