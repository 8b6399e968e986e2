"""Whose a lock is, and whether anybody still holds it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from provision.engine import locks
from provision.engine.locks import SLACK, Lock

TEXT = """
 code: 255
 stdout: Updating (demo):

 stderr: error: the stack is currently locked by 3 lock(s). Either wait for the other process(es) to \
end or delete the lock file with `pulumi cancel`.
  file:///tmp/a%20b/.pulumi/locks/organization/p/demo/1.json: created by root@vm (pid 17) at \
2026-11-24T08:56:52Z
  gs://bucket/.pulumi/locks/organization/p/demo/2.json: created by an@other@elsewhere (pid 4) at \
2026-11-24T09:56:52+01:00
  file:///tmp/.pulumi/locks/3.json: created by root@vm (pid 18) at 2026-11-24T08:56:52.123Z
"""
AT = datetime(2026, 11, 24, 8, 56, 52, tzinfo=UTC).timestamp()


def test_an_error_names_all_locks() -> None:
    first, second, third = locks.parse(TEXT)
    assert (first.user, first.host, first.pid, first.at) == ("root", "vm", 17, AT)
    assert first.path == Path("/tmp/a b/.pulumi/locks/organization/p/demo/1.json")
    assert (second.user, second.host, second.at) == ("an@other", "elsewhere", AT)
    assert second.path is None
    assert third.at == pytest.approx(AT + 0.123)
    assert datetime.fromtimestamp(AT).strftime("%H:%M:%S") in first.since


def test_other_text_names_none() -> None:
    assert locks.parse("error: no stack named 'demo' found") == []


@pytest.mark.parametrize(
    ("host", "began", "held"),
    [
        ("vm", None, False),  # nobody
        ("vm", AT - 5, True),  # the one that took it
        ("vm", AT + SLACK - 1, True),  # both times are rounded
        ("vm", AT + 60, False),  # another process that got its number
        ("elsewhere", None, True),  # nothing is known of other hosts
    ],
)
def test_who_holds_a_lock(host: str, began: float | None, held: bool) -> None:
    lock = Lock("file:///x", "root", host, 17, AT)
    assert locks.held([lock], "vm", lambda pid: began) == ([lock] if held else [])


def test_only_locks_in_files_can_be_cleared(tmp_path: Path) -> None:
    mine = Lock((tmp_path / "1.json").as_uri(), "root", "vm", 17, AT)
    bucket = Lock("gs://b/2.json", "root", "vm", 17, AT)
    (tmp_path / "1.json").write_text("{}")
    assert not locks.clear([mine, bucket])
    assert (tmp_path / "1.json").exists()
    assert locks.clear([mine]) and locks.clear([mine])
    assert not (tmp_path / "1.json").exists()


def test_this_process_is_there() -> None:
    import os
    import time

    began = locks.process_began(os.getpid())
    assert began is not None and 0 <= time.time() - began + 2 < 86400
    assert locks.process_began(2**22 + 1) is None
