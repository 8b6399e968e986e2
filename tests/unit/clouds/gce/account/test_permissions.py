"""Permissions are asked of Google alone; what misses is named, and what cannot be asked is told."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from provision.clouds.gce.account.permissions import NAT, NEEDED, OWN_IMAGE, findings, needed
from provision.clouds.gce.place import Place
from provision.clouds.gce.service import GCE
from provision.clouds.gce.settings import Settings
from provision.events import Event, Noted
from provision.failures import Answer, Unreachable
from provision.spec.clouds import GceCloud

GOOGLE = Settings("my-project", "us-central1")
RECORDED_DISABLED = {
    "error": {
        "code": 403,
        "message": "Cloud Resource Manager API has not been used in project 42 before or it is disabled."
        " Enable it by visiting https://console.developers.google.com/apis/api/"
        "cloudresourcemanager.googleapis.com/overview?project=42 then retry.",
        "status": "PERMISSION_DENIED",
    }
}
"""The sentence was recorded in appvia/kore#286 and googleapis/python-resource-manager#129."""


class Replied:
    """An answer of Cloud Resource Manager, and what it was asked."""

    def __init__(self, content: Any, status: int = 200) -> None:
        self.status_code, self.text = (
            status,
            content if isinstance(content, str) else json.dumps(content),
        )
        self.asked: list[tuple[str, Any]] = []

    def json(self) -> Any:
        return json.loads(self.text)

    def __call__(self, address: str, **more: Any) -> "Replied":
        self.asked.append((address, more["json"]))
        return self


def place(**cloud: Any) -> Place:
    return Place(GceCloud(**cloud), "my-project", "us-central1", ("us-central1-a",), "10.0.0.1/32")


def test_all_are_held() -> None:
    reply = Replied({"permissions": [*NEEDED, *NAT]})
    told: list[Event] = []
    assert findings(GOOGLE, place(), told.append, reply) == [] and told == []
    ((address, asked),) = reply.asked
    assert address == (
        "https://cloudresourcemanager.googleapis.com/v1/projects/my-project:testIamPermissions"
    )
    assert asked == {"permissions": [*NEEDED, *NAT]}


def test_what_misses_is_named() -> None:
    held = [each for each in (*NEEDED, *NAT) if each != "compute.networks.create"]
    (one,) = findings(GOOGLE, place(), print, Replied({"permissions": held}))
    assert str(one) == (
        "permissions on my-project: 1 permission is missing: compute.networks.create; ask the project's"
        " owner for a role with them (roles/compute.admin), or use another account"
    )
    (none,) = findings(GOOGLE, place(), print, Replied({}))
    assert (
        f"{len(NEEDED) + len(NAT)} permissions are missing: compute.addresses.createInternal, "
        in none.problem
    )
    assert none.problem.endswith(f"and {len(NEEDED) + len(NAT) - 5} more")


def test_what_is_needed_is_what_the_stack_uses() -> None:
    assert needed(place(egress="none")) == [*NEEDED]
    assert needed(place(image="my-image", egress="none")) == [*NEEDED, *OWN_IMAGE]
    assert len({*NEEDED, *NAT, *OWN_IMAGE}) < 100, "Google takes no more at once"


@pytest.mark.parametrize(
    ("reply", "why"),
    [(Replied(RECORDED_DISABLED, 403), "Cloud Resource Manager API has not been used in project 42"),
     (Replied("<html>", 502), "what answered is not Google")],
)  # fmt: skip
def test_where_it_does_not_answer_nothing_is_checked(reply: Replied, why: str) -> None:
    told: list[Event] = []
    assert findings(GOOGLE, place(), told.append, reply) == []
    (noted,) = told
    assert isinstance(noted, Noted) and noted.text.startswith(
        f"permissions were not checked ({why}"
    )


def test_a_lost_connection_is_no_finding() -> None:
    def lost(address: str, **more: Any) -> Any:
        raise Unreachable(GCE, "ask for permissions", Answer("no answer in time"))

    told: list[Event] = []
    assert findings(GOOGLE, place(), told.append, lost) == []
    assert [getattr(event, "text", "") for event in told] == [
        "permissions were not checked (no answer in time)"
    ]


def test_an_emulator_is_not_asked(tmp_path: Path) -> None:
    emulator = Settings("p", "us-central1", endpoint="http://127.0.0.1:1")
    assert findings(emulator, place(), print, None) == []


def test_the_page_lists_what_is_asked_for() -> None:
    page = Path(__file__).parents[5] / "docs" / "gce.md"
    section = page.read_text(encoding="utf-8").partition("## Least permissions")[2]
    told = re.findall(r"compute(?:\.[a-zA-Z]+){2}", section.partition("\n## ")[0])
    assert sorted(told) == sorted([*NEEDED, *NAT, *OWN_IMAGE])
