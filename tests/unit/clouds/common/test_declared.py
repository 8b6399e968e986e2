"""A cluster that a stack declares, over a stack that only remembers what it was asked."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from provision.cloud import Change
from provision.clouds.common import declared, stack
from provision.clouds.common.declared import Declared
from provision.errors import EngineFailure, ProvisionError, UnreadableError
from provision.events import Event, Noted, Warned, ignore


def change(operation: str, name: str) -> Any:
    return SimpleNamespace(
        operation=operation, type="provision:toy:Brick", name=name, properties=("a",)
    )


class Stack:
    """What it does is prepared; a failure is raised after it."""

    def __init__(
        self, *changes: Any, there: bool = True, failure: ProvisionError | None = None
    ) -> None:
        self.changes, self.there, self.failure = changes, there, failure
        self.did: list[str] = []

    def exists(self) -> bool:
        return self.there

    def preview(self) -> Any:
        return SimpleNamespace(changed=self.changes)

    def refresh(self, watch: Callable[[Any], None]) -> None:
        self.did.append("refresh")

    def up(self, watch: Callable[[Any], None]) -> None:
        self._do("up", watch)

    def destroy(self, watch: Callable[[Any], None], remove: bool) -> None:
        self._do(f"destroy {remove}", watch)

    def cancel(self) -> None:
        self.did.append("cancel")

    def _do(self, what: str, watch: Callable[[Any], None]) -> None:
        self.did.append(what)
        for each in self.changes:
            watch(each)
        if self.failure:
            raise self.failure


class Bench:
    """Toys, declared; ``kept`` is whether this machine has a stack of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, made: Stack, kept: bool) -> None:
        self.asked: list[Any] = []
        self.told: list[Event] = []

        def stack_of(*given: Any) -> Stack:
            self.asked.append(given)
            return made

        monkeypatch.setattr(stack, "stack_of", stack_of)
        monkeypatch.setattr(stack, "exists", lambda folder: kept)
        self.toys = Declared(
            folders=lambda cluster: f"folder of {cluster}",  # type: ignore[arg-type,return-value]  # handed on
            config=lambda: {"room": "attic"}, kinds=lambda emit: [], noun=lambda token: "brick",
            plugin="toys.plugin",
        )  # fmt: skip

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Noted | Warned)]


def test_a_preview_names_kinds_as_people_do(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, Stack(change("create", "b")), kept=True)
    found = bench.toys.preview("demo", stack.nothing, ignore)
    assert found == [Change("create", "brick", "b", ("a",))]
    ((cluster, folder, _, kinds, config, plugin, _),) = bench.asked
    assert (cluster, folder, kinds, config, plugin) == (
        "demo", "folder of demo", [], {"room": "attic"}, "toys.plugin",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kept", "there", "did"),
    [(True, True, ["refresh", "up"]), (True, False, ["up"]), (False, True, ["up"])],
)
def test_drift_is_read_back_only_where_there_is_a_state(
    monkeypatch: pytest.MonkeyPatch, kept: bool, there: bool, did: list[str]
) -> None:
    words = ("create", "update", "replace", "delete", "same")
    made = Stack(*(change(word, f"b{at}") for at, word in enumerate(words)), there=there)
    bench = Bench(monkeypatch, made, kept)
    bench.toys.apply("demo", stack.nothing, bench.told.append)
    assert made.did == did
    assert bench.texts == [
        "created the brick b0", "changed the brick b1", "replaced the brick b2", "removed the brick b3",
    ]  # fmt: skip


def test_destroying_answers_what_went(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Stack(change("delete", "b"), change("same", "c"))
    bench = Bench(monkeypatch, made, kept=True)
    assert bench.toys.destroy("demo", bench.told.append) == ["b"]
    assert (bench.texts, made.did) == (["removed the brick b"], ["destroy True"])


def test_without_a_stack_of_this_machine_nothing_is_driven(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, Stack(), kept=False)
    assert bench.toys.destroy("demo", bench.told.append) == [] and bench.asked == []


@pytest.mark.parametrize(
    "failure", [EngineFailure("no engine", "x"), UnreadableError("no file", "x")]
)
def test_a_stack_that_fails_is_told_and_labels_go_on(
    monkeypatch: pytest.MonkeyPatch, failure: ProvisionError
) -> None:
    bench = Bench(monkeypatch, Stack(change("delete", "b"), failure=failure), kept=True)
    assert bench.toys.destroy("demo", bench.told.append) == ["b"]
    assert bench.texts[-1] == f"{failure.problem}; going on by labels alone"


def test_what_is_under_way_is_ended_from_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Stack()
    bench = Bench(monkeypatch, made, kept=True)
    bench.toys.interrupt()
    assert made.did == [], "nothing is under way yet"
    bench.toys.apply("demo", stack.nothing, ignore)
    bench.toys.interrupt()
    assert made.did[-1] == "cancel"


def test_whoever_only_looks_hands_over_no_folder_and_works_on_none() -> None:
    toys = Declared(None, dict, lambda emit: [], str, "toys.plugin")
    with pytest.raises(AssertionError, match="hands over its folder"):
        toys.destroy("demo", ignore)
    assert declared.PAST["create"] == "created"
