"""User-data: rendered strictly, checked by cloud-init's own schema, the same bytes for the same plan."""

import re
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from provision.assets import asset
from provision.cloudinit import rendering, userdata
from provision.keys import KeyPair, Keys
from provision.plan import Plan, plan_of
from provision.scheduler import Template
from provision.schedulers.slurm.scheduler import Slurm
from provision.spec.models import Spec

GOLDEN = Path(__file__).parents[2] / "cases" / "golden"
FIXED = Keys(
    "bXVuZ2Uta2V5",
    KeyPair("USER-PRIVATE\n", "ssh-ed25519 AAAAuser provision@demo"),
    KeyPair("CONTROLLER-HOST-PRIVATE\n", "ssh-ed25519 AAAActl demo-controller"),
    KeyPair("WORKER-HOST-PRIVATE\n", "ssh-ed25519 AAAAwrk demo-worker"),
)


def plan(**worker: Any) -> Plan:
    groups = {"worker": {"nodes": 8, **worker}, "gpu": {"nodes": 2}}
    return plan_of(Spec.model_validate({"name": "demo", "groups": groups}))


def texts(cloud: str = "local") -> dict[str, str]:
    groups = {"worker": {"nodes": 8}, "gpu": {"nodes": 2}}
    made = plan_of(
        Spec.model_validate({"name": "demo", "groups": groups, "cloud": {"kind": cloud}})
    )
    return userdata.user_data_of(Slurm(), made, FIXED)


CASES = [("local", g) for g in ("controller", "worker", "gpu")] + [
    ("gce", g) for g in ("controller", "worker")
]


@pytest.mark.parametrize(("cloud", "group"), CASES)
def test_golden(cloud: str, group: str) -> None:
    """What a machine boots with changes only on purpose: then copy the new text over the file."""
    name = f"slurm-{group}.yaml" if cloud == "local" else f"{cloud}-slurm-{group}.yaml"
    assert texts(cloud)[group] == (GOLDEN / name).read_text()


@pytest.mark.parametrize(("cloud", "group"), CASES)
def test_cloud_init_takes_it(cloud: str, group: str) -> None:
    assert rendering.check(group, texts(cloud)[group]) == []


UNITS = [
    ("controller", "slurmctld"),
    ("controller", "munge"),
    ("worker", "slurmd"),
    ("worker", "munge"),
]


@pytest.mark.parametrize("cloud", ["local", "gce"])
@pytest.mark.parametrize(("group", "unit"), UNITS)
def test_a_daemon_that_ends_starts_again_on_any_image(cloud: str, group: str, unit: str) -> None:
    files = {
        each["path"]: each["content"] for each in yaml.safe_load(texts(cloud)[group])["write_files"]
    }
    drop_in = files[f"/etc/systemd/system/{unit}.service.d/50-provision.conf"].splitlines()
    assert {"Restart=always", "StartLimitIntervalSec=0", "RestartSec=2"} <= set(drop_in)
    if unit == "slurmd":
        assert "TimeoutStartSec=infinity" in drop_in, "its controller may take as long as it likes"
        assert "ExecStartPre=/usr/local/sbin/provision-wait 10." in "\n".join(drop_in)


@pytest.mark.parametrize("cloud", ["local", "gce"])
def test_no_boot_waits_for_another_machine(cloud: str) -> None:
    start = yaml.safe_load(texts(cloud)["worker"])["runcmd"][-1]
    assert start[:3] == ["systemctl", "--no-block", "start"]


@pytest.mark.parametrize("group", ["controller", "worker"])
def test_a_real_clouds_user_data_knows_nothing_of_machines_that_share_a_host(group: str) -> None:
    for word in ("sed ", "linuxproc", "task/none", "65533", "cgroup.procs", "/usr/lib/light"):
        assert word not in texts("gce")[group]


