"""Whom a connection trusts and how long a command may take, without a socket."""

import threading
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest

from provision.cloud import Endpoint
from provision.keys import new_pair
from provision.remote import deadline, ssh
from provision.remote.deadline import Deadline
from provision.remote.failures import Cause, SshError
from provision.remote.ssh import Login

OURS, OTHER = new_pair("host"), new_pair("other")
LOGIN = Login(Endpoint("10.0.0.2"), new_pair("user"), OURS.public)


class Greeted:
    """A connection whose host shows the key of a pair."""

    initial_kex_done, remote_version = True, "SSH-2.0-x"

    def __init__(self, public: str) -> None:
        self.key = paramiko.PKey.from_type_string(
            "ssh-ed25519", paramiko.pkey.PublicBlob.from_string(public).key_blob
        )
        self.said: list[str] = []

    def start_client(self, timeout: float) -> None:
        self.said.append("start")

    def get_remote_server_key(self) -> paramiko.PKey:
        return self.key

    def auth_publickey(self, user: str, key: paramiko.PKey) -> None:
        self.said.append("log in")

    def set_keepalive(self, seconds: int) -> None:
        self.said.append("stay")

    def get_banner(self) -> None:
        return None

    def close(self) -> None:
        self.said.append("close")


def test_an_unknown_host_key_is_refused_before_anybody_logs_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, unknown = Greeted(OURS.public), Greeted(OTHER.public)
    made = iter([known, unknown])
    monkeypatch.setattr(ssh, "_begun", lambda *about: next(made))
    ssh.opened(LOGIN, "demo-controller", Deadline(9))
    assert known.said == ["start", "log in", "stay"]
    with pytest.raises(SshError) as caught:
        ssh.opened(LOGIN, "demo-controller", Deadline(9))
    assert caught.value.cause is Cause.HOST_KEY and unknown.said == ["start", "close"]


def test_a_host_is_asked_for_the_kind_of_key_that_is_known_alone() -> None:
    line = SimpleNamespace(settimeout=lambda seconds: None, close=lambda: None)
    tunnel: Any = SimpleNamespace(tunnel=lambda *about: line)
    made = ssh._begun(LOGIN.endpoint, "ssh-ed25519", Deadline(9), tunnel)
    assert made.get_security_options().key_types == ("ssh-ed25519",)


def test_an_unknown_host_key_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def connect(login: Login, where: str) -> None:
        tries.append(where)
        raise SshError(Cause.HOST_KEY, where, "another key", "do not trust it")

    monkeypatch.setattr(ssh, "connect", connect)
    with pytest.raises(SshError), ssh.controller_shell(LOGIN, "demo-controller", 1):
        pass
    assert len(tries) == 1


class Chatty:
    """A command that says something each second and never ends; it is its own channel and line."""

    closed = eof_received = exit_ready = False

    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.channel = self
        self.in_buffer = self.in_stderr_buffer = SimpleNamespace(set_event=lambda event: None)
        self.status_event = threading.Event()
        self.status_event.set()
        self._ready = False

    def recv_ready(self) -> bool:
        self._ready = not self._ready
        return self._ready

    def recv_stderr_ready(self) -> bool:
        return False

    def recv(self, size: int) -> bytes:
        self.now += 1
        assert self.now < 60, "its time was over long ago"
        return b"x"

    def execute(self, command: str) -> None:
        self.said.append(command)

    def tell(self, name: str) -> None:
        self.said.append(name)

    def finish(self) -> None:
        """There is no input."""

    def close(self) -> None:
        self.said.append("close")


def test_the_limit_of_a_command_is_one_of_time_however_much_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = Chatty()
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: line.now))
    transport: Any = SimpleNamespace(
        session=lambda seconds: line, exit_code=lambda channel: None, is_active=lambda: True
    )
    with pytest.raises(SshError) as caught:
        ssh.executed(transport, "demo-worker-0001", "yes", Deadline(10))
    assert caught.value.cause is Cause.SLOW and line.now == 10
    assert line.said == ["yes", "TERM", "close"]
