"""Many machines through one connection, against real SSH servers on loopback."""

import contextlib
import functools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import paramiko
import pytest
from paramiko.common import MSG_CHANNEL_CLOSE

from provision.cloud import Endpoint
from provision.remote import fanout, transport
from provision.remote.deadline import Deadline
from provision.remote.fanout import HostResult
from provision.remote.ssh import Connection, Login, executed
from provision.remote.transport import Line, Transport
from tests.journeys.command import until
from tests.remote.servers import Host, answering, cutting, listening, shell_on


@pytest.fixture
def node() -> Iterator[Host]:
    with listening(Host()) as host:
        yield host


@pytest.fixture
def controller() -> Iterator[Host]:
    with listening(Host()) as host:
        yield host


@pytest.fixture
def shell(controller: Host) -> Iterator[Connection]:
    with shell_on(controller) as connection:
        yield connection


def on(
    shell: Connection, hosts: dict[str, Login], command: str, timeout: float = 20
) -> dict[str, HostResult]:
    return {
        result.host: result
        for result in fanout.each(shell, hosts, fanout.commanding(command), timeout)
    }


def quick_or_forever(transport: Transport, name: str, limit: Deadline) -> HostResult:
    command = "echo one" if name == "quick" else "forever"
    done = executed(transport, name, command, limit)
    return HostResult(name, done.exit_code)


def named(login: Login, number: int) -> dict[str, Login]:
    return {f"worker-{each:04d}": login for each in range(number)}


def test_every_node_answers_through_one_connection(
    shell: Connection, controller: Host, node: Host
) -> None:
    results = on(shell, named(node.login, 100), "echo hello")
    assert len(results) == 100
    assert {(r.exit_code, r.stdout, r.error) for r in results.values()} == {(0, "hello\n", "")}
    assert controller.tunnels == 100 and len(controller.connections) == 1


@pytest.mark.parametrize("after", [0, 40, 900, 1800])
def test_a_lost_tunnel_costs_its_own_node_one_more_try(
    shell: Connection, controller: Host, node: Host, after: int
) -> None:
    with answering(cutting(node, [after])) as port:
        hosts = named(node.login, 20)
        hosts["worker-0007"] = replace(node.login, endpoint=Endpoint("127.0.0.1", port))
        results = on(shell, hosts, "echo hello")
    assert {(r.exit_code, r.error) for r in results.values()} == {(0, "")}
    assert controller.tunnels == 21 and len(controller.connections) == 1


def test_a_tunnel_lost_twice_is_told_of_its_own_node_alone(shell: Connection, node: Host) -> None:
    with answering(cutting(node, [900, 900])) as port:
        hosts = named(node.login, 20)
        hosts["worker-0007"] = replace(node.login, endpoint=Endpoint("127.0.0.1", port))
        results = on(shell, hosts, "echo hello")
    lost = results.pop("worker-0007")
    assert lost.exit_code == 255 and "worker-0007" in lost.error
    assert {result.exit_code for result in results.values()} == {0}


def test_a_lost_controller_connection_is_opened_anew(
    shell: Connection, controller: Host, node: Host
) -> None:
    assert on(shell, named(node.login, 1), "echo one")
    controller.cut()
    results = on(shell, named(node.login, 10), "echo hello")
    assert {(r.exit_code, r.error) for r in results.values()} == {(0, "")}


def test_a_command_that_has_begun_is_never_run_twice(shell: Connection, node: Host) -> None:
    results = on(shell, named(node.login, 1), "cut")
    assert node.said == ["cut"]
    (lost,) = results.values()
    assert lost.exit_code == 255 and "while a command ran" in lost.error


def test_a_time_limit_ends_a_command_that_never_falls_silent(shell: Connection, node: Host) -> None:
    began = time.monotonic()
    results = on(shell, named(node.login, 5), "forever", timeout=1)
    assert time.monotonic() - began < 30
    assert {result.exit_code for result in results.values()} == {fanout.TIMED_OUT}
    assert node.said.count("TERM") == 5 and "KILL" not in node.said


