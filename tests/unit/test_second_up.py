"""Another `up` of a cluster that is up: every key is applied, or refused by its name; none is ignored."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from provision.cluster import session
from provision.errors import RefusedError, UnknownClusterError
from provision.labels import EXPIRES
from provision.plan import plan_of
from provision.recipes import membership
from provision.recipes.down import down
from provision.recipes.join import JoinWait
from provision.recipes.scale import scale
from provision.recipes.up import up
from provision.spec.clouds import CLOUD_KINDS
from provision.spec.clouds import Cloud as CloudSpec
from provision.spec.flags import Overrides
from provision.spec.identity import differences
from provision.spec.models import Controller, Group, Ready, Slurm, Spec
from provision.spec.reader import load
from provision.workspace import Workspace
from tests.memory import MemoryCloud
from tests.world import World

APPLIED: dict[str, Any] = {
    "groups.worker.nodes": 3,
    "ready.quorum": 0.5,
    "ready.deadline": "9m",
    "ready.replace_after": "1m",
    "ready.user_data": "required",
}
"""What the second run works with: another value for each."""
REFUSED: dict[str, Any] = {
    "ttl": "9h",
    "groups.worker.user_data": "#!/bin/sh\nexit 0\n",
    "controller.user_data": "#!/bin/sh\nexit 0\n",
    "slurm.conf": "SlurmdTimeout=77\n",
    "groups.worker.machine_types": ["n2-standard-2"],
    "groups.worker.spot": True,
    "groups.worker.disk_gb": 40,
    "groups.worker.disk_type": "pd-ssd",
    "cloud.project": "another-project",
    "cloud.region": "europe-west1",
    "cloud.zones": ["us-central1-b"],
    "cloud.machines": {"gce": "n2-standard-4", "local": "light"},
    "cloud.controller_type": "n2-standard-8",
    "cloud.image": "my-image",
    "cloud.disk_gb": 30,
    "cloud.disk_type": "pd-ssd",
    "cloud.subnet": "10.9.0.0/20",
    "cloud.ssh_from": "203.0.113.7/32",
    "cloud.ssh_port": 2222,
    "cloud.egress": "none",
    "cloud.endpoint": "http://127.0.0.1:9",
    "cloud.labels": {"team": "blue"},
}
"""What cannot become true of machines that run: another value for each."""
OTHERWISE = {
    "name": "another name is another cluster",
    "scheduler": "there is one",
    "cloud.kind": "another kind is another place; see below",
}
"""Keys that have no second value to try."""


def keys_of(model: type[Any], above: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = [one for one in get_args(field.annotation) if isinstance(one, type)]
        deeper = [one for one in (field.annotation, *inner) if hasattr(one, "model_fields")]
        if deeper and deeper[0] in (Ready, Controller, Slurm):
            yield from keys_of(deeper[0], f"{above}{name}.")
        elif name == "groups" and model is Spec:
            yield from keys_of(Group, "groups.worker.")
        elif name == "cloud" and model is Spec:
            for kind in CLOUD_KINDS.values():
                yield from keys_of(kind, "cloud.")
        else:
            yield f"{above}{name}"


def spec_with(kind: str, path: str = "", value: Any = None, **more: Any) -> Spec:
    data: dict[str, Any] = {"name": "demo", "groups": {"worker": {"nodes": 2}}, **more}
    data["cloud"] = {"kind": kind} | (
        {"project": "mine-1", "region": "us-central1"} if kind == "gce" else {}
    )
    *above, last = path.split(".") if path else [""]
    inner = data
    for key in above:
        inner = inner.setdefault(key, {})
    if last:
        inner[last] = value
    return Spec.model_validate(data)


class Placed(MemoryCloud):
    """Stands where its spec says."""

    spec: CloudSpec

    def resolved_spec(self) -> Any:
        return self.spec


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.cloud = Placed()
    world.scheduler.cloud = world.cloud

    def cloud_of(spec: CloudSpec, emit: object = None, folders: object = None) -> MemoryCloud:
        world.cloud.spec = spec  # type: ignore[attr-defined]  # it is a Placed
        return world.cloud

    monkeypatch.setattr(session, "cloud_of", cloud_of)
    return world


def kinds(path: str) -> list[str]:
    """The kinds of clouds that have such a key."""
    if path.startswith("groups.worker.") and path.removeprefix("groups.worker.") not in (
        "nodes",
        "user_data",
    ):
        return ["gce"]
    if not path.startswith("cloud."):
        return ["local", "gce"]
    key = path.removeprefix("cloud.")
    return [kind for kind, model in CLOUD_KINDS.items() if key in model.model_fields]


def cases(paths: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(path, kind) for path in paths for kind in kinds(path)]


def test_no_key_of_a_spec_is_forgotten() -> None:
    known = {*APPLIED, *REFUSED, *OTHERWISE}
    assert known == set(keys_of(Spec, "")), (
        "say here what another `up` does with it: applied, or refused by name"
    )


@pytest.mark.parametrize(("path", "kind"), cases(REFUSED))
def test_what_cannot_become_true_is_refused_by_its_name(world: World, path: str, kind: str) -> None:
    up(spec_with(kind), world.events.append)
    before, kept = list(world.cloud.calls), Workspace("demo").path("spec.json").read_bytes()
    value = REFUSED[path]
    asked = value[kind] if path == "cloud.machines" else value
    with pytest.raises(RefusedError) as caught:
        up(spec_with(kind, path, asked), world.events.append)
    (finding,) = caught.value.findings
    assert (
        finding.where == path and "is up with" in finding.problem and "asked for" in finding.problem
    )
    assert "provision down demo" in finding.fix
    assert "apply" not in world.cloud.calls[len(before) :]
    assert Workspace("demo").path("spec.json").read_bytes() == kept
    assert up(spec_with(kind), world.events.append).created == 0, "as it was, it goes on"


@pytest.mark.parametrize(("path", "kind"), cases(APPLIED))
def test_what_the_run_works_with_is_what_it_was_given(
    world: World, path: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = []

    class Watched(JoinWait):
        def __init__(self, plan: Any, *rest: Any, **more: Any) -> None:
            plans.append(plan)
            super().__init__(plan, *rest, **more)

    monkeypatch.setattr(membership, "JoinWait", Watched)
    up(spec_with(kind), world.events.append)
    up(spec_with(kind, path, APPLIED[path]), world.events.append)
    first, second = (
        (p.quorum, p.deadline, p.replace_after, len(p.workers), p.spec.ready.user_data)
        for p in plans
    )
    given = {"9m": 540, "1m": 60}.get(APPLIED[path], APPLIED[path])
    assert first != second and given in second
    kept = Workspace("demo").spec()
    assert kept and plan_of(kept) == plans[1], "repair and scale know it too"


@pytest.mark.parametrize(("was", "now"), [(None, "9h"), ("4h", "9h"), ("4h", None)])
def test_a_ttl_that_would_not_count_is_refused(
    world: World, was: str | None, now: str | None
) -> None:
    up(spec_with("local", ttl=was), world.events.append)
    with pytest.raises(
        RefusedError, match=r"ttl: demo is up with .* it counts from the first 'up'"
    ):
        up(spec_with("local", ttl=now), world.events.append)


def test_an_up_after_the_ttl_has_ended_makes_no_machines_with_an_end_that_has_passed(
    world: World,
) -> None:
    world.cloud.declarative = True
    up(spec_with("gce", ttl="4h"), world.events.append)
    world.cloud.there.clear()
    marks = Workspace("demo").load("marks")
    assert up(spec_with("gce", ttl="4h"), world.events.append).created == 3
    world.cloud.there.clear()
    Workspace("demo").save("marks", {**marks, EXPIRES: "1700000000"})
    with pytest.raises(RefusedError, match=r"ttl of demo has ended .* 'provision down demo'"):
        up(spec_with("gce", ttl="4h"), world.events.append)
    assert not world.cloud.there
    with pytest.raises(UnknownClusterError):  # nothing else of it is left in this cloud
        down("demo", world.events.append)
    assert up(spec_with("gce", ttl="4h"), world.events.append).created == 3
    (end,) = {machine.labels[EXPIRES] for machine in world.cloud.machines()}
    assert float(end) > time.time() + 3 * 3600


def test_here_a_cluster_that_is_made_anew_has_its_whole_ttl(world: World) -> None:
    up(spec_with("local", ttl="4h"), world.events.append)
    marks = Workspace("demo").load("marks")
    Workspace("demo").save("marks", {**marks, EXPIRES: "1700000000"})
    world.cloud.there.clear()
    up(spec_with("local", ttl="4h"), world.events.append)
    (end,) = {machine.labels[EXPIRES] for machine in world.cloud.machines()}
    assert float(end) > time.time() + 3 * 3600


def test_machines_that_come_later_expire_with_the_others(world: World) -> None:
    up(spec_with("local", ttl="4h"), world.events.append)
    (first,) = {machine.labels[EXPIRES] for machine in world.cloud.machines()}
    world.cloud.there["demo-controller"].labels[EXPIRES] = older = str(int(first) - 3000)  # type: ignore[index]  # a dict
    up(spec_with("local", "groups.worker.nodes", 4, ttl="4h"), world.events.append)
    assert world.cloud.there["demo-worker-0004"].labels[EXPIRES] == older


def test_a_copy_of_the_file_is_the_same_cluster_also_after_scale(
    world: World, tmp_path: Path
) -> None:
    text = "name: demo\ngroups: {worker: {nodes: 4}}\n"
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "demo.yaml").write_text(text)
    first, copy = (load(tmp_path / place / "demo.yaml").spec for place in ("one", "two"))
    up(first, world.events.append)
    assert up(copy, world.events.append).created == 0
    scale("demo", 3, "", world.events.append, force=False)
    assert up(copy, world.events.append).created == 1
    scale("demo", 6, "", world.events.append, force=False)
    with pytest.raises(
        RefusedError, match=r"6 workers and 4 are asked for.*provision scale demo 4"
    ):
        up(copy, world.events.append)
    from_flags = load(None, Overrides(name="demo", nodes=("6",))).spec
    assert up(from_flags, world.events.append).created == 0


def test_a_group_more_or_less_is_named(world: World) -> None:
    up(spec_with("local"), world.events.append)
    with pytest.raises(RefusedError) as caught:
        up(spec_with("local", groups={"big": {"nodes": 2}}), world.events.append)
    assert {(f.where, f.problem) for f in caught.value.findings} == {
        ("groups.big", "demo is up with none, and a group is asked for"),
        ("groups.worker", "demo is up with a group, and none is asked for"),
    }


def test_user_data_is_not_shown_in_a_refusal() -> None:
    secret = "#!/bin/sh\nexport TOKEN=hunter2\n"
    (one,) = differences(spec_with("local"), spec_with("local", "groups.worker.user_data", secret))
    assert (one.was, one.now) == ("none", "another text")


def test_another_place_is_no_second_home_while_its_files_say_the_first(world: World) -> None:
    up(spec_with("gce"), world.events.append)
    world.cloud.there = {}  # as seen from there
    for elsewhere in (
        spec_with("local"),
        spec_with("gce", "cloud.region", "europe-west1"),
        spec_with("gce", "cloud.endpoint", "http://127.0.0.1:9"),
    ):
        with pytest.raises(RefusedError, match="brought up elsewhere: gce mine-1 us-central1"):
            up(elsewhere, world.events.append)
    assert up(spec_with("gce"), world.events.append).created == 3


def test_the_order_of_groups_in_a_file_says_nothing() -> None:
    one = {"a": {"nodes": 2}, "b": {"nodes": 2}}
    other = {"b": {"nodes": 2}, "a": {"nodes": 2}}
    plans = [plan_of(spec_with("local", groups=groups)) for groups in (one, other)]
    first, second = ({m.name: m.address for m in plan.workers} for plan in plans)
    assert first == second and plans[0].spec_fingerprint == plans[1].spec_fingerprint


def test_a_key_that_a_later_version_brings_makes_no_cluster_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Later(Spec):
        new: str = "default"

    data = {"name": "demo", "groups": {"worker": {"nodes": 2}}}
    now, later = Spec.model_validate(data), Later.model_validate(data)
    assert plan_of(now).spec_fingerprint == plan_of(later).spec_fingerprint
    changed = Later.model_validate({**data, "new": "other"})
    assert plan_of(changed).spec_fingerprint != plan_of(now).spec_fingerprint


def test_clouds_are_told_apart_by_their_fingerprints() -> None:
    specs = [spec_with("local"), spec_with("gce"), spec_with("local", "cloud.machines", "light")]
    assert len({plan_of(spec).spec_fingerprint for spec in specs}) == 3


@pytest.mark.parametrize("damage", ["", "not a key", None])
def test_a_damaged_login_key_is_written_anew(world: World, damage: str | None) -> None:
    up(spec_with("local"), world.events.append)
    path = Workspace("demo").path("id_ed25519")
    sound = path.read_text()
    path.chmod(0o644)
    path.unlink() if damage is None else path.write_text(damage)
    up(spec_with("local"), world.events.append)
    assert path.read_text() == sound and path.stat().st_mode & 0o777 == 0o600
