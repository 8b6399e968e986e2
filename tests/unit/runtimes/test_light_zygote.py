"""Zygotes that say nothing."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from provision import labels
from provision.events import Event, Warned
from provision.runtime import Boot
from provision.runtimes.light import booting, root
from provision.runtimes.light.records import MACHINES, Records
from provision.runtimes.light.runtime import LightRuntime
from provision.runtimes.light.zygote import Done, SilentZygote


class Fake:
    """A zygote that boots so many machines, and then falls silent."""

    made: list["Fake"]
    patience: list[int]

    def __init__(self, root: Path, state: Path, slots: int, ahead: int) -> None:
        self.slots, self.ahead, self.closed = slots, ahead, False
        self.booted: list[str] = []
        Fake.made.append(self)

    def boot(self, orders: Iterable[Mapping[str, Any]], done: Done) -> None:
        for order in orders:
            if len(self.booted) == Fake.patience[0]:
                del Fake.patience[0]
                raise SilentZygote("the light machines' zygote has said nothing for 60 s", "")
            self.booted.append(str(order["name"]))
            done(str(order["name"]), "")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LightRuntime:
    Fake.made = []
    monkeypatch.setattr(booting, "Zygote", Fake)
    monkeypatch.setattr(booting, "PAUSE", 0.0)
    monkeypatch.setattr(root, "folder", lambda: tmp_path)
    return LightRuntime(state=tmp_path / "run" / "state")


def boots(count: int) -> list[Boot]:
    return [Boot(f"m{n}", "", f"i{n}", "", "", {labels.CLUSTER: "c"}) for n in range(count)]


def test_a_silent_zygote_costs_no_machine(light: LightRuntime, tmp_path: Path) -> None:
    Fake.patience = [3, 99]
    told: list[Event] = []
    assert light.start(boots(8), told.append) == {}
    first, second = Fake.made
    assert first.booted == ["m0", "m1", "m2"] and first.closed
    assert second.booted == ["m3", "m4", "m5", "m6", "m7"], "none twice, none left out"
    assert second.slots == 1 and second.ahead < first.ahead, "fewer at a time"
    (warned,) = [event.text for event in told if isinstance(event, Warned)]
    assert "said nothing for 60 s; 5 machines are booted in 0 s, fewer at a time" in warned
    assert len(Records(tmp_path / "run" / "state").find(MACHINES, {})) == 8


def test_each_further_silence_is_waited_out_for_longer(
    light: LightRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(booting, "PAUSE", 10.0)
    clock = SimpleNamespace(wait=waited.append)
    monkeypatch.setattr(booting, "threading", SimpleNamespace(Event=lambda: clock))
    Fake.patience = [1, 1, 99]
    told: list[Event] = []
    assert light.start(boots(4), told.append) == {}
    assert waited == [10.0, 20.0]
    said = [event.text.partition("; ")[2] for event in told if isinstance(event, Warned)]
    assert said == [
        "3 machines are booted in 10 s, fewer at a time",
        "2 machines are booted in 20 s, fewer at a time",
    ]


def test_zygotes_that_stay_silent_are_given_up_and_said(
    light: LightRuntime, tmp_path: Path
) -> None:
    Fake.patience = [1, 0, 0]
    with pytest.raises(SilentZygote):
        light.start(boots(4), lambda event: None)
    assert [each.closed for each in Fake.made] == [True] * 3
    assert [each.ahead for each in Fake.made] == [8, 2, 1]
    there = [record.name for record in Records(tmp_path / "run" / "state").find(MACHINES, {})]
    assert there == ["m0"], "what did not boot leaves nothing"