def test_memory_is_a_resource_and_a_job_that_asks_for_none_still_runs() -> None:
    for cloud, least in (("local", 1), ("gce", 256)):
        settings = texts(cloud)["controller"].split("\\n")
        assert "SelectTypeParameters=CR_Core_Memory" in settings
        assert f"DefMemPerCPU={least}" in settings
    assert "RealMemory=$((kib / 1024 / 11))" in texts("local")["worker"], "eleven share the host"
    assert "RealMemory" not in texts("gce")["worker"], "a machine of its own says what it has"


TOGETHER = [
    ["SlurmctldTimeout", "SlurmdTimeout"],
    ["MessageTimeout", "TCPTimeout"],
    ["SelectType", "SelectTypeParameters", "DefMemPerCPU"],
    ["JobAcctGatherType", "AccountingStorageType"],
    ["ProctrackType", "TaskPlugin"],
    ["NodeSet", "PartitionName", "PartitionName"],
]
"""Settings of slurm.conf that are as they are for one reason."""


def test_each_setting_of_slurms_says_why_it_is_so() -> None:
    """A comment speaks for the one setting behind it, but for those of :data:`TOGETHER`."""
    text = asset("cloud-init", "slurm", "slurm.conf.j2").read_text()
    head, *explained = re.split(r"\{#.*?#\}\n", text, flags=re.DOTALL)
    settings = [re.findall(r"^(\w+)=", part, re.MULTILINE) for part in explained]
    assert re.findall(r"^(\w+)=", head, re.MULTILINE) == ["ClusterName", "SlurmctldHost"]
    assert settings[0][0] == "SlurmUser" and len(settings[0]) == 8, "Debian's folders"
    assert [names for names in settings[1:] if len(names) > 1] == TOGETHER


def test_workers_hold_no_user_secret_and_no_controller_key() -> None:
    for group in ("worker", "gpu"):
        assert "USER-PRIVATE" not in texts()[group]
        assert "CONTROLLER-HOST-PRIVATE" not in texts()[group]
    assert "USER-PRIVATE" not in texts()["controller"]


def test_an_undefined_variable_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        rendering.render(Template("slurm/worker.yaml.j2", {}))


def test_a_schema_fault_is_named_by_its_key_and_shows_no_value() -> None:
    (finding,) = rendering.check("g", "#cloud-config\nssh_pwauth: [hunter2]\n")
    assert "ssh_pwauth" in finding.problem and "hunter2" not in str(finding)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("#cloud-config\na: [\n", "not YAML"),
        ("#cloud-config\n- a\n", "not a mapping"),
        ("#cloud-config\nno_such_key: 1\n", "no_such_key"),
    ],
)
def test_what_cloud_init_would_refuse(text: str, words: str) -> None:
    (finding,) = rendering.check("g", text)
    assert words in finding.problem


def test_too_large_for_the_cloud() -> None:
    (finding,) = rendering.check_size("g", "x" * 2000, 1000)
    assert "1000" in finding.problem


def test_values_cannot_break_out_of_their_place() -> None:
    nasty = Keys('a": [}\n- b', FIXED.user, FIXED.controller_host, FIXED.worker_host)
    text = userdata.user_data_of(Slurm(), plan(), nasty)["worker"]
    assert yaml.safe_load(text)["write_files"][0]["content"] == 'a": [}\n- b'


@pytest.mark.parametrize(("group", "unit"), [("controller", "slurmctld"), ("worker", "slurmd")])
def test_only_root_may_ask_the_metadata_server_before_any_job_runs(group: str, unit: str) -> None:
    """It hands out the machine's user-data, and in it the munge key."""
    files = {
        each["path"]: each["content"] for each in yaml.safe_load(texts("gce")[group])["write_files"]
    }
    drop_in = files[f"/etc/systemd/system/{unit}.service.d/60-provision-metadata.conf"]
    assert "ExecStartPre=-+/usr/local/sbin/provision-metadata" in drop_in
    script = files["/usr/local/sbin/provision-metadata"]
    for rule in ("! --dport 53 -m owner ! --uid-owner 0 -j REJECT", "skuid != 0 reject"):
        assert rule in script, "root alone, and names are still resolved"
    assert "provision-metadata" not in texts("local")[group], "a local machine has no such server"
