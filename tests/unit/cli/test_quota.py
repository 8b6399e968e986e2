"""``quota`` and what ``up`` asks: rows, sentences, exit codes."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from provision.cli import up, views
from provision.cli.console import Console, ConsoleOptions
from provision.cli.main import main
from provision.cloud import Cost, Limit
from provision.errors import UsageError
from provision.names import ENDLESS
from provision.plan import plan_of
from provision.recipes import consent
from provision.recipes.consent import Headroom, Purchase
from provision.spec.models import Spec

Capture = pytest.CaptureFixture[str]
PLAN = plan_of(Spec.model_validate({"name": "demo", "groups": {"worker": {"nodes": 8}}}))
COST = Cost({"big": 1, "small": 8}, 2.5, "about $2.50 an hour (list prices)")
LIMITS = [
    Limit("CPUS", "us-central1", 2004, 1500, 96, 700, "https://console.example/quotas"),
    Limit("NETWORKS", "all regions", 1, 5, 4, ENDLESS, "https://console.example/quotas"),
    Limit("CPUS_PER_VM_FAMILY (c4)", "us-central1", 16, fix="https://console.example/quotas"),
]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def given(monkeypatch: pytest.MonkeyPatch, room: Headroom) -> None:
    monkeypatch.setattr(consent, "headroom", lambda spec, emit: room)


def test_the_table_and_exit_4_where_something_is_short(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    given(monkeypatch, Headroom(PLAN, LIMITS, False, {"worker": 7}, COST))
    assert main(["quota"]) == 4
    assert capsys.readouterr().out.splitlines() == [
        "METRIC                   WHERE        LIMIT    USED     NEED   LEFT     FITS",
        "CPUS                     us-central1  1,500    96       2,004  1,404    700",
        "NETWORKS                 all regions  5        4        1      1        any",
        "CPUS_PER_VM_FAMILY (c4)  us-central1  unknown  unknown  16     unknown  unknown",
        "",
        "demo does not fit with 8 nodes: 7 would",
        "limits, and more of them: https://console.example/quotas",
        "cost: about $2.50 an hour (list prices)",
    ]


def test_exit_0_where_all_fits(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    given(monkeypatch, Headroom(PLAN, LIMITS[1:2], True, {"worker": 8}, None))
    assert main(["quota"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == [
        "", "demo fits with 8 nodes, as far as the limits are known",
    ]  # fmt: skip


def test_nothing_fits(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    given(monkeypatch, Headroom(PLAN, LIMITS[:1], False, None, None))
    assert main(["quota"]) == 4
    assert "demo does not fit with 8 nodes: not even one would" in capsys.readouterr().out


def test_as_json(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    given(monkeypatch, Headroom(PLAN, LIMITS, False, {"worker": 7}, COST))
    assert main(["quota", "-o", "json"]) == 4
    data = json.loads(capsys.readouterr().out)
    assert (data["fits"], data["nodes"], data["cost"]["hourly"]) == (False, {"worker": 7}, 2.5)
    assert [(row["left"], row["short"], row["largest"]) for row in data["limits"]] == [
        (1404, True, 700), (1, False, None), (None, False, None),
    ]  # fmt: skip


def test_a_cloud_without_quotas_says_so(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    given(monkeypatch, Headroom(PLAN, [], True, {"worker": 8}, None))
    assert main(["quota"]) == 0
    assert (
        capsys.readouterr().out == "local has no quotas to count; 8 nodes were checked, and fit\n"
    )


def test_the_plan_shows_its_cost(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    words = ["plan", "--cloud", "gce", "--region", "us-central1", "--nodes", "1000"]
    assert main(words) == 0
    assert (
        capsys.readouterr().out.splitlines()[-1].startswith("cost: about $69.89 an hour (list pri")
    )
    assert main([*words, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["cost"]["hourly"] == pytest.approx(69.8875, abs=1e-3)
    assert main(["plan", "-o", "json"]) == 0
    assert "cost" not in json.loads(capsys.readouterr().out), "nobody pays for this machine"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def asked(monkeypatch: pytest.MonkeyPatch, typed: str, terminal: bool = True) -> tuple[bool, str]:
    """What came of asking, and what was shown."""
    made: Any = Terminal if terminal else io.StringIO
    stdin, stderr = made(typed), made()
    monkeypatch.setattr("sys.stdin", stdin)
    monkeypatch.setattr("sys.stderr", stderr)
    console = Console(ConsoleOptions(), io.StringIO(), stderr, {})
    return up.asking(console)(Purchase("demo", 9, COST)), stderr.getvalue()


@pytest.mark.parametrize(("typed", "answer"), [("y\n", True), ("yes\n", True), ("n\n", False),
                                               ("\n", False), ("", False)])  # fmt: skip
def test_the_default_is_no(monkeypatch: pytest.MonkeyPatch, typed: str, answer: bool) -> None:
    agreed, shown = asked(monkeypatch, typed)
    assert agreed is answer
    assert shown.startswith(
        "9 machines are to be created for demo, which then has 1 x big, 8 x small and costs"
        " about $2.50 an hour (list prices). Create them? [y/N]:"
    )


def test_without_a_terminal_it_takes_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="there is no terminal to ask at: give --yes") as caught:
        asked(monkeypatch, "y\n", terminal=False)
    assert caught.value.exit_code == 2


def test_what_costs_nothing_known_is_counted() -> None:
    assert views.purchase_line(Purchase("demo", 9, None)) == "9 machines are to be created for demo"
