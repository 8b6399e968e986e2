"""The table of `status`: one row for many nodes alike, and readable on a narrow terminal."""

import io

from provision.cli import richtable, views
from provision.cli.tables import Table
from provision.cli.terminal import Terminal
from provision.cluster.listing import Summary
from provision.cluster.nodestatus import NodeStatus
from provision.cluster.status import Status

SUMMARY = Summary("demo", "local", "slurm", 1001, 1001, 0.0, None)


def node(number: int, state: str = "ready", reason: str = "") -> NodeStatus:
    name, address = f"demo-worker-{number:04d}", f"10.1.0.{number % 250}"
    return NodeStatus(name, "worker", address, "started", state, "idle", False, reason)


def status(*nodes: NodeStatus) -> Status:
    return Status(SUMMARY, nodes, "", len(nodes), len(nodes))


def test_many_nodes_alike_share_a_row() -> None:
    nodes = [node(number) for number in range(1, 1000)] + [node(1000, "down", "no answer")]
    table = views.node_table(status(*nodes), False)
    assert table.rows == [
        ("worker-1000", "1", "worker", "started", "down", "idle no answer"),
        ("worker-[0001-0999]", "999", "worker", "started", "ready", "idle"),
    ] or table.rows == [
        ("worker-[0001-0999]", "999", "worker", "started", "ready", "idle"),
        ("worker-1000", "1", "worker", "started", "down", "idle no answer"),
    ]


def test_every_row_is_there_on_demand_and_with_few_nodes() -> None:
    many = status(*(node(number) for number in range(1, 101)))
    assert len(views.node_table(many, True).rows) == 100
    few = status(*(node(number) for number in range(1, views.MANY + 1)))
    assert len(views.node_table(few, False).rows) == views.MANY


def drawn(table: Table, width: int) -> list[str]:
    stream = io.StringIO()
    richtable.draw(table, stream, Terminal(True, False, width, True))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_at_forty_columns_no_word_is_cut_into_slivers() -> None:
    table = views.node_table(status(node(1), node(2, "down", "no answer")), False)
    lines = drawn(table, 40)
    assert lines[0] == "worker-0001" and "  state: ready" in lines
    assert "  detail: idle no answer" in lines and max(map(len, lines)) <= 40
    assert "NODE" in drawn(table, 100)[0]
