"""What comes of machines that do not answer: a result each, and never success."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from provision.cloud import Endpoint
from provision.errors import UnreachableError
from provision.keys import KeyPair
from provision.remote import fanout, ssh
from provision.remote.deadline import Deadline, Stopped
from provision.remote.failures import Cause, SshError
from provision.remote.fanout import HostResult
from provision.remote.ssh import Login

SHELL: Any = SimpleNamespace(transport=SimpleNamespace(is_active=lambda: True))
LOGIN = Login(Endpoint("10.0.0.9"), KeyPair("", ""), "")


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*about: object) -> Any:
        raise error

    return fail


def good(transport: object, name: str, limit: Deadline) -> HostResult:
    return HostResult(name, 0)


@pytest.mark.parametrize("cause", Cause)
def test_an_unreachable_host_is_no_success(cause: Cause, monkeypatch: pytest.MonkeyPatch) -> None:
    error = SshError(cause, "a", "no way there", "look")
    monkeypatch.setattr(ssh, "opened", failing(error))
    (result,) = fanout.each(SHELL, {"a": LOGIN}, good, 1)
    assert (result.host, result.error) == ("a", "no way there") and result.exit_code > 0
    assert fanout.worst([HostResult("b", 0), result, HostResult("c", 0)]) == result.exit_code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnreachableError("lost", "look"), fanout.UNREACHED),
        (SshError(Cause.BROKE, "a", "lost", "look"), fanout.UNREACHED),
        (SshError(Cause.SLOW, "a", "slow", "look"), fanout.TIMED_OUT),
        (TimeoutError(), fanout.TIMED_OUT),
        (Stopped(), fanout.UNREACHED),
    ],
    ids=["not reached", "it broke", "its command was slow", "its time was over", "nobody waits"],
)
def test_work_that_came_to_no_end_is_no_success(error: Exception, code: int) -> None:
    result = fanout.here(SHELL, "a", failing(error), 1)
    assert result.exit_code == code > 0 and result.error