def test_a_command_that_does_not_heed_its_limit_is_killed(shell: Connection, node: Host) -> None:
    on(shell, named(node.login, 1), "forever deaf", timeout=0.5)
    assert node.said == ["forever deaf", "TERM", "KILL"]


def test_leaving_early_ends_what_still_runs(shell: Connection, node: Host) -> None:
    hosts = named(node.login, 8)
    hosts["quick"] = node.login
    results = fanout.each(shell, hosts, quick_or_forever, 20)
    assert next(results).host == "quick"
    until(lambda: node.said.count("forever") == 8, 20)
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 15
    assert node.said.count("TERM") == 8


def test_nobody_sends_on_a_tunnel_behind_its_end(
    shell: Connection, controller: Host, node: Host
) -> None:
    """The other side ends it while its user still sends: the connection that all share stays."""
    behind = threading.Event()
    for _ in range(60):
        line = shell.transport.tunnel("127.0.0.1", node.port, 10)

        def talk(line: Line = line) -> None:
            with contextlib.suppress(EOFError, OSError):
                while not behind.is_set():
                    with contextlib.suppress(TimeoutError):
                        line.send(b"not SSH at all\n" * 50)

        with ThreadPoolExecutor(1) as pool:
            pool.submit(talk)
            until(functools.partial(getattr, line.channel, "closed"), 20)
    assert shell.transport.is_active() and len(controller.connections) == 1
    assert shell.run("echo on", 10).stdout == "on\n"


def test_the_end_of_a_tunnel_is_answered_once_nobody_sends_on_it(
    shell: Connection, node: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of paramiko's own, in its reading thread, would overtake what is being sent."""
    monkeypatch.setattr(transport, "TURN_SECONDS", 60)
    answer = Transport._channel_handler_table[MSG_CHANNEL_CLOSE]  # type: ignore[attr-defined]  # paramiko's own
    line = shell.transport.tunnel("127.0.0.1", node.port, 10)
    end = threading.Thread(target=answer, args=(line.channel, paramiko.Message()))
    with line._turn:  # as in the midst of sending
        end.start()
        end.join(0.3)
        assert end.is_alive() and not line.channel.closed
    end.join(20)
    assert line.channel.closed
    with pytest.raises(EOFError):
        line.send(b"behind its end")
    assert shell.run("echo on", 10).stdout == "on\n"


def test_output_of_a_node_is_bounded(
    shell: Connection, node: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "MOST", 1000)
    (result,) = on(shell, named(node.login, 1), "much").values()
    assert result.exit_code == 0 and result.stdout == "y" * 1000


def test_exit_codes_are_the_commands_own_and_a_shells_for_signals(
    shell: Connection, node: Host
) -> None:
    assert on(shell, named(node.login, 1), "fail")["worker-0000"].exit_code == 3
    assert on(shell, named(node.login, 1), "killed")["worker-0000"].exit_code == 128 + 11
    worst = [HostResult("a", 0), HostResult("b", 3)]
    assert fanout.worst(worst) == 3 and fanout.worst([]) == 0


def test_a_node_that_nobody_hears_of_any_more_is_a_result_and_no_bug(
    shell: Connection, node: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, answered = threading.Event(), fanout._one

    def one(way: fanout.Way, name: str, *more: Any) -> HostResult:
        if name == "worker-0001":
            free.wait(60)
        return answered(way, name, *more)

    monkeypatch.setattr(fanout, "ROUND", 2.0)
    monkeypatch.setattr(fanout, "GRACE", 0.1)
    monkeypatch.setattr(fanout, "_one", one)
    results = on(shell, named(node.login, 3), "echo one", timeout=1)
    free.set()
    assert [results[f"worker-{each:04d}"].exit_code for each in range(3)] == [0, 124, 0]
    assert "worker-0001 did not finish within" in results["worker-0001"].error
