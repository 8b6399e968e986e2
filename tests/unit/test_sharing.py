"""Two processes run the tests at once: what each gets, and that they do not meet on this machine."""

import re
from types import SimpleNamespace
from typing import Any

from tests import sharing
from tests.documents import ROOT
from tests.sharing import scope

NAME = re.compile(r'^NAME = "(.+)"', re.M)


def test_all_that_boots_machines_is_one_process_and_the_rest_goes_by_file() -> None:
    assert scope("tests/nodes/test_a.py::test_x[1]") == scope("tests/journeys/test_b.py::test_y")
    assert scope("tests/unit/cli/test_a.py::test_x[tests/nodes/]") == "tests/unit/cli/test_a.py"
    assert scope("tests/commands/test_a.py::test_x") == "tests/commands/test_a.py"


def test_what_boots_machines_begins_and_all_else_keeps_its_order() -> None:
    names = [
        "tests/unit/b.py::x",
        "tests/unit/a.py::y",
        "tests/nodes/c.py::z",
        "tests/journeys/a.py::x",
    ]
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in names]
    sharing.longest_first(items)
    assert [item.nodeid for item in items] == [names[2], names[3], names[0], names[1]]


def test_a_layer_has_taken_what_its_tests_and_fixtures_took() -> None:
    reports: list[Any] = [
        SimpleNamespace(nodeid="tests/unit/test_a.py::test_x", duration=0.5),
        SimpleNamespace(nodeid="tests/unit/cli/test_b.py::test_y", duration=1.0),
        SimpleNamespace(nodeid="tests/nodes/test_c.py::test_z", duration=2.0),
    ]
    assert sharing.seconds(reports) == {"tests/unit": 1.5, "tests/nodes": 2.0}


def names(*layers: str) -> set[str]:
    return {
        found[1]
        for layer in layers
        for path in (ROOT / "tests" / layer).rglob("*.py")
        for found in NAME.finditer(path.read_text(encoding="utf-8"))
    }


def test_a_cluster_of_one_process_has_no_name_of_the_others() -> None:
    """A ``down`` that has lost its files asks every place for the name, this machine too."""
    booted, others = names("nodes", "journeys"), names("commands")
    assert booted and others and not booted & others
