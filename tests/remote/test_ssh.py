"""One connection: commands, limits, and why there is none."""

import asyncio
import errno
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import asyncssh
import paramiko
import pytest

from provision.cloud import Endpoint
from provision.errors import UnreachableError
from provision.keys import new_pair
from provision.remote import failures, ssh
from provision.remote.failures import Cause, Seen, SshError
from provision.remote.ssh import Login, connect, controller_shell
from tests.foreign import exceptions
from tests.remote.servers import Host, answering, listening, shell_on


@pytest.fixture
def host() -> Iterator[Host]:
    with listening(Host()) as made:
        yield made


def refused(login: Login) -> SshError:
    with pytest.raises(SshError) as caught:
        connect(login, "demo-controller")
    assert "demo-controller" in caught.value.problem and caught.value.next_step
    return caught.value


def test_a_command_gets_its_input_and_gives_its_output(host: Host) -> None:
    with shell_on(host) as shell:
        done = shell.run("cat", 10, stdin="hällo\n" * 50_000)
    assert done.exit_code == 0 and done.stdout == "hällo\n" * 50_000


def test_the_limit_of_a_command_is_one_of_time(host: Host) -> None:
    began = time.monotonic()
    with shell_on(host) as shell, pytest.raises(SshError) as caught:
        shell.run("forever", 1)
    assert caught.value.cause is Cause.SLOW and time.monotonic() - began < 30
    assert host.said == ["forever", "TERM"]


def test_the_connection_stays_after_a_command_that_was_cut_off(host: Host) -> None:
    with shell_on(host) as shell:
        with pytest.raises(SshError):
            shell.run("forever deaf", 0.5)
        assert shell.run("echo on", 10).stdout == "on\n"


def test_a_closed_port_is_told_as_refused(host: Host) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = Endpoint("127.0.0.1", taken.getsockname()[1])
        error = refused(replace(host.login, endpoint=endpoint))
    assert error.cause is Cause.REFUSED and "nothing listens" in error.problem


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_controller_that_takes_connections_and_does_not_greet_is_booting(
    host: Host, says: bytes
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        writer.close()

    with answering(talk) as port:
        error = refused(replace(host.login, endpoint=Endpoint("127.0.0.1", port)))
    assert error.cause is Cause.GREETING and "still booting" in error.next_step


def test_a_port_that_says_nothing_is_given_up(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(ssh, "CONNECT_SECONDS", 0.5)
    with answering(talk) as port:
        began = time.monotonic()
        error = refused(replace(host.login, endpoint=Endpoint("127.0.0.1", port)))
    assert error.cause is Cause.GREETING and time.monotonic() - began < 10


def test_a_changed_host_key_is_told_as_that_and_not_tried_again(host: Host) -> None:
    other = replace(host.login, host_public=new_pair("other").public)
    error = refused(other)
    assert error.cause is Cause.HOST_KEY and "host key" in error.problem
    assert "do not trust it" in error.next_step
    before = len(host.connections)
    with pytest.raises(SshError), controller_shell(other, "demo-controller", 20):
        pass
    assert len(host.connections) == before + 1


def test_a_host_key_of_another_kind_is_a_changed_one(host: Host) -> None:
    rsa = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
    assert refused(replace(host.login, host_public=rsa)).cause is Cause.HOST_KEY


def test_a_key_that_is_not_taken_is_told_as_that(host: Host) -> None:
    error = refused(replace(host.login, user_key=new_pair("other")))
    assert error.cause is Cause.OUR_KEY and "does not take our key" in error.problem


def test_a_machine_that_lets_nobody_in_while_it_boots_says_so(host: Host) -> None:
    host.banner = "System is booting up. Unprivileged users are not permitted to log in yet.\n"
    assert refused(host.login).cause is Cause.BOOTING


def test_keys_that_are_damaged_are_told_before_anything_is_asked(host: Host) -> None:
    for login in (
        replace(host.login, host_public="ssh-ed25519 AAAA"),
        replace(host.login, user_key=replace(host.user, private="nonsense")),
    ):
        with pytest.raises(UnreachableError, match="damaged"):
            connect(login, "demo-controller")


@pytest.mark.parametrize(
    ("error", "seen", "cause"),
    [
        (OSError(errno.EHOSTUNREACH, "No route to host"), Seen(), Cause.NO_ROUTE),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), Seen(), Cause.NO_ROUTE),
        (TimeoutError(), Seen(), Cause.SILENT),
        (TimeoutError(), Seen(connected=True), Cause.GREETING),
        (paramiko.ChannelException(2, "Connect failed"), Seen(), Cause.NO_TUNNEL),
        (paramiko.SSHException("lost"), Seen(True, True), Cause.BROKE),
        (paramiko.AuthenticationException("no"), Seen(True, True), Cause.OUR_KEY),
    ],
)
def test_each_cause_has_its_sentence(error: Exception, seen: Seen, cause: Cause) -> None:
    told = failures.told(error, "demo-controller", Endpoint("10.0.0.2"), seen, 15)
    assert told.cause is cause and "10.0.0.2:22" in told.problem and told.next_step


BUILT = {
    "BadAuthenticationType": ("no", ["password"]),
    "BadHostKeyException": ("x", paramiko.PKey(), paramiko.PKey()),
    "ChannelException": (2, "no"),
    "PartialAuthentication": (["password"],),
    "ProxyCommandFailure": ("nc", 1),
    "CouldNotCanonicalize": ("x",),
    "AuthFailure": ([],),
    "UnknownKeyType": ("x", b""),
    "NoValidConnectionsError": ({("10.0.0.2", 22): OSError()},),
}
"""What those are made with that want more than a sentence."""


def test_every_exception_of_paramiko_comes_to_a_cause() -> None:
    found = exceptions([paramiko, paramiko.ssh_exception], {"paramiko"})
    assert len(found) > 10
    for kind in found:
        error = kind(*BUILT.get(kind.__name__, ("no",)))
        assert failures.told(error, "x", Endpoint("10.0.0.2"), Seen(True, True), 15).cause
