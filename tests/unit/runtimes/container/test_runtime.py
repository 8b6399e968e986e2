"""The runtime over an engine made of dictionaries."""

from collections.abc import Callable
from typing import Any

import pytest

from provision.errors import RuntimeFailure
from provision.events import Event, Progress, ignore
from provision.runtime import Boot, Network, State
from provision.runtimes import removal
from provision.runtimes.container import runtime as module
from provision.runtimes.container.engine import NoEngine
from provision.runtimes.container.runtime import ContainerRuntime

C = {"provision-cluster": "c"}
Make = Callable[..., Boot]


@pytest.fixture
def runtime(engine: Any) -> ContainerRuntime:
    return ContainerRuntime(lambda: engine)


def test_start_boots_every_machine_and_tells_each(
    engine: Any, runtime: ContainerRuntime, boot: Make
) -> None:
    events: list[Event] = []
    machines = [boot(f"c-{number}") for number in range(7)]
    assert runtime.start(machines, events.append) == {}
    assert [container.state for container in engine.containers(C)] == ["running"] * 7
    assert [event.done for event in events if isinstance(event, Progress)] == list(range(1, 8))
    assert engine.most_at_once <= module.STARTERS


def test_one_that_fails_stops_no_other(engine: Any, runtime: ContainerRuntime, boot: Make) -> None:
    engine.start_fails["c-1"] = "no space left"
    failed = runtime.start([boot("c-0"), boot("c-1"), boot("c-2")], ignore)
    assert list(failed) == ["c-1"]
    assert "no space left" in failed["c-1"]
    assert {m.name for m in runtime.running(C) if m.state is State.RUNNING} == {"c-0", "c-2"}


def test_a_running_machine_is_left_and_others_are_booted_anew(
    engine: Any, runtime: ContainerRuntime, boot: Make
) -> None:
    kept = engine.add("c-0", C, "running")
    engine.add("c-1", C, "exited")
    engine.add("c-2", C, "created")
    assert runtime.start([boot("c-0"), boot("c-1"), boot("c-2")], ignore) == {}
    assert [c.ident for c in engine.containers()] == [kept.ident, "new-c-1", "new-c-2"]


@pytest.mark.parametrize("owner", [{}, {"provision-cluster": "other"}])
def test_a_container_of_someone_else_is_not_touched(
    engine: Any, runtime: ContainerRuntime, boot: Make, owner: dict[str, str]
) -> None:
    theirs = engine.add("c-0", owner, "exited")
    failed = runtime.start([boot("c-0")], ignore)
    assert "c-0 exists already and belongs to" in failed["c-0"]
    assert engine.containers() == [theirs]


def test_ctrl_c_starts_none_of_those_that_wait(
    engine: Any, runtime: ContainerRuntime, boot: Make
) -> None:
    def interrupt(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runtime.start([boot(f"c-{number:03}") for number in range(200)], interrupt)
    assert len(engine.here) < 200


def test_running_costs_one_call(engine: Any, runtime: ContainerRuntime) -> None:
    for number in range(50):
        engine.add(f"c-{number:02}", C)
    engine.calls.clear()
    assert len(runtime.running({"provision-cluster": ""})) == 50
    assert engine.calls == ["list"]


def test_stop_removes_machines_before_networks(engine: Any, runtime: ContainerRuntime) -> None:
    engine.add("c-0", C)
    engine.add("c-1", C, "exited")
    other = engine.add("d-0", {"provision-cluster": "d"})
    engine.create_network("c", "10.9.0.0/24", C)
    del engine.here[other.ident]
    assert sorted(runtime.stop(C)) == ["c", "c-0", "c-1"]
    assert engine.calls.index("remove network c") > engine.calls.index("remove id-c-1")
    assert runtime.stop(C) == []


def test_stop_of_names_keeps_the_rest(engine: Any, runtime: ContainerRuntime) -> None:
    engine.add("c-0", C)
    engine.add("c-1", C)
    engine.create_network("c", "10.9.0.0/24", C)
    assert runtime.stop(C, ["c-1", "c-9"]) == ["c-1"]
    assert [container.name for container in engine.containers()] == ["c-0"]
    assert list(engine.nets) == ["c"]


def test_stop_tries_again_what_is_busy(engine: Any, runtime: ContainerRuntime) -> None:
    engine.add("c-0", C)
    engine.remove_fails["id-c-0"] = 1
    assert runtime.stop(C) == ["c-0"]
    assert engine.containers() == []


def test_stop_says_what_it_cannot_remove(
    engine: Any, runtime: ContainerRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "DEADLINE", 0.05)
    engine.add("c-0", C)
    engine.remove_fails["id-c-0"] = 10**6
    with pytest.raises(RuntimeFailure, match=r"not everything was removed .*id-c-0 is busy"):
        runtime.stop(C)


def test_a_network_is_adopted_only_with_its_subnet(engine: Any, runtime: ContainerRuntime) -> None:
    runtime.ensure_network(Network("c", "10.9.0.0/24", C))
    runtime.ensure_network(Network("c", "10.9.0.0/24", C))
    with pytest.raises(RuntimeFailure, match=r"exists with 10\.9\.0\.0/24 where 10\.8"):
        runtime.ensure_network(Network("c", "10.8.0.0/24", C))


def test_leftovers_name_kind_and_labels(engine: Any, runtime: ContainerRuntime) -> None:
    engine.add("c-0", C)
    engine.create_network("c", "10.9.0.0/24", C)
    engine.create_network("theirs", "10.7.0.0/24", {})
    assert runtime.leftovers({"provision-cluster": ""}) == [
        ("container", "c-0", C),
        ("network", "c", C),
    ]


def test_console_of_one_that_is_gone_is_empty(engine: Any, runtime: ContainerRuntime) -> None:
    engine.add("c-0", C)
    assert runtime.console("c-0") == "console of c-0"
    assert runtime.console("c-1") == ""


def test_without_an_engine_the_checks_still_answer() -> None:
    def none() -> Any:
        raise NoEngine("no container engine answers", "install one")

    found = [check.finding for check in ContainerRuntime(none).check(2) if check.finding]
    assert found[0].where == "host: container engine"
    assert found[0].fix == "install one"


def test_close_without_use_looks_for_no_engine(engine: Any) -> None:
    asked: list[int] = []
    runtime = ContainerRuntime(lambda: asked.append(1) or engine)  # type: ignore[func-returns-value]  # append as a side effect
    runtime.close()
    assert asked == []
    runtime.running({})
    runtime.close()
    runtime.close()
    assert engine.closed == 1
