"""The control paths over an API that nobody has."""

import json
from typing import Any, ClassVar

import pytest

from provision.emulator import control
from provision.emulator.emulator import Emulator
from provision.emulator.world import Document
from tests.unit.emulator.test_lives import Living
from tests.unit.emulator.toy import Asking, done


class Request:
    """What a control path looks at of a request."""

    def __init__(
        self, emulator: Emulator, method: str = "GET", body: bytes = b"", **query: str
    ) -> None:
        self.app, self.method, self.query_params = self, method, query
        self.state, self.emulator, self._body = self, emulator, body

    async def body(self) -> bytes:
        return self._body


class Controlled:
    """An emulator of the toy, with one VM."""

    name: ClassVar[str] = "toy"

    def __init__(self) -> None:
        self.living = Living()
        self.living.later()
        self.emulator = Emulator(
            "toy", self.living.cloud, Asking().exchange, lambda: [self.living.vm], "http://x/", []
        )

    def ask(self, path: Any, **request: Any) -> Any:
        made: Any = Request(self.emulator, **request)
        return done(path(made))


def rows(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.body.splitlines()]


def test_it_says_which_api_it_is() -> None:
    assert json.loads(Controlled().ask(control.about).body)["emulator"] == "toy"


def test_dials_are_turned_and_what_makes_no_sense_is_refused_in_the_apis_own_words() -> None:
    controlled = Controlled()
    answer = controlled.ask(control.dials, method="PATCH", body=b'{"boot": 3}')
    assert json.loads(answer.body)["boot"] == 3
    answer = controlled.ask(control.dials, method="PATCH", body=b'{"bot": 3}')
    assert answer.status_code == 400
    assert "did you mean 'boot'" in json.loads(answer.body)["wrong"]
    assert controlled.living.cloud.dials.boot == 3


def test_resources_are_those_that_somebody_made() -> None:
    controlled = Controlled()
    world = controlled.living.cloud.world
    world.born.append(lambda account: account.table("nets").put("g", Document("default", {})))
    world.account("mine").table("nets").put("g", Document("own", {}))
    (row,) = rows(controlled.ask(control.resources))
    assert row == {"kind": "nets", "account": "mine", "scope": "g", "name": "own", "status": ""}
    named = [row["name"] for row in rows(controlled.ask(control.resources, kind="nets"))]
    assert named == ["default", "own"]


def test_machines_are_all_vms_with_what_they_do() -> None:
    (row,) = rows(Controlled().ask(control.machines))
    assert (row["name"], row["path"], row["status"], row["executes"]) == (
        "v",
        "here/v",
        "RUNNING",
        True,
    )


@pytest.mark.parametrize("what", ["crash", "preempt", "stop", "delete"])
def test_something_befalls_the_vms_that_a_pattern_names(what: str) -> None:
    controlled = Controlled()
    body = json.dumps({"what": what, "instance": "v*"}).encode()
    answer = controlled.ask(control.happen, method="POST", body=body)
    assert json.loads(answer.body) == {"what": what, "instances": ["here/v"]}
    controlled.living.later()
    assert controlled.living.vm.status == ("GONE" if what == "delete" else "TERMINATED")


def test_what_can_befall_nobody_is_refused() -> None:
    answer = Controlled().ask(control.happen, method="POST", body=b'{"what": "rain"}')
    assert answer.status_code == 400 and "crash|preempt|stop|delete" in answer.body.decode()
