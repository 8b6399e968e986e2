"""A cluster's stack, created resource by resource as Pulumi would: what it declares, without Pulumi."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision import labels
from provision.cloud import Launch
from provision.clouds.gce.client import Gce
from provision.clouds.gce.place import Place, place_of
from provision.clouds.gce.resources import Group, kinds
from provision.clouds.gce.settings import Settings, resolve
from provision.errors import CloudFailure, Finding
from provision.plan import Plan, plan_of
from provision.provider.resource import Work
from provision.spec.models import Spec
from stacks.gce import program
from tests.emulator.conftest import Gce as Emulated

SECONDS = 60.0
REGION = "us-central1"


def spec_of(gce: Emulated, project: str, nodes: int, cloud: Any = None, group: Any = None) -> Spec:
    """A spec of one group; ``cloud`` and ``group`` are added to theirs."""
    where = {"kind": "gce", "project": project, "region": REGION, "endpoint": gce.endpoint}
    return Spec.model_validate(
        {
            "name": "q",
            "cloud": {**where, **(cloud or {})},
            "groups": {"worker": {"nodes": nodes, **(group or {})}},
        }
    )


def comes_up(gce: Emulated, spec: Spec, owner: str = "") -> str:
    """As :func:`brought_up`, of a spec."""
    cloud: Any = spec.cloud
    environment = {"PROVISION_GCE_ENDPOINT": gce.endpoint}
    settings = resolve(environment, Path("/nowhere"), project=cloud.project, region=cloud.region)
    return brought_up(settings, plan_of(spec), owner)


def creates(gce: Emulated) -> int:
    """How many creating calls there were."""
    counts = gce.made.record.counts
    return sum(count for (method, _), count in counts.items() if method.endswith("nsert"))


class Declared(dict[str, Any]):
    """Stands where a declared resource is handed on."""

    def __missing__(self, key: str) -> str:
        return key


def launch_of(plan: Plan) -> Launch:
    """Ready to create; what the machines boot with is of no interest here."""
    groups = [plan.controller.group, *(group.name for group in plan.groups)]
    marks = {labels.SPEC: plan.spec_fingerprint, labels.RUN: "test"}
    return Launch(plan, dict.fromkeys(groups, "#cloud-config\n"), marks)


def declared(plan: Plan, place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tokens and inputs, in the order in which they can be created."""
    made: list[tuple[str, dict[str, Any]]] = []

    def declare(token: str, name: str, inputs: dict[str, Any], **more: Any) -> Declared:
        made.append((token, inputs))
        return Declared()

    with patch.object(program, "declare", declare), patch("pulumi.export"):
        program.program(launch_of(plan), place)
    return iter(made)


def located(gce: Gce, plan: Plan) -> Place:
    """Where the plan's cluster is to stand."""
    wrong: list[Finding] = []
    place = place_of(gce, plan.cloud, wrong)  # type: ignore[arg-type]  # plans of these tests are GCE's
    assert place is not None and wrong == []
    return place


def brought_up(settings: Settings, plan: Plan, owner: str = "") -> str:
    """Create all of it, for another cluster where ``owner`` names one.

    Answers '' where every machine is there, else what came instead.
    """
    with Gce(settings) as gce:
        place = located(gce, plan)
        by_token = {kind.token: kind for kind in kinds(gce)}
        groups = []
        try:
            for token, inputs in declared(plan, place):
                work = Work.within(SECONDS, threading.Event())
                if owner:
                    inputs = {**inputs, "marks": {labels.CLUSTER: owner}}
                made = by_token[token].create(inputs, work)
                groups += [made.ident] if token == Group.token else []
        except CloudFailure as failure:
            return str(failure)
        return "".join(settled(Group(gce), ident) for ident in groups)


def settled(kind: Group, ident: str) -> str:
    """Wait until the group has all of its VMs ('') or says why it has not."""

    def look() -> str | None:
        found = kind.get(ident)
        assert found is not None
        if found.current_actions.none == found.target_size:
            return ""
        return next((each.error.message for each in kind.errors(ident)), None)

    said = Retrying(
        retry=retry_if_result(lambda seen: seen is None),
        wait=wait_fixed(0.05),
        stop=stop_after_delay(SECONDS),
    )(look)
    return said or ""
